/**
 * `npm run bench:permissions`: our server with 100 allow and 100 deny rules against our server without any, in
 * turn. The ratio of `rate` is what rules leave of it; the aim is 0.85. Further arguments go to `main.ts`.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const RULES = 100;
const PUBLISH_CASES = "publish|subjects|literals|1to1-16$|1to1-128$";

const caddis = fileURLToPath(new URL("../bin/caddis", import.meta.url));
const main = fileURLToPath(new URL("main.ts", import.meta.url));

/** Rules of all kinds; one of those that allow covers what the cases publish, none of those that deny does. */
function ruled(): string {
  const allow = Array.from({ length: RULES - 1 }, (_, i) =>
    i % 2 === 0 ? `team${i}.*.events` : `team${i}.>`,
  );
  const deny = Array.from({ length: RULES }, (_, i) =>
    i % 3 === 0 ? `bench.*.*.secret${i}` : i % 3 === 1 ? `private${i}.>` : `bench.audit.${i}`,
  );
  return JSON.stringify({ publish: { allow: [...allow, "bench.>"], deny } });
}

function configOf(permissions: string): string {
  const user =
    permissions === ""
      ? `{user: bench, password: pw}`
      : `{user: bench, password: pw, permissions: ${permissions}}`;
  return `authorization { users: [ ${user} ] }\nno_auth_user: bench\n`;
}

const folder = mkdtempSync(join(tmpdir(), "caddis-permissions-"));
try {
  const withRules = join(folder, "with.conf");
  const without = join(folder, "without.conf");
  writeFileSync(withRules, configOf(ruled()));
  writeFileSync(without, configOf(""));
  const args = [
    "--case",
    PUBLISH_CASES,
    "--ours",
    `${caddis} -c ${withRules}`,
    "--reference",
    `${caddis} -c ${without}`,
  ];
  const { status } = spawnSync(
    process.execPath,
    [main, ...args, "--json", join(folder, "results.json"), ...process.argv.slice(2)],
    {
      stdio: "inherit",
    },
  );
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
