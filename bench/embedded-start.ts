/**
 * `npm run bench:embedded [-- --rounds N]`: how long a program waits for an embedded server. The package
 * is compiled, as it is published; each round is a fresh process that imports it, starts a server that
 * listens, and starts another one. Prints the medians.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median } from "./statistics.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values } = parseArgs({ options: { rounds: { type: "string", default: "15" } } });
const folder = mkdtempSync(join(tmpdir(), "caddis-embedded-"));
try {
  execFileSync(join(root, "node_modules/.bin/tsc"), [
    "-p",
    join(root, "packages/caddis/tsconfig.build.json"),
    "--outDir",
    folder,
  ]);
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const program = join(folder, "measure.js");
  writeFileSync(
    program,
    `const begin = performance.now();
     const { createServer } = await import("./server/index.js");
     const imported = performance.now();
     const server = await createServer();
     const started = performance.now();
     const second = await createServer();
     const again = performance.now();
     await Promise.all([server.shutdown(), second.shutdown()]);
     console.log(JSON.stringify([imported - begin, started - imported, started - begin, again - started]));`,
  );
  const rounds: Record<"importing" | "starting" | "both" | "another", number>[] = Array.from(
    { length: Number(values.rounds) },
    () => {
      const [importing, starting, both, another] = JSON.parse(
        execFileSync(process.execPath, [program], { encoding: "utf8" }),
      );
      return { importing, starting, both, another };
    },
  );
  const show = (name: "importing" | "starting" | "both" | "another"): string =>
    `${median(rounds.map((round) => round[name])).toFixed(1)} ms`;
  console.log(
    `import ${show("importing")}, start ${show("starting")}, both ${show("both")}; a second server ${show("another")}`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
