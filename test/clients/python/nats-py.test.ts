import { join } from "node:path";
import { checkForeignClient } from "../support/checks.ts";
import { cacheFolder, sourceFolder, tool } from "../support/programs.ts";

const source = sourceFolder("python");

checkForeignClient({
  name: "nats-py",
  needs: ["python3"],
  slow: false,
  lacks: [],
  fetch: async () => {
    const environment = await cacheFolder("python");
    // Anew each time: what another Python 3 has left there would not do for this one.
    await tool("python3", ["-m", "venv", "--clear", environment]);
    const pip = ["-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--only-binary=:all:"];
    await tool(join(environment, "bin/python"), [
      ...pip,
      "--require-hashes",
      "-r",
      join(source, "requirements.txt"),
    ]);
  },
  build: async () => {
    const command = join(await cacheFolder("python"), "bin/python");
    return {
      messaging: { command, args: ["-B", join(source, "checks.py")] },
      jetstream: { command, args: ["-B", join(source, "jetstream.py")] },
    };
  },
});
