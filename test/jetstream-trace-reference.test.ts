/**
 * Traces of messages to streams side by side with the reference server: the same messages, and the same steps and
 * answers come of it, but for times.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { RawClient } from "./support/raw-client.ts";
import { parseReceived } from "./support/received.ts";
import { findReferenceServer, OUR_SERVER, ServerProcess } from "./support/server-process.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;

const ACCOUNTS = `
  accounts {
    SYS { users: [{user: s, password: p}] }
    A {
      users: [{user: a, password: p}], jetstream: enabled
      exports: [{service: "s.>", allow_trace: true}]
    }
    B { users: [{user: b, password: p}], imports: [{service: {account: A, subject: "s.>"}, to: "far.>"}] }
  }
  system_account: SYS
`;

/** Configurations of streams by their names; the subjects of each lie below the name in small letters. */
const STREAMS: Readonly<Record<string, object>> = {
  S: { subjects: ["s.>"], allow_direct: true },
  I: { subjects: ["i.>"], retention: "interest" },
  M: { subjects: ["m.>"], max_msg_size: 60, allow_rollup_hdrs: true },
  T: { subjects: ["t.>"], subject_transform: { src: "t.*", dest: "kept.{{wildcard(1)}}" } },
  N: { subjects: ["n.>"], no_ack: true },
  X: { subjects: ["x.>"], sealed: false, allow_msg_ttl: true },
  C: { subjects: ["c.>"], allow_msg_counter: true },
  B: { subjects: ["b.>"], allow_atomic: true, allow_batched: true },
};

const DEST = "Nats-Trace-Dest: trace";
const ONLY = "Nats-Trace-Only: true";

interface Step {
  readonly subject: string;
  readonly fields?: readonly string[];
  readonly body?: string;
  /** Whether it is answered when it is delivered, and when it is only traced. */
  readonly answers: readonly [delivered: boolean, traced: boolean];
}

const TAKEN = [true, false] as const;
const REFUSED = [true, true] as const;
const SILENT = [false, false] as const;

const STEPS: readonly Step[] = [
  { subject: "s.a", answers: TAKEN },
  { subject: "i.a", answers: TAKEN },
  { subject: "m.a", body: "x".repeat(100), answers: REFUSED },
  { subject: "m.a", fields: ["Nats-Rollup: sub"], answers: REFUSED },
  { subject: "t.a", answers: TAKEN },
  { subject: "n.a", answers: SILENT },
  { subject: "n.a", fields: ["Nats-Expected-Stream: A"], answers: SILENT },
  { subject: "s.a", fields: ["Nats-Expected-Stream: A"], answers: REFUSED },
  { subject: "s.a", fields: ["Nats-Expected-Last-Sequence: 99"], answers: REFUSED },
  { subject: "s.a", fields: ["Nats-Expected-Last-Sequence: x"], answers: REFUSED },
  { subject: "s.a", fields: ["Nats-Expected-Last-Subject-Sequence: 99"], answers: REFUSED },
  {
    subject: "s.a",
    fields: ["Nats-Expected-Last-Subject-Sequence: 9", "Nats-Expected-Last-Subject-Sequence-Subject: s.no"],
    answers: REFUSED,
  },
  { subject: "s.a", fields: ["Nats-Expected-Last-Subject-Sequence-Subject: s.no"], answers: REFUSED },
  { subject: "s.a", fields: ['Nats-Expected-Last-Msg-Id: a"b'], answers: REFUSED },
  { subject: "s.a", fields: ["Nats-TTL: 5s"], answers: REFUSED },
  { subject: "s.a", fields: ["Nats-Rollup: all"], answers: REFUSED },
  { subject: "s.a", fields: ["Nats-Incr: 5"], answers: REFUSED },
  { subject: "s.a", fields: ["Nats-Stream-Source: x"], answers: REFUSED },
  { subject: "s.a", fields: ["Nats-Schedule: @every 1h", "Nats-Schedule-Target: s.b"], answers: REFUSED },
  { subject: "c.a", answers: REFUSED },
  { subject: "x.a", fields: ["Nats-Msg-Id: one"], answers: TAKEN },
  { subject: "c.b", fields: ["Nats-Incr: 5"], body: "", answers: TAKEN },
  {
    subject: "b.a",
    fields: ["Nats-Batch-Id: a", "Nats-Batch-Sequence: 1", "Nats-Batch-Commit: 1"],
    answers: TAKEN,
  },
  { subject: "nobody", answers: REFUSED },
  { subject: "$JS.API.STREAM.NAMES", body: "", answers: REFUSED },
  { subject: "$JS.API.STREAM.DELETE.C", body: "", answers: REFUSED },
  { subject: "$JS.API.NOTHING", body: "", answers: [false, true] },
  { subject: "$JS.API.CONSUMER.MSG.NEXT.S.none", body: "", answers: REFUSED },
];

/** What comes back for one message: its trace, and the answer if there is one. */
async function ask(client: RawClient, step: Step, isTraceOnly: boolean): Promise<string[]> {
  const { subject, fields = [], body = "body" } = step;
  const block = ["NATS/1.0", DEST, ...(isTraceOnly ? [ONLY] : []), ...fields, "", ""].join("\r\n");
  client.send(`HPUB ${subject} inbox ${block.length} ${block.length + body.length}\r\n${block}${body}\r\n`);
  const count = 1 + Number(step.answers[isTraceOnly ? 1 : 0]);
  const isWhole = (): boolean => client.lines.filter((line) => /^H?MSG /.test(line)).length >= count;
  assert.ok(await client.waitUntil(isWhole), `${subject} ${fields.join(" ")} ${client.lines.join("|")}`);
  assert.ok(await client.barrier());
  const received = parseReceived(
    client.lines
      .splice(0)
      .map((line) => `${line}\r\n`)
      .join(""),
  );
  return received
    .filter((one) => one.line !== "PONG")
    .map(({ subject: to, headers, payload }) => `${to} ${headers}${shown(payload)}`)
    .sort();
}

/** Without what differs from run to run. */
function shown(payload: string): string {
  if (!payload.startsWith('{"server"')) return payload;
  const { events } = JSON.parse(payload) as { events: Record<string, unknown>[] };
  for (const event of events) {
    assert.match(String(event["ts"]), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
    event["ts"] = "<time>";
    if ("cid" in event) event["cid"] = 0;
  }
  return JSON.stringify(events);
}

async function enter(port: number, user: string): Promise<RawClient> {
  const client = await RawClient.connect(port);
  const options = { user, pass: "p", verbose: false, headers: true, no_responders: true };
  client.send(`CONNECT ${JSON.stringify(options)}\r\nSUB trace 1\r\nSUB inbox 2\r\n`);
  assert.ok(await client.barrier());
  client.lines.length = 0;
  return client;
}

/** Asks the API; resolves with the answer. */
async function api(client: RawClient, subject: string, body: object | string): Promise<string> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  client.send(`PUB $JS.API.${subject} inbox ${text.length}\r\n${text}\r\n`);
  assert.ok(await client.waitUntil(() => client.lines.length >= 2), subject);
  return client.lines.splice(0).join(" ");
}

async function play(command: string): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "caddis-trace-"));
  const config = `server_name: T, jetstream { store_dir: ${JSON.stringify(folder)} }, ${ACCOUNTS}`;
  const server = await ServerProcess.start({ command, config });
  const lines: string[] = [];
  try {
    const client = await enter(server.port, "a");
    for (const [name, stream] of Object.entries(STREAMS)) {
      const made = await api(client, `STREAM.CREATE.${name}`, { name, storage: "memory", ...stream });
      assert.doesNotMatch(made, /"error"/);
    }
    const say = async (who: RawClient, step: Step, isTraceOnly: boolean): Promise<void> => {
      lines.push(`> ${step.subject} ${step.fields?.join(" ") ?? ""}`, ...(await ask(who, step, isTraceOnly)));
    };
    for (const isTraceOnly of [true, false]) {
      for (const step of STEPS) await say(client, step, isTraceOnly);
      const twice = { subject: "x.a", fields: ["Nats-Msg-Id: one"], answers: REFUSED };
      if (!isTraceOnly) for (const only of [true, false]) await say(client, twice, only);
      const other = await enter(server.port, "b");
      await say(other, { subject: "far.s.q", answers: TAKEN }, isTraceOnly);
      await other.finish();
    }
    await api(client, "STREAM.UPDATE.X", { name: "X", storage: "memory", ...STREAMS["X"], sealed: true });
    for (const only of [true, false]) await say(client, { subject: "x.b", answers: REFUSED }, only);
    for (const name of Object.keys(STREAMS).filter((one) => one !== "C")) {
      const { state } = JSON.parse((await api(client, `STREAM.INFO.${name}`, "")).replace(/^[^{]*/, "")) as {
        state: { messages: number; last_seq: number };
      };
      lines.push(`${name}: ${state.messages} messages, last ${state.last_seq}`);
    }
    lines.push(
      (await api(client, "STREAM.MSG.GET.S", '{"seq":1}')).replace(/^\S+ inbox 2 \d+|"time":"[^"]*"/g, ""),
    );
    await client.finish();
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
  return lines;
}

test("messages to streams are traced as by the reference", { skip }, async () => {
  const expected = await play(reference ?? "");
  const actual = await play(OUR_SERVER);
  for (const [index, line] of expected.entries()) assert.equal(actual[index], line, `line ${index}`);
  assert.equal(actual.length, expected.length);
});
