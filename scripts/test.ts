/**
 * `npm test`: every test file, several at a time, by Node's own runner. Arguments are passed on:
 * `npm test -- --test-name-pattern=PUB`. Suites for long runs have their own commands, see CONTRIBUTING.md.
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const files = globSync(["packages/*/src/**/*.test.ts", "test/**/*.test.ts", "bench/**/*.test.ts"], {
  cwd: root,
});

/** A test that has not ended by then never will: it fails, instead of holding up the run. */
const TEST_TIMEOUT_MS = 180_000;

const run = spawnSync(
  process.execPath,
  ["--no-warnings", "--test", `--test-timeout=${TEST_TIMEOUT_MS}`, ...process.argv.slice(2), ...files.sort()],
  {
    cwd: root,
    stdio: "inherit",
  },
);
process.exit(run.status ?? 1);
