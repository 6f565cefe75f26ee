/** The `nats` command line about JetStream: it says of our server what it says of nats-server, and does the same. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, test, type TestContext } from "node:test";
import { findReferenceServer, OUR_SERVER, ServerProcess } from "../../support/server-process.ts";
import { JETSTREAM_COMMANDS, type SpecialCommand } from "./jetstream-commands.ts";
import { NatsCommand } from "./nats-command.ts";

/** Fetching and building takes no longer; reached only when something hangs. */
const SUITE_DEADLINE_MS = 20 * 60_000;
/** All commands at both servers take no longer; reached only when one never says what is waited for. */
const COMMANDS_DEADLINE_MS = 120_000;
const LARGE_BYTES = 400_000;

/** Commands that measure; each has to end well, and say how fast it was. */
const BENCHMARKS: readonly string[] = [
  "bench js pub sync benched --create --stream=BENCH --msgs=200 --no-progress",
  "bench js pub async benched --stream=BENCH --msgs=5000 --clients=2 --no-progress",
  "bench js pub batch benched --stream=BENCH --msgs=2000 --batch=100 --no-progress",
  "bench js ordered --stream=BENCH --msgs=5000 --no-progress",
  "bench js consume --stream=BENCH --msgs=5000 --clients=2 --no-progress",
  "bench js fetch --stream=BENCH --msgs=2000 --batch=100 --no-progress",
  "bench js get sync --stream=BENCH --msgs=500 --no-progress",
  "bench js get batch --stream=BENCH --msgs=2000 --batch=100 --no-progress",
  "bench kv put --bucket=BENCHKV --msgs=500 --no-progress",
  "bench kv get --bucket=BENCHKV --msgs=500 --no-progress",
];

describe("the nats command line about JetStream", { timeout: SUITE_DEADLINE_MS }, () => {
  let nats: NatsCommand | string = "";
  before(async () => {
    nats = await NatsCommand.build();
  });

  test("commands", { timeout: COMMANDS_DEADLINE_MS }, async (t) => {
    const reference = findReferenceServer();
    if (typeof nats === "string") return t.skip(nats);
    if (reference === null) return t.skip("no nats-server on PATH and no NATS_SERVER");
    const expected = await saidBy(t, nats, reference);
    const actual = await saidBy(t, nats, OUR_SERVER);
    assert.equal(actual.length, JETSTREAM_COMMANDS.length);
    for (const [index, command] of JETSTREAM_COMMANDS.entries()) {
      await t.test(commandOf(command), () => assert.equal(actual[index], expected[index]));
    }
  });

  test("benchmarks", async (t) => {
    if (typeof nats === "string") return t.skip(nats);
    const { url } = await startServer(t, OUR_SERVER);
    await nats.run(t, url, ["kv", "add", "BENCHKV"]);
    for (const command of BENCHMARKS) {
      const { code, output } = await nats.run(t, url, command.split(" "));
      assert.equal(code, 0, `${command}: ${output}`);
      assert.match(output, /msgs\/sec/, command);
    }
  });
});

/** A server with JetStream, and a folder of its own with two files in it. */
async function startServer(t: TestContext, command: string): Promise<{ url: string; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), "caddis-nats-"));
  await writeFile(join(folder, "small"), "small\n");
  await writeFile(join(folder, "large"), Buffer.alloc(LARGE_BYTES, "abc"));
  const store = JSON.stringify(join(folder, "js"));
  const config = `server_name: S, jetstream { store_dir: ${store}, max_mem: 1GB, max_file: 10GB }`;
  const server = await ServerProcess.start({ command, config });
  t.after(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return { url: `nats://127.0.0.1:${server.port}`, folder };
}

/** What comes of each command. */
async function saidBy(t: TestContext, nats: NatsCommand, server: string): Promise<string[]> {
  const { url, folder } = await startServer(t, server);
  const said: string[] = [];
  for (const command of JETSTREAM_COMMANDS) {
    const special: Partial<SpecialCommand> = typeof command === "string" ? {} : command;
    const { until = /^/, input = "", isUnordered = false } = special;
    const args = wordsOf(command, folder);
    for (;;) {
      t.signal.throwIfAborted();
      const { code, output } = await nats.run(t, url, args, { input });
      if (!until.test(output)) continue;
      const text = comparable(output.replaceAll(folder, "<folder>").replaceAll(url, "<url>"));
      said.push(`${code} ${isUnordered ? text.split("\n").sort().join("\n") : text}`);
      break;
    }
  }
  return said;
}

function commandOf(command: string | SpecialCommand): string {
  return typeof command === "string" ? command : command.command;
}

function wordsOf(command: string | SpecialCommand, folder: string): string[] {
  const small = join(folder, "small");
  const large = join(folder, "large");
  return commandOf(command)
    .split(" ")
    .map((word) => word.replace("<folder>", folder).replace("<file>", small).replace("<large>", large));
}

/** Without what is of the moment and of the server, and without the frames of tables, which are as wide as that. */
function comparable(output: string): string {
  return output
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?: \+0000 UTC|Z)?/g, "<time>")
    .replaceAll(/\d\d:\d\d:\d\d/g, "<time>")
    .replaceAll(/\b(?:\d+(?:\.\d+)?(?:h|ms|m|s|µs|ns))+(?!\w)/g, "<duration>")
    .replaceAll(/(Client ID|Client IP|Connected Address|Connected Server ID|RTT): .*/g, "$1: <any>")
    .replaceAll(/\d+ B (compressed data|uncompressed)/g, "<size> $1")
    .replaceAll(/(NUID|batch ID): \w{22}/g, "$1: <id>")
    .replaceAll(/[─╭╮╰╯├┤┬┴┼│]+/g, " ")
    .replaceAll(/[ \t\u00a0]+/g, " ");
}
