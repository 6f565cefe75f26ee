/**
 * Streams that other accounts publish to through service imports, side by side with the reference server: atomic and
 * fast batches, whose clients number messages in their reply subjects.
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

const ACCOUNTS = `accounts {
  A {
    users: [{user: a, password: p}], jetstream: enabled
    exports: [
      {service: "one.>"}, {service: "many.>", response_type: stream}
      {stream: "out.>"}, {stream: "pair.*.*"}, {stream: "single"}
    ]
    imports: [
      {service: {account: C, subject: "svc.>"}}
      {service: {account: C, subject: "w.*.*"}, to: "turned.$2.$1"}
    ]
  }
  C {
    users: [{user: c, password: p}]
    exports: [{service: "svc.>"}, {service: "w.*.*"}]
    imports: [
      {stream: {account: A, subject: "out.>"}, prefix: "r"}
      {stream: {account: A, subject: "pair.*.*"}, to: "r.$2.$1"}
      {stream: {account: A, subject: "single"}, to: "r.single"}
    ]
  }
  M {
    users: [{user: m, password: p}]
    imports: [{service: {account: A, subject: "many.>"}}]
    exports: [{service: "many.>", response_type: stream}]
  }
  B {
    users: [{user: b, password: p}]
    imports: [
      {service: {account: A, subject: "one.>"}}
      {service: {account: A, subject: "many.>"}, to: "near.>"}
      {service: {account: M, subject: "many.>"}, to: "far.>"}
    ]
  }
}`;

/** A message of B, and how many answers come. */
interface Step {
  readonly subject: string;
  readonly reply: string;
  readonly fields?: readonly string[];
  readonly answers: number;
}

function fast(subject: string, id: string): (seq: number, operation: number, answers: number) => Step {
  return (seq, operation, answers) => ({
    subject,
    reply: `r.${id}.2.ok.${seq}.${operation}.$FI`,
    answers,
  });
}

function atomic(subject: string, id: string, seq: number, isLast: boolean): Step {
  const fields = [`Nats-Batch-Id: ${id}`, `Nats-Batch-Sequence: ${seq}`];
  return {
    subject,
    reply: `r.${id}`,
    fields: isLast ? [...fields, "Nats-Batch-Commit: 1"] : fields,
    answers: 1,
  };
}

const one = fast("one.s", "f1");
const near = fast("near.many.s", "f2");
const far = fast("far.many.s", "f3");

const STEPS: readonly Step[] = [
  { subject: "one.s", reply: "r.plain", answers: 1 },
  { subject: "far.many.s", reply: "r.plain", answers: 1 },
  one(1, 0, 1),
  one(2, 1, 1),
  one(3, 2, 1),
  near(1, 0, 1),
  near(2, 1, 1),
  near(4, 1, 2),
  near(5, 2, 1),
  near(6, 2, 1),
  far(1, 0, 1),
  far(2, 1, 1),
  far(2, 4, 1),
  far(3, 3, 1),
  { subject: "near.many.s", reply: "r.x.2.maybe.1.0.$FI", answers: 1 },
  atomic("near.many.s", "a1", 1, false),
  atomic("near.many.s", "a1", 2, true),
];

/** Where a pull request asks for a stored message that has another subject: names of what other accounts import or export. */
const INBOXES = ["svc.x", "turned.1.2", "out.x", "pair.1.2", "single"];
/** Fewer tokens than what is imported, and a subject that somebody else there listens to. */
const STORED = ["alone", "secret.of.c"];

async function enter(port: number, user: string): Promise<RawClient> {
  const client = await RawClient.connect(port);
  const options = { user, pass: "p", verbose: false, headers: true, no_responders: true };
  client.send(`CONNECT ${JSON.stringify(options)}\r\nSUB r.> 1\r\n`);
  assert.ok(await client.barrier());
  client.lines.length = 0;
  return client;
}

/** The messages that came, once `count` of them have. */
async function take(client: RawClient, count: number, what: string): Promise<string[]> {
  const isWhole = (): boolean => client.lines.filter((line) => /^H?MSG /.test(line)).length >= count;
  assert.ok(await client.waitUntil(isWhole), `${what}: ${client.lines.join("|")}`);
  assert.ok(await client.barrier());
  const text = client.lines.splice(0).join("\r\n");
  return parseReceived(`${text}\r\n`)
    .filter(({ line }) => line !== "PONG")
    .map(({ subject, headers, payload }) => `${subject} ${headers}${payload}`);
}

async function play(command: string): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "caddis-import-"));
  const config = `server_name: T, jetstream { store_dir: ${JSON.stringify(folder)} }, ${ACCOUNTS}`;
  const server = await ServerProcess.start({ command, config });
  const lines: string[] = [];
  try {
    const home = await enter(server.port, "a");
    const api = async (subject: string, body: object): Promise<string> => {
      const text = JSON.stringify(body);
      home.send(`PUB $JS.API.${subject} r.api ${text.length}\r\n${text}\r\n`);
      return (await take(home, 1, subject))[0];
    };
    const stream = { subjects: ["one.>", "many.>"], allow_batched: true, allow_atomic: true };
    const made = await api("STREAM.CREATE.S", { name: "S", storage: "memory", ...stream });
    assert.doesNotMatch(made, /"error"/);
    // Whoever answers sees how the client waits; what the message says about that itself does not count.
    home.send("SUB one.> 9\r\n");
    assert.ok(await home.barrier());
    home.lines.length = 0;
    const client = await enter(server.port, "b");
    for (const { subject, reply, fields = [], answers } of STEPS) {
      const block = ["NATS/1.0", 'Nats-Request-Info: {"reply":"r.no.1.ok.1.0.$FI"}', ...fields, "", ""].join(
        "\r\n",
      );
      client.send(`HPUB ${subject} ${reply} ${block.length} ${block.length + 4}\r\n${block}body\r\n`);
      lines.push(`> ${subject} ${reply}`, ...(await take(client, answers, reply)));
    }
    const heard = await take(home, 4, "requests");
    lines.push(...heard.map((line) => line.replace(/"(rtt|start|id|host)":("[^"]*"|\d+),?/g, "")));
    for (let seq = 1; seq <= 14; seq++) {
      lines.push((await api("STREAM.MSG.GET.S", { seq })).replace(/"time":"[^"]*"/, ""));
    }
    await api("STREAM.CREATE.D", { name: "D", storage: "memory", subjects: STORED });
    const consumer = { durable_name: "P", ack_policy: "none" };
    await api("CONSUMER.CREATE.D.P", { stream_name: "D", config: consumer });
    const abroad = await enter(server.port, "c");
    abroad.send("SUB svc.> 2\r\nSUB w.> 3\r\nSUB secret.> 4\r\nSUB alone 5\r\n");
    assert.ok(await abroad.barrier());
    for (const subject of STORED) {
      for (const inbox of INBOXES) {
        home.send(`PUB ${subject} r.x 0\r\n\r\n`);
        await take(home, 1, "acknowledgement");
        home.send(`PUB $JS.API.CONSUMER.MSG.NEXT.D.P ${inbox} 0\r\n\r\n`);
        await take(abroad, 1, inbox).then((got) => lines.push(`${inbox}: ${got.join("|")}`));
      }
    }
    await client.finish();
    await abroad.finish();
    await home.finish();
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
  return lines;
}

test("batches come from other accounts as in the reference", { skip }, async () => {
  const expected = await play(reference ?? "");
  const actual = await play(OUR_SERVER);
  for (const [index, line] of expected.entries()) assert.equal(actual[index], line, `line ${index}`);
  assert.equal(actual.length, expected.length);
});
