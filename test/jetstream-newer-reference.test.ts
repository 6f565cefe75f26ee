/**
 * A stream with a consumer that a newer server made is left to it, here as by the reference: what both say about it. The
 * level that the consumer asks for is put into its files, since no server of today asks for it.
 */
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Consumer } from "../packages/caddis/src/jetstream/consumer.ts";
import { CONSUMER_DEFAULTS } from "../packages/caddis/src/jetstream/stream-meta.ts";
import { FaultyDisk } from "./support/faulty-disk.ts";
import { Requester } from "./support/jetstream-requester.ts";
import { findReferenceServer, ServerProcess } from "./support/server-process.ts";
import { SnapshotPeer } from "./support/snapshot-peer.ts";
import { StreamStage } from "./support/stream-stage.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;
const NEWER = "99";

/** Requests to the API about the stream S, whose consumer B is too new, and their bodies. */
const QUESTIONS: readonly (readonly [subject: string, body: object | string])[] = [
  ["INFO", ""],
  ["STREAM.INFO.S", ""],
  ["STREAM.NAMES", ""],
  ["STREAM.NAMES", { subject: "S" }],
  ["STREAM.NAMES", { subject: "T" }],
  ["STREAM.LIST", ""],
  ["STREAM.LIST", { subject: "S" }],
  ["STREAM.UPDATE.S", { name: "S", subjects: ["S"] }],
  ["STREAM.CREATE.U", { name: "U", subjects: ["S"] }],
  ["STREAM.SNAPSHOT.S", ""],
  ["STREAM.SNAPSHOT.S", { deliver_subject: "a.>" }],
  ["STREAM.SNAPSHOT.S", { deliver_subject: "a.b" }],
  ["CONSUMER.INFO.S.B", ""],
  ["CONSUMER.NAMES.S", ""],
  ["CONSUMER.NAMES.S", { offset: 5 }],
  ["CONSUMER.LIST.S", ""],
  ["CONSUMER.LIST.S", { offset: 1 }],
  ["CONSUMER.CREATE.S.B", { stream_name: "S", config: { durable_name: "B" } }],
];

async function askReference(): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "caddis-newer-"));
  const config = `jetstream { store_dir: ${JSON.stringify(folder)}, max_mem: 64MB, max_file: 64MB }`;
  const serve = async (act: (ask: (subject: string, body: string) => Promise<string>) => Promise<void>) => {
    const server = await ServerProcess.start({ command: reference ?? "", config });
    const requester = await Requester.connect(server.port);
    try {
      await act(async (subject, body) => (await requester.request(`$JS.API.${subject}`, body)).body);
    } finally {
      requester.close();
      await server.stop();
    }
  };
  const answers: string[] = [];
  try {
    await serve(async (ask) => {
      await ask("STREAM.CREATE.S", '{"name":"S","subjects":["S"]}');
      await ask("CONSUMER.CREATE.S.B", '{"stream_name":"S","config":{"durable_name":"B","name":"B"}}');
    });
    const paths = await readdir(folder, { recursive: true });
    const path = paths.find((each) => each.endsWith(join("B", "meta.inf")));
    assert.ok(path !== undefined, paths.join(" "));
    const meta = await readFile(join(folder, path), "utf8");
    const newer = meta.replace(/"_nats.req.level":"\d+"/, `"_nats.req.level":"${NEWER}"`);
    assert.notEqual(newer, meta);
    await writeFile(join(folder, path), newer);
    await serve(async (ask) => {
      for (const [subject, body] of QUESTIONS) answers.push(await ask(subject, textOf(body)));
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return answers;
}

async function askOurs(): Promise<string[]> {
  const disk = new FaultyDisk(1);
  const stage = new StreamStage({}, disk);
  const stream = await stage.stream({ name: "S", storage: "file" });
  const metadata = new Map([["_nats.req.level", NEWER]]);
  const made = await stream.createConsumer({ ...CONSUMER_DEFAULTS, name: "B", durable_name: "B", metadata });
  assert.ok(made instanceof Consumer);
  await stage.owner.close();
  const next = new StreamStage({}, disk);
  await next.owner.recover();
  const peer = new SnapshotPeer(next);
  const answers: string[] = [];
  for (const [subject, body] of QUESTIONS) answers.push(await peer.ask(subject, body));
  return answers;
}

function textOf(body: object | string): string {
  return typeof body === "string" ? body : JSON.stringify(body);
}

test("what a newer server made is told of as by the reference", { skip }, async () => {
  const [expected, actual] = await Promise.all([askReference(), askOurs()]);
  for (const [index, [subject, body]] of QUESTIONS.entries())
    assert.equal(actual[index], expected[index], `${subject} ${textOf(body)}`);
  assert.match(actual.join(), /"err_code":10064,.*"err_code":10195,/);
});
