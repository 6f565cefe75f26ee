import assert from "node:assert/strict";
import { test } from "node:test";
import { type StubbedStream, stubJetStream } from "../../../../test/support/jetstream-stub.ts";
import { explainStream } from "./stream.ts";

function streamText(stub: StubbedStream): string {
  return (explain("S", "", stub) ?? []).join("\n");
}

function consumerText(explanation: StubbedStream["explanation"]): string {
  return (explain("S", "c", explanation === undefined ? {} : { explanation }) ?? []).join("\n");
}

function explain(stream: string, consumer: string, stub: StubbedStream = {}): readonly string[] | null {
  return explainStream(stubJetStream(stub), { account: "$G", stream, consumer })?.summary ?? null;
}

test("what is not there is not explained", () => {
  assert.equal(explain("T", ""), null);
  assert.equal(explain("S", "d"), null);
  assert.equal(explainStream(null, { account: "$G", stream: "S", consumer: "" }), null);
  assert.equal(explainStream(stubJetStream(), { account: "A", stream: "S", consumer: "" }), null);
});

test("a stream: what it has, whether it takes more, and how safe that is", () => {
  assert.deepEqual(explain("S", ""), [
    "Stream S of account $G: 10 messages, 100 bytes, 1 consumer, subjects s.>.",
    "It takes messages.",
    "Messages are acknowledged once they are synced to the disk.",
  ]);
  assert.match(streamText({ failure: "full" }), /stores nothing now: no luck/);
  assert.match(streamText({ consumersFail: true }), /stores nothing now: no luck/);
  assert.match(streamText({ lost: 3 }), /3 messages of it can't be read/);
  assert.match(streamText({ syncIntervalMs: 5 }), /acknowledged before they are synced/);
  assert.match(
    streamText({ messages: 9, maxMessages: 10, discard: "new" }),
    /at its limit refuses new messages: 9 of 10/,
  );
  assert.match(streamText({ messages: 9, maxMessages: 10 }), /at its limit drops the oldest messages/);
});

test("a stream that could not be brought back", () => {
  assert.deepEqual(explain("D", "", { damaged: true }), [
    "Stream D is offline: its first block is missing. Its files are in /store/D.",
  ]);
});

test("a consumer: why nothing is delivered now", () => {
  assert.match(
    consumerText({ numPending: 1, numAckPending: 2 }),
    /1 message to deliver, 2 delivered and not ack.* 5\)/,
  );
  assert.match(consumerText({ maxAckPending: -1 }), /may have any number of/);
  assert.match(consumerText({ reason: "noPull" }), /No pull request is waiting/);
  assert.match(consumerText({ reason: "maxAckPending" }), /as many deliveries out as max_ack_pending/);
  assert.match(consumerText({ reason: "paused", pausedMs: 1_500 }), /paused[^]*ends in 1.5 seconds/);
  assert.match(consumerText({ reason: "filterMatchesNothing" }), /filter matches no message/);
  assert.match(
    consumerText({ reason: "backoff", numAckPending: 1, redeliveryMs: 2_000 }),
    /delivery again is due in 2 seconds/,
  );
});
