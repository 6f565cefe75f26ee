import { join } from "node:path";
import { checkForeignClient } from "../support/checks.ts";
import { cacheFolder, sourceFolder, tool } from "../support/programs.ts";

checkForeignClient({
  name: "nats.go",
  needs: ["go"],
  slow: false,
  lacks: [],
  fetch: async () => {
    await tool("go", ["mod", "download"], { cwd: sourceFolder("go") });
  },
  build: async () => {
    const binary = join(await cacheFolder("go"), "checks");
    await tool("go", ["build", "-mod=readonly", "-o", binary, "."], { cwd: sourceFolder("go") });
    return {
      messaging: { command: binary, args: ["messaging"] },
      jetstream: { command: binary, args: ["jetstream"] },
    };
  },
});
