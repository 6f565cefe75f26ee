/**
 * `npm run bench:jetstream-start`: how long a server takes from its start until it answers for what it stored: one
 * stream with many messages, and many streams. Ours and the reference in turn, on folders they filled themselves and
 * left in good order; the files are in the page cache.
 *
 * Options: `--messages N`, `--streams N`, `--rounds N`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { LoadProcess } from "./load-process.ts";
import type { ApiCall } from "./load/operations.ts";
import type { Side } from "./results.ts";
import { ServerUnderTest, type ServerProgram } from "./server.ts";
import { pairedRatio, spreadOf } from "./statistics.ts";

const PAYLOAD_BYTES = 128;
const MESSAGES_PER_STREAM = 10;
const WINDOW = 4096;

const PROGRAMS: Readonly<Record<Side, ServerProgram>> = {
  ours: { side: "ours", command: [fileURLToPath(new URL("../bin/caddis", import.meta.url))] },
  reference: { side: "reference", command: [process.env["NATS_SERVER"] || "nats-server"] },
};

/** What is stored, and what is asked for to see that it is there. */
interface Filling {
  readonly name: string;
  store(load: LoadProcess): Promise<void>;
  /** What to ask until all of it has answered. */
  readonly questions: readonly ApiCall[];
  /** Throws, with the answer, where it is not there. */
  check(load: LoadProcess): Promise<void>;
}

function create(name: string): ApiCall {
  const config = { name, subjects: [`${name}.>`], storage: "file", retention: "limits", num_replicas: 1 };
  return { subject: `$JS.API.STREAM.CREATE.${name}`, payload: JSON.stringify(config) };
}

function infoOf(name: string): ApiCall {
  return { subject: `$JS.API.STREAM.INFO.${name}`, payload: "" };
}

async function expectMessages(load: LoadProcess, stream: string, count: number): Promise<void> {
  const info = await load.call("api", { calls: [infoOf(stream)] });
  if (!info.includes(`"messages":${count},`)) throw new Error(info);
}

function oneStream(messages: number): Filling {
  return {
    name: `${messages.toLocaleString("en")} messages`,
    async store(load) {
      await load.call("api", { calls: [create("ONE")] });
      const plan = {
        numbered: true,
        distinct: 1000,
        payloadBytes: PAYLOAD_BYTES,
        window: WINDOW,
        inOrder: false,
      };
      await load.call("runWindow", { ...plan, subject: "ONE.", count: messages });
    },
    questions: [infoOf("ONE")],
    check: (load) => expectMessages(load, "ONE", messages),
  };
}

function manyStreams(streams: number): Filling {
  const names = Array.from({ length: streams }, (_, i) => `S${i}`);
  return {
    name: `${streams.toLocaleString("en")} streams`,
    async store(load) {
      await load.call("api", { calls: names.map(create) });
      const plan = {
        numbered: false,
        distinct: 1,
        payloadBytes: PAYLOAD_BYTES,
        window: MESSAGES_PER_STREAM,
        inOrder: false,
      };
      for (const name of names) {
        await load.call("runWindow", { ...plan, subject: `${name}.a`, count: MESSAGES_PER_STREAM });
      }
    },
    questions: names.map(infoOf),
    async check(load) {
      for (const name of names) await expectMessages(load, name, MESSAGES_PER_STREAM);
    },
  };
}

/** Milliseconds from the start of a server to the first answers that show all of it. */
async function startTime(program: ServerProgram, config: string, filling: Filling): Promise<number> {
  const load = new LoadProcess();
  // It is not connected, and says so once it is loaded: that is no part of what is measured.
  await load.call("api", { calls: [] }).catch(() => {});
  const startedMs = performance.now();
  const server = await ServerUnderTest.start(program, config);
  try {
    await load.call("openJetStream", { port: server.port });
    await load.call("api", { calls: filling.questions });
    const tookMs = performance.now() - startedMs;
    await filling.check(load);
    await server.leave();
    return tookMs;
  } finally {
    load.kill();
  }
}

async function prepare(program: ServerProgram, config: string, filling: Filling): Promise<void> {
  const server = await ServerUnderTest.start(program, config);
  const load = new LoadProcess();
  try {
    await load.call("openJetStream", { port: server.port });
    await filling.store(load);
    await server.leave();
  } finally {
    load.kill();
  }
}

async function measure(filling: Filling, rounds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "caddis-bench-start-"));
  const config = (side: Side): string =>
    `jetstream { store_dir: "${join(folder, side)}", sync_interval: "2m" }`;
  const times: Record<Side, number[]> = { ours: [], reference: [] };
  try {
    for (const side of ["ours", "reference"] as const) await prepare(PROGRAMS[side], config(side), filling);
    for (let round = 0; round < rounds; round++) {
      for (const side of ["ours", "reference"] as const) {
        times[side].push(await startTime(PROGRAMS[side], config(side), filling));
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  // The rate of starts: above 1, ours is faster.
  const ratio = pairedRatio(times.reference, times.ours);
  const ms = (side: Side): string => `${Math.round(spreadOf(times[side]).median)} ms`;
  const told =
    ratio === undefined
      ? "–"
      : `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)})`;
  console.log(`${filling.name}: ours ${ms("ours")}, reference ${ms("reference")}, ratio ${told}, aim 1.00`);
}

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "10000000" },
    streams: { type: "string", default: "5000" },
    rounds: { type: "string", default: "3" },
  },
});
const rounds = Number(values.rounds);
if (Number(values.messages) > 0) await measure(oneStream(Number(values.messages)), rounds);
if (Number(values.streams) > 0) await measure(manyStreams(Number(values.streams)), rounds);
