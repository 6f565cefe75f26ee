import { join } from "node:path";
import { checkForeignClient } from "../support/checks.ts";
import { cacheFolder, sourceFolder, tool } from "../support/programs.ts";

const source = sourceFolder("rust");

checkForeignClient({
  name: "async-nats",
  needs: ["cargo"],
  slow: true,
  lacks: [],
  fetch: async () => {
    await tool("cargo", ["fetch"], { cwd: source });
  },
  build: async () => {
    const target = await cacheFolder("rust");
    await tool("cargo", ["build", "--offline", "--target-dir", target], { cwd: source });
    const command = join(target, "debug/caddis-checks");
    return {
      messaging: { command, args: ["messaging"] },
      jetstream: { command, args: ["jetstream"] },
    };
  },
});
