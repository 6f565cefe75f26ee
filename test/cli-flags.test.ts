import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { CADDIS_VERSION, COMPATIBLE_VERSION } from "../packages/caddis/src/base/version.ts";
import { calledAs, fakeProgram, Program, testFolder, type Outcome } from "./support/program.ts";
import { findReferenceServer, OUR_SERVER } from "./support/server-process.ts";

/** Command lines that end at once, the same way here and in nats-server. */
const ENDING_AT_ONCE: readonly (readonly string[])[] = [
  ["-foo"],
  ["--foo=1"],
  ["-p"],
  ["-p", "abc"],
  ["-p="],
  ["-p", "09"],
  ["-p", "0x"],
  ["-p", "1__0"],
  ["-p", "99999999999999999999"],
  ["-p", "-9223372036854775809"],
  ["-js=maybe"],
  ["-D=yes"],
  ["-=x"],
  ["---x"],
  ["-v", "-p", "abc"],
  ["--profile", "x"],
  ["--connect_retries", "x"],
  ["-p", "0x1F", "-v"],
  ["-p", "1_000", "-v"],
  ["-p", "-9223372036854775808", "-v"],
  ["-D", "false", "version"],
  ["foo"],
  [""],
  ["-"],
  ["FOO", "version"],
  ["version"],
  ["VERSION"],
  ["version", "foo"],
  ["version", "--foo"],
  ["--", "version"],
  ["-v"],
  ["--version"],
  ["-v=true", "foo"],
  ["-h", "-v"],
  ["--help_tls", "-v"],
  ["-h"],
  ["help"],
  ["-h", "foo"],
  ["-t"],
  ["-t", "foo"],
  ["-t", "-c", ""],
  ["-v=false", "-t"],
  ["-t", "-c", "missing.conf"],
  ["-c", "missing.conf"],
  ["-sl"],
  ["-sl=foo", "bar"],
  ["-v", "-sl=foo"],
  ["-sl=foo"],
  ["-sl=reload"],
  ["-sl", "foo=99999999"],
  ["-sl", "RELOAD=99999999"],
  ["-sl", "=99999999"],
  ["-sl=reload=99999999"],
  ["--signal=ldm=99999999"],
  ["--signal", "reload=missing.pid"],
  ["-sl=reload="],
  ["-sl=reload=1.5"],
  ["-sl=reload=9*9"],
  ["-sl=reload=77*"],
  ["-sl=a=b=c"],
  ["-sl=reload=99999999", "-t", "-c", "missing.conf"],
];

const HELP = /^\nUsage: nats-server \[options\]\n/;
const OWN_VERSION = `caddis: v${CADDIS_VERSION}\n`;

/** `pgrep` that finds `pids`: no test may send a signal to a process it did not start. */
async function run(t: TestContext, command: string, args: readonly string[], pids = ""): Promise<Outcome> {
  const folder = await testFolder(t);
  const fakes = join(folder, "fakes");
  await mkdir(fakes);
  await fakeProgram(fakes, "pgrep", pids === "" ? "exit 1" : `printf '${pids}'`);
  const path = `${fakes}${delimiter}${process.env["PATH"] ?? ""}`;
  return new Program(t, command, args, folder, { PATH: path }).ended;
}

describe("command lines that end at once end as in nats-server", () => {
  const reference = findReferenceServer();
  for (const args of ENDING_AT_ONCE) {
    test(JSON.stringify(args), async (t) => {
      if (reference === null) return t.skip("no nats-server on PATH");
      const command = await calledAs(await testFolder(t), "nats-server");
      const [ours, theirs] = await Promise.all([run(t, command, args), run(t, reference, args)]);
      ours.stderr = ours.stderr.replace(OWN_VERSION, "");
      // Help is our own text.
      for (const outcome of [ours, theirs]) if (HELP.test(outcome.stdout)) outcome.stdout = "help";
      assert.deepEqual(ours, theirs);
    });
  }

  test("signals to one of several servers", async (t) => {
    if (reference === null) return t.skip("no nats-server on PATH");
    const command = await calledAs(await testFolder(t), "nats-server");
    const pids = "99999998\\n99999999\\n";
    for (const args of [["-sl=reload"], ["-sl=reload=*"], ["-sl=stop=99999998*"], ["-sl=foo"]]) {
      const ours = await run(t, command, args, pids);
      assert.deepEqual(ours, await run(t, reference, args, pids));
    }
  });
});

test("-v has both versions, and under the name nats-server the line of nats-server alone on stdout", async (t) => {
  const folder = await testFolder(t);
  assert.deepEqual(await run(t, OUR_SERVER, ["-v"]), {
    code: 0,
    stdout: `caddis: v${CADDIS_VERSION} (compatible with nats-server: v${COMPATIBLE_VERSION})\n`,
    stderr: "",
  });
  assert.deepEqual(await run(t, await calledAs(folder, "nats-server"), ["-v"]), {
    code: 0,
    stdout: `nats-server: v${COMPATIBLE_VERSION}\n`,
    stderr: OWN_VERSION,
  });
});

test("-h goes by the name the program was called by", async (t) => {
  const { code, stdout, stderr } = await run(t, OUR_SERVER, ["-h"]);
  assert.deepEqual([code, stdout.split("\n")[1], stderr], [0, "Usage: caddis [options]", ""]);
});

test("flags of parts that are not built keep the server from starting, with a line each", async (t) => {
  assert.deepEqual(await run(t, OUR_SERVER, ["--cluster_name", "c", "--routes", "nats://h:1", "-p", "-1"]), {
    code: 1,
    stdout: "",
    stderr:
      "caddis: --routes is not supported yet: clustering\n--cluster_name is not supported yet: clustering\n",
  });
});

test("no signal goes to process groups or to everybody", async (t) => {
  for (const pid of ["-1", "0", "-0", "00", "+1", "99999999999"]) {
    const outcome = await run(t, OUR_SERVER, [`-sl=reload=${pid}`]);
    assert.deepEqual(outcome, { code: 1, stdout: "", stderr: `caddis: invalid pid: ${pid}\n` });
  }
});
