/**
 * `npm test`: every test file, several at a time, by Node's own runner. Arguments are passed on:
 * `npm test -- --test-name-pattern=PUB`. Suites for long runs have their own commands, see CONTRIBUTING.md.
 *
 * Many tests time two programs against each other, on machines that do other things as well. Where only a few files
 * fail they are run once more, alone; what passes then is named at the end as unsteady, to be looked into.
 */
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const files = globSync(["packages/*/src/**/*.test.ts", "test/**/*.test.ts", "bench/**/*.test.ts"], {
  cwd: root,
});

/** A test that has not ended by then never will: it fails, instead of holding up the run. */
const TEST_TIMEOUT_MS = 180_000;
/** More files than this do not fail by chance. */
const UNSTEADY_FILES_MAX = 4;

/** Runs test files; returns the exit status and those in which something failed. */
function run(paths: readonly string[], concurrency: number): { status: number; failed: string[] } {
  const folder = mkdtempSync(join(tmpdir(), "caddis-tests-"));
  const list = join(folder, "failed");
  try {
    const { status } = spawnSync(
      process.execPath,
      [
        "--no-warnings",
        "--test",
        `--test-timeout=${TEST_TIMEOUT_MS}`,
        `--test-concurrency=${concurrency}`,
        "--test-reporter=spec",
        "--test-reporter-destination=stdout",
        `--test-reporter=${new URL("failed-files.ts", import.meta.url).href}`,
        `--test-reporter-destination=${list}`,
        ...process.argv.slice(2),
        ...paths,
      ],
      { cwd: root, stdio: "inherit" },
    );
    const lines = readFileSync(list, "utf8").split("\n");
    return { status: status ?? 1, failed: [...new Set(lines.filter((line) => line !== ""))] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const first = run(files.sort(), Math.max(2, availableParallelism() - 1));
let { status } = first;
if (status !== 0 && first.failed.length > 0 && first.failed.length <= UNSTEADY_FILES_MAX) {
  console.error(`\nonce more, alone: ${first.failed.join(", ")}`);
  ({ status } = run(first.failed, 1));
  if (status === 0) console.error(`\nunsteady, passed the second time only: ${first.failed.join(", ")}`);
}
process.exit(status);
