import assert from "node:assert/strict";
import { test } from "node:test";
import { StreamOfBatches } from "../../../../test/support/batch-stream.ts";

const START = 0;
const APPEND = 1;
const COMMIT = 2;
const END = 3;
const PING = 4;

type Limits = ConstructorParameters<typeof StreamOfBatches>[1];

/** A client of one fast batch. */
class Publisher {
  readonly stream: StreamOfBatches;
  readonly #id: string;
  readonly #flow: number;
  readonly #gap: "ok" | "fail";

  constructor(stream: StreamOfBatches, id = "b", flow = 2, gap: "ok" | "fail" = "fail") {
    this.stream = stream;
    this.#id = id;
    this.#flow = flow;
    this.#gap = gap;
  }

  send(seq: number, operation: number, fields: Readonly<Record<string, string>> = {}): readonly string[] {
    const reply = `inbox.${this.#id}.${this.#flow}.${this.#gap}.${seq}.${operation}.$FI`;
    const answers = this.stream.publish("s.a", reply, fields, String(seq));
    assert.ok(answers !== null);
    return answers;
  }
}

function open(config: object = {}, limits: Limits = {}): StreamOfBatches {
  return new StreamOfBatches({ allow_batched: true, ...config }, limits);
}

function ack(seq: number, msgs: number): string {
  return `{"type":"ack","seq":${seq},"msgs":${msgs}}`;
}

function gap(lastSeq: number, seq: number): string {
  return `{"type":"gap","last_seq":${lastSeq},"seq":${seq}}`;
}

function done(seq: number, count: number, id = "b"): string {
  return `{"stream":"S","seq":${seq},"batch":"${id}","count":${count}}`;
}

test("a batch is told how far it is, as often as it asks for, and where it ended", () => {
  const client = new Publisher(open());
  assert.deepEqual(client.send(1, START), [ack(0, 2)]);
  assert.deepEqual(client.send(2, APPEND), [ack(2, 2)]);
  assert.deepEqual(client.send(3, APPEND), []);
  assert.deepEqual(client.send(3, PING), [ack(2, 2)]);
  assert.deepEqual(client.send(4, COMMIT), [done(4, 4)]);
  assert.deepEqual(client.stream.stored(), ["s.a 1", "s.a 2", "s.a 3", "s.a 4"]);
  assert.equal(client.stream.held, 0);
  assert.deepEqual(client.send(5, APPEND), ["10208 batch publish ID unknown"]);
});

test("a marker ends a batch without a message; one message may be a batch", () => {
  const client = new Publisher(open());
  client.send(1, START);
  assert.deepEqual(client.send(2, END), [done(1, 1)]);
  assert.deepEqual(new Publisher(client.stream, "c").send(1, COMMIT), [done(2, 1, "c")]);
});

test("notices about stored messages wait until these are durable", () => {
  const client = new Publisher(open());
  const { stream } = client;
  stream.durableLimit = 1;
  assert.deepEqual(client.send(1, START), [ack(0, 2)]);
  assert.deepEqual(client.send(2, APPEND), []);
  assert.deepEqual(client.send(2, PING), []);
  stream.batches.onDurable(1);
  assert.equal(stream.answers.length, 1);
  stream.batches.onDurable(2);
  assert.deepEqual(
    stream.answers.slice(1).map(([, text]) => text),
    [ack(2, 2), ack(2, 2)],
  );
});

test("the last word comes after all notices, when all is durable, and is an error when nothing will be", () => {
  const client = new Publisher(open());
  const { stream } = client;
  stream.durableLimit = 0;
  client.send(1, START);
  client.send(2, APPEND);
  assert.deepEqual(client.send(3, COMMIT), []);
  stream.batches.onDurable(3);
  assert.deepEqual(
    stream.answers.slice(1).map(([, text]) => text),
    [ack(2, 2), done(3, 3)],
  );
  client.send(1, START);
  client.send(2, COMMIT);
  stream.failure = { kind: "failed", reason: "the disk is gone" };
  stream.batches.onDurable(3);
  assert.equal(stream.answers.at(-1)?.[1], "10077 the disk is gone");
  stream.failure = null;
  stream.batches.onDurable(Infinity);
  assert.equal(stream.answers.length, 5);
});

test("where gaps are not fine the first one ends the batch with what came before it", () => {
  const forward = new Publisher(open());
  forward.send(1, START);
  assert.deepEqual(forward.send(3, APPEND), [gap(2, 3), done(1, 1)]);
  assert.deepEqual(forward.send(4, APPEND), ["10208 batch publish ID unknown"]);
  const backward = new Publisher(open());
  backward.send(1, START);
  backward.send(2, APPEND);
  assert.deepEqual(backward.send(2, APPEND), [gap(3, 2), done(2, 2)]);
  const pinged = new Publisher(open());
  pinged.send(1, START);
  assert.deepEqual(pinged.send(2, PING), [gap(2, 3), done(1, 1)]);
});

test("where gaps are fine they are told, and only steps back end the batch", () => {
  const client = new Publisher(open(), "b", 2, "ok");
  client.send(1, START);
  assert.deepEqual(client.send(4, APPEND), [gap(2, 4), ack(4, 2)]);
  assert.deepEqual(client.send(6, PING), [gap(5, 7), ack(6, 2)]);
  assert.deepEqual(client.send(7, APPEND), []);
  assert.deepEqual(client.send(7, APPEND), [gap(8, 7), done(3, 7)]);
});

const REFUSED = { "Nats-Expected-Stream": "T" };
const ERROR = '{"code":400,"err_code":10060,"description":"expected stream does not match"}';

test("a message that is refused ends the batch, or is left out where gaps are fine", () => {
  const strict = new Publisher(open());
  strict.send(1, START);
  assert.deepEqual(strict.send(2, APPEND, REFUSED), [`{"type":"err","seq":2,"error":${ERROR}}`, done(1, 1)]);
  const first = new Publisher(open());
  assert.deepEqual(first.send(1, START, REFUSED), [ack(0, 2), "10060 expected stream does not match"]);
  assert.deepEqual(first.send(2, APPEND), ["10208 batch publish ID unknown"]);
  const loose = new Publisher(open(), "b", 10, "ok");
  assert.deepEqual(loose.send(1, START, REFUSED), [ack(0, 10), `{"type":"err","seq":1,"error":${ERROR}}`]);
  assert.deepEqual(loose.send(2, APPEND), []);
  assert.deepEqual(loose.send(3, COMMIT, REFUSED), [`{"type":"err","seq":3,"error":${ERROR}}`, done(1, 2)]);
});

test("a duplicate counts as stored", () => {
  const id = { "Nats-Msg-Id": "m" };
  const client = new Publisher(open());
  client.send(1, START, id);
  assert.deepEqual(client.send(2, APPEND, id), [ack(2, 2)]);
  assert.deepEqual(client.send(3, COMMIT, id), [done(1, 3)]);
  const alone = new Publisher(client.stream, "c");
  assert.deepEqual(alone.send(1, COMMIT, id), [
    '{"stream":"S","seq":1,"duplicate": true,"batch":"c","count":1}',
  ]);
  assert.equal(client.stream.stored().length, 1);
});

test("batches share what may be on its way", () => {
  const stream = open();
  const first = new Publisher(stream, "b1", 500);
  assert.deepEqual(first.send(1, START), [ack(0, 500)]);
  const second = new Publisher(stream, "b2", 500);
  assert.deepEqual(second.send(1, START), [ack(0, 1), ack(1, 2)], "starts slowly");
  second.send(2, APPEND);
  assert.deepEqual(second.send(3, APPEND), [ack(3, 4)]);
  for (let seq = 2; seq < 500; seq++) first.send(seq, APPEND);
  assert.deepEqual(first.send(500, APPEND), [ack(500, 250)], "is slowed down");
});

test("what is refused before there is a batch", () => {
  const stream = open({}, { maxInflightPerStream: 1 });
  const answersTo = (id: string, seq: number, operation: number): readonly string[] =>
    new Publisher(stream, id).send(seq, operation);
  assert.deepEqual(answersTo("b", 2, APPEND), ["10208 batch publish ID unknown"]);
  assert.deepEqual(answersTo("b", 1, PING), ["10208 batch publish ID unknown"]);
  assert.deepEqual(answersTo("b", 2, START), ["10206 batch publish pattern is invalid"]);
  assert.deepEqual(answersTo("x".repeat(65), 1, START), ["10207 batch publish ID is invalid"]);
  answersTo("b", 1, START);
  assert.deepEqual(answersTo("c", 1, START), ["10211 batch publish too many inflight"]);
  const level = { "Nats-Required-Api-Level": "6" };
  assert.deepEqual(new Publisher(stream, "b").send(2, APPEND, level), [
    "10185 JetStream minimum api level required",
  ]);
  assert.equal(stream.counts.fast, 0);
  assert.deepEqual(new Publisher(open({ allow_batched: false })).send(1, START), [
    "10205 batch publish is disabled",
  ]);
  assert.deepEqual(new Publisher(open({ sealed: true })).send(1, START), [
    "10109 invalid operation on sealed stream",
  ]);
});

test("a batch that nothing more comes of is forgotten, and so is one that is not allowed any more", async () => {
  const client = new Publisher(open({}, { timeoutMs: 500 }));
  client.send(1, START);
  await client.stream.world.clock.advance(499);
  client.send(2, APPEND);
  await client.stream.world.clock.advance(499);
  assert.equal(client.stream.counts.fast, 1);
  await client.stream.world.clock.advance(1);
  assert.equal(client.stream.counts.fast, 0);
  assert.deepEqual(client.stream.abandoned, []);
  client.send(1, START);
  client.stream.batches.onConfigChanged({ ...client.stream.config, allow_batched: false });
  assert.equal(client.stream.counts.fast, 0);
});

test("the subject that a client of another account gave is found in its request's headers", () => {
  const stream = open();
  const info = { "Nats-Request-Info": '{"acc":"A","reply":"inbox.b.2.fail.1.0.$FI"}' };
  assert.deepEqual(stream.publish("s.a", "_R_.abc.def", info), [ack(0, 2)]);
  assert.equal(stream.publish("s.a", "_R_.abc.def", {}), null);
  assert.equal(stream.publish("s.a", "other", info), null);
  assert.equal(stream.publish("s.a", "_R_.abc.def", { "Nats-Request-Info": "{" }), null);
});
