#!/usr/bin/env node
// The `caddis` command. It must parse and run on any Node, if only to say which one is needed: so nothing
// newer than import() stands here, and everything else is loaded after the check.
import * as nodeModule from "node:module";
import { basename } from "node:path";

// Left alone, this signal opens Node's debugger; the server traps it later, to reopen its log.
process.on("SIGUSR1", () => {});

const NODE_NEEDED = [24, 20];

const version = process.versions.node.split(".").map(Number);
if (version[0] < NODE_NEEDED[0] || (version[0] === NODE_NEEDED[0] && version[1] < NODE_NEEDED[1])) {
  console.error(`caddis needs Node.js ${NODE_NEEDED.join(".")} or newer; this is ${process.version}`);
  process.exitCode = 1;
} else {
  // Compiled code is kept between starts, which halves the time to the first connection.
  nodeModule.enableCompileCache();
  // Node's own warnings go to the log (see main.ts), not to stderr, which launchers parse.
  process.removeAllListeners("warning");
  void start();
}

async function start(): Promise<void> {
  const { main } = await import("./main.ts");
  process.exit(await main(calledAs(), process.argv.slice(2)));
}

/** The name the program was called by: log lines, the ports file and `--signal` go by it. */
function calledAs(): string {
  const name = process.env["CADDIS_EXE"] || basename(process.argv[1] || "");
  return name === "" || /\.[cm]?[jt]s$/.test(name) ? "caddis" : name;
}
