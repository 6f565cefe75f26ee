import assert from "node:assert/strict";
import { test } from "node:test";
import { MS, PULL, PUSH } from "../../../../test/support/consumer-world.ts";
import { StreamStage } from "../../../../test/support/stream-stage.ts";
import type { Peer } from "../../../../test/support/test-broker.ts";
import { Subscription } from "../broker/subscription.ts";
import { makeMessage, type Message } from "../broker/message.ts";
import type { JetStreamSettings } from "./settings.ts";
import { AckReceiver } from "./ack-receiver.ts";
import { Consumer } from "./consumer.ts";
import type { ConsumerConfig } from "./core/consumer-config.ts";
import type { StreamConfig } from "./core/stream-config.ts";
import type { Stream } from "./stream.ts";

/** A stream S with subjects `s.>`, a client, and consumers that hear pull requests and acknowledgements. */
class Stage {
  readonly stage: StreamStage;
  readonly stream: Stream;
  readonly peer: Peer;

  private constructor(stage: StreamStage, stream: Stream) {
    this.stage = stage;
    this.stream = stream;
    this.peer = stage.world.connect();
    this.peer.say("SUB in.> 1\r\n");
    const { owner } = stage;
    new AckReceiver(owner).open();
    const receiver = { receive: (message: Message) => this.#consumerOf(message)?.onNext(message) ?? false };
    owner.account.subscribe(new Subscription(null, receiver, "$JS.API.CONSUMER.MSG.NEXT.*.*", "", ""));
  }

  static async open(
    config: Partial<StreamConfig> = {},
    settings: Partial<JetStreamSettings> = {},
  ): Promise<Stage> {
    const stage = new StreamStage(settings);
    return new Stage(stage, await stage.stream({ subjects: ["s.>"], ...config }));
  }

  async consumer(config: Partial<ConsumerConfig> = {}, name = "C"): Promise<Consumer> {
    const made = await this.stream.createConsumer({ ...PULL, durable_name: name, name, ...config });
    return made instanceof Consumer ? made : assert.fail(JSON.stringify(made));
  }

  async publish(...subjects: string[]): Promise<void> {
    for (const subject of subjects) await this.stage.publish(subject, `<${subject}>`);
  }

  pull(inbox: string, body = "", name = "C"): void {
    this.peer.say(`PUB $JS.API.CONSUMER.MSG.NEXT.S.${name} ${inbox} ${body.length}\r\n${body}\r\n`);
  }

  /** What the client got, when all has come to rest; times in subjects are replaced. */
  async read(): Promise<string> {
    await this.stage.world.clock.settled();
    return this.peer
      .read()
      .replaceAll("PING\r\n", "")
      .replace(/(\$JS\.ACK(?:\.\w+){5,7})\.\d{19}\./g, "$1.TIME.");
  }

  #consumerOf(message: Message): Consumer | undefined {
    const { input, subjectStart, subjectEnd } = message;
    const name = input.buf.latin1Slice(subjectStart, subjectEnd).split(".").at(-1) ?? "";
    return this.stream.consumers.get(name);
  }
}

test("a delivery has the stored subject, the consumer's reply, and headers and payload as they were", async () => {
  const stage = await Stage.open();
  await stage.consumer();
  await stage.stage.publish("s.a", "one");
  await stage.stage.publish("s.b", "two", ["X: y"]);
  stage.pull("in.1", "5");
  assert.equal(
    await stage.read(),
    "MSG s.a 1 $JS.ACK.S.C.1.1.1.TIME.1 3\r\none\r\n" +
      "HMSG s.b 1 $JS.ACK.S.C.1.2.2.TIME.0 18 21\r\nNATS/1.0\r\nX: y\r\n\r\ntwo\r\n",
  );
});

test("the reply says when the message was stored, to the nanosecond", async () => {
  const stage = await Stage.open();
  await stage.consumer();
  await stage.publish("s.a");
  stage.pull("in.1");
  await stage.stage.world.clock.settled();
  const time = /\$JS\.ACK\.S\.C\.1\.1\.1\.(\d+)\.0 /.exec(stage.peer.read())?.[1];
  assert.equal(time, `${stage.stage.world.clock.nowMs()}000000`);
});

test("headers only: the size stands in a header", async () => {
  const stage = await Stage.open();
  await stage.consumer({ headers_only: true });
  await stage.stage.publish("s.a", "one");
  await stage.stage.publish("s.b", "three", ["X: y"]);
  stage.pull("in.1", "5");
  assert.equal(
    await stage.read(),
    "HMSG s.a 1 $JS.ACK.S.C.1.1.1.TIME.1 30 30\r\nNATS/1.0\r\nNats-Msg-Size: 3\r\n\r\n\r\n" +
      "HMSG s.b 1 $JS.ACK.S.C.1.2.2.TIME.0 36 36\r\nNATS/1.0\r\nX: y\r\nNats-Msg-Size: 5\r\n\r\n\r\n",
  );
});

test("headers that are none leave the protocol whole", async () => {
  const stage = await Stage.open();
  await stage.consumer({ headers_only: true });
  for (const block of ["a", "\r\n", "abc"])
    stage.peer.say(`HPUB s.a ${block.length} ${block.length + 3}\r\n${block}one\r\n`);
  await stage.stage.world.clock.settled();
  stage.pull("in.1", "5");
  assert.equal(
    await stage.read(),
    "HMSG s.a 1 $JS.ACK.S.C.1.1.1.TIME.2 30 30\r\nNATS/1.0\r\nNats-Msg-Size: 3\r\n\r\n\r\n" +
      "HMSG s.a 1 $JS.ACK.S.C.1.2.2.TIME.1 30 30\r\nNATS/1.0\r\nNats-Msg-Size: 3\r\n\r\n\r\n" +
      "HMSG s.a 1 $JS.ACK.S.C.1.3.3.TIME.0 21 21\r\naNats-Msg-Size: 3\r\n\r\n\r\n",
  );
});

test("a stored message acknowledges nothing, wherever a consumer sends it", async () => {
  const stage = await Stage.open();
  const consumer = await stage.consumer();
  await stage.publish("s.a");
  stage.pull("in.1");
  await stage.read();
  for (const subject of ["a.b.S.C.1.1.1.1.0", "$JS.ACK.S.C.1.1.1.1.0"]) {
    const message = makeMessage(subject, "", "", Buffer.alloc(0));
    message.inbox = "$JS.ACK.x";
    stage.peer.client.account.publish(message);
  }
  await stage.read();
  assert.equal(consumer.info().numAckPending, 1);
});

test("payloads of any size arrive whole, one after the other", async () => {
  const stage = await Stage.open();
  await stage.consumer();
  const sizes = [0, 1, 5_000, 1_000_000, 900_000, 10, 3_000];
  for (const size of sizes) await stage.stage.publish("s.a", "x".repeat(size));
  stage.pull("in.1", String(sizes.length));
  await stage.stage.advance(100);
  const text = await stage.read();
  for (const [i, size] of sizes.entries()) {
    const line = `MSG s.a 1 $JS.ACK.S.C.1.${i + 1}.${i + 1}.TIME.${sizes.length - 1 - i} ${size}\r\n${"x".repeat(size)}\r\n`;
    assert.ok(text.includes(line), `message ${i + 1} of ${size} bytes`);
  }
});

test("an acknowledgement is confirmed once the consumer's state is durable", async () => {
  const stage = await Stage.open({ storage: "file" });
  await stage.consumer();
  await stage.publish("s.a", "s.b");
  stage.pull("in.1", "2");
  await stage.read();
  const { consumerStore } = stage.stream;
  const before = consumerStore.position;
  const durable = Promise.withResolvers<void>();
  stage.stream.whenConsumersDurable = () => durable.promise;
  stage.peer.say("PUB $JS.ACK.S.C.1.1.1.0.0 in.ack 0\r\n\r\n");
  assert.equal(await stage.read(), "");
  assert.ok(consumerStore.position > before, "the state is put with the acknowledgement");
  durable.resolve();
  assert.equal(await stage.read(), "MSG in.ack 1 0\r\n\r\n");
  stage.stream.whenConsumersDurable = () => Promise.reject(new Error("the disk is gone"));
  stage.peer.say("PUB $JS.ACK.S.C.1.2.2.0.0 in.ack 0\r\n\r\n");
  assert.equal(await stage.read(), "", "what can't be kept is not confirmed");
});

test("acknowledgements of the newer form are heard as well, and those of nobody's are not", async () => {
  const stage = await Stage.open({}, { acksNameAccount: true, domain: "hub" });
  const consumer = await stage.consumer();
  await stage.publish("s.a", "s.b");
  stage.pull("in.1", "2");
  await stage.stage.world.clock.settled();
  const replies = [...stage.peer.read().matchAll(/(\$JS\.ACK\.hub\.\w+\.S\.C\S+)/g)].map(([reply]) => reply);
  assert.equal(replies.length, 2);
  stage.peer.say(`PUB ${replies[0]}.more.tokens in.a 0\r\n\r\n`);
  stage.peer.say("PUB $JS.ACK.S.C.1.2.2.0.0 in.b 0\r\n\r\n");
  assert.equal(await stage.read(), "MSG in.a 1 0\r\n\r\nMSG in.b 1 0\r\n\r\n");
  assert.equal(consumer.info().numAckPending, 0);
  for (const subject of [
    "$JS.ACK.S.D.1.1.1.0.0",
    "$JS.ACK.T.C.1.1.1.0.0",
    "$JS.ACK.S.C.1.1.1.0",
    "$JS.ACK.S.C.1.1.1.0.0.0",
    "$JS.ACK.other.hash.S.C.1.1.1.0.0",
  ]) {
    stage.peer.say(`PUB $JS.ACK.S.C.1.1.1.0.0 0\r\n\r\nPUB ${subject} in.none 0\r\n\r\n`);
    assert.match(await stage.read(), /NATS\/1\.0 503/, subject);
  }
});

test("what is no number in an acknowledgement changes nothing", async () => {
  const stage = await Stage.open();
  const consumer = await stage.consumer();
  await stage.publish("s.a");
  stage.pull("in.1");
  await stage.read();
  for (const numbers of ["1.x.1", "1.-1.1", "1.99999999999999999999.1", "a.b.c"]) {
    stage.peer.say(`PUB $JS.ACK.S.C.${numbers}.0.0 in.a 0\r\n\r\n`);
    assert.equal(await stage.read(), "", numbers);
  }
  assert.equal(consumer.info().numAckPending, 1);
});

test("a consumer is told only of what its filter takes", async () => {
  const stage = await Stage.open();
  const all = await stage.consumer({}, "all");
  const literal = await stage.consumer({ filter_subjects: ["s.a", "s.b"] }, "literal");
  const wild = await stage.consumer({ filter_subject: "s.*.x" }, "wild");
  await stage.publish("s.a", "s.b", "s.c", "s.a.x", "s.b.x.y");
  const counts = (): number[] => [all, literal, wild].map((each) => each.info().numPending);
  assert.deepEqual(counts(), [5, 2, 1]);
  await stage.stream.removeMessage(1, false);
  await stage.stream.removeMessage(4, false);
  assert.deepEqual(counts(), [3, 1, 0]);
  const { interest } = stage.stream;
  assert.ok(interest.hasInterest("s.q.x"));
  await stage.stream.deleteConsumer(all);
  await stage.stream.deleteConsumer(wild);
  assert.ok(!interest.hasInterest("s.q.x") && interest.hasInterest("s.a"));
});

test("a request to a push consumer, and one that makes no sense, are told so", async () => {
  const stage = await Stage.open();
  await stage.consumer({ deliver_subject: "to" }, "P");
  await stage.consumer();
  stage.pull("in.1", "", "P");
  assert.match(await stage.read(), /NATS\/1\.0 409 Consumer is push based\r\n\r\n/);
  stage.pull("in.1", '{"batch":1,"idle_heartbeat":10,"expires":10}');
  assert.match(await stage.read(), /NATS\/1\.0 400 Bad Request - heartbeat value too large\r\n\r\n/);
  const block = "NATS/1.0\r\nNats-Required-Api-Level: 99\r\n\r\n";
  stage.peer.say(`HPUB $JS.API.CONSUMER.MSG.NEXT.S.C in.1 ${block.length} ${block.length}\r\n${block}\r\n`);
  assert.match(await stage.read(), /NATS\/1\.0 412 Required Api Level\r\n\r\n/);
});

test("requests end with their consumer", async () => {
  const stage = await Stage.open();
  const consumer = await stage.consumer();
  stage.pull("in.1", "3");
  await stage.read();
  await stage.stream.deleteConsumer(consumer);
  assert.match(await stage.read(), /NATS\/1\.0 409 Consumer Deleted\r\n\r\n/);
});

test("an ephemeral consumer goes away after it was not used for a while", async () => {
  const stage = await Stage.open();
  await stage.consumer({ durable_name: "", inactive_threshold: 1_000 * MS, ack_wait: 5_000 * MS });
  await stage.stage.advance(900);
  stage.pull("in.1", '{"batch":1,"expires":500000000}');
  await stage.stage.advance(1_400);
  assert.equal(stage.stream.consumers.size, 1, "it was used until its request expired");
  await stage.publish("s.a");
  stage.pull("in.1");
  await stage.stage.advance(5_500);
  assert.equal(stage.stream.consumers.size, 1, "somebody may still be at it");
  stage.peer.say("PUB $JS.ACK.S.C.1.1.1.0.0 4\r\n+ACK\r\n");
  await stage.stage.advance(900);
  assert.equal(stage.stream.consumers.size, 1);
  await stage.stage.advance(5_000 + 2_000);
  assert.equal(stage.stream.consumers.size, 0);
});

test("a request that waits for longer than a consumer lasts unused keeps it until then, and so long again", async () => {
  const stage = await Stage.open();
  await stage.consumer({ inactive_threshold: 1_000 * MS });
  stage.pull("in.1", '{"batch":1,"expires":3000000000}');
  await stage.stage.advance(3_000);
  assert.match(await stage.read(), /408 Request Timeout/);
  await stage.stage.advance(900);
  assert.equal(stage.stream.consumers.size, 1);
  await stage.stage.advance(2_000);
  assert.equal(stage.stream.consumers.size, 0);
});

test("a push consumer with a threshold stays while somebody listens", async () => {
  const stage = await Stage.open();
  stage.peer.say("SUB to 7\r\n");
  const consumer = await stage.consumer({ ...PUSH, inactive_threshold: 1_000 * MS });
  await stage.stage.advance(10_000);
  assert.ok(consumer.isPushBound && stage.stream.consumers.size === 1);
  stage.peer.say("UNSUB 7\r\n");
  await stage.publish("s.a");
  await stage.stage.advance(2_500);
  assert.equal(stage.stream.consumers.size, 0);
});

test("a pause ends by itself, and both are told", async () => {
  const stage = await Stage.open();
  stage.peer.say("SUB $JS.EVENT.ADVISORY.CONSUMER.PAUSE.> 2\r\n");
  const consumer = await stage.consumer();
  await stage.publish("s.a");
  const { clock } = stage.stage.world;
  await stage.stream.updateConsumer(consumer, {
    ...consumer.config,
    pause_until: { ms: clock.nowMs() + 1_000, ns: 0 },
  });
  stage.pull("in.1");
  assert.match(await stage.read(), /"paused":true/);
  assert.equal(consumer.info().pauseRemaining, 1_000 * MS);
  assert.equal(consumer.explain().reason, "paused");
  await stage.stage.advance(999);
  assert.equal(await stage.read(), "");
  await stage.stage.advance(1);
  const text = await stage.read();
  assert.match(text, /"paused":false/);
  assert.match(text, /MSG s\.a 1 /);
});

test("messages go to a receiver only as fast as it takes them", async () => {
  const stage = await Stage.open();
  const consumer = await stage.consumer({ max_ack_pending: -1 });
  const block = "x".repeat(500_000);
  for (let i = 0; i < 40; i++) await stage.stage.publish("s.a", block);
  stage.peer.pipe.takesAll = false;
  stage.pull("in.1", "40");
  await stage.stage.advance(500);
  const delivered = consumer.info().delivered.consumerSeq;
  assert.ok(delivered > 3 && delivered < 20, `${delivered} of 40 delivered to who takes none`);
  assert.equal(consumer.explain().reason, "held");
});

test("it can be told why nothing is delivered", async () => {
  const stage = await Stage.open();
  const consumer = await stage.consumer({ max_ack_pending: 1, ack_wait: 30_000 * MS, filter_subject: "s.a" });
  assert.equal(consumer.explain().reason, "noPull");
  stage.pull("in.1", "10");
  await stage.read();
  assert.equal(consumer.explain().reason, "filterMatchesNothing");
  await stage.publish("s.a", "s.a");
  await stage.read();
  const full = consumer.explain();
  assert.deepEqual(
    [full.reason, full.numPending, full.numAckPending, full.maxAckPending],
    ["maxAckPending", 1, 1, 1],
  );
  assert.equal(full.redeliveryMs, 30_000);
});

test("a consumer that has stalled is noticed, and set going", async () => {
  const stage = await Stage.open();
  const consumer = await stage.consumer();
  stage.pull("in.1", "10");
  await stage.read();
  assert.equal(consumer.stallCheck(), null);
  // A message that nobody tells it of.
  const { interest } = stage.stream;
  interest.remove(consumer);
  await stage.publish("s.a");
  interest.add(consumer);
  assert.equal(await stage.read(), "");
  assert.equal(consumer.stallCheck(), null);
  await stage.stage.advance(6_000);
  const stall = consumer.stallCheck();
  assert.ok(stall !== null && stall.quietMs >= 5_000 && stall.numWaiting === 1);
  assert.match(await stage.read(), /MSG s\.a 1 /);
  assert.equal(consumer.stallCheck(), null);
});

test("work queues and interest streams learn what is done with", async () => {
  for (const retention of ["workqueue", "interest"] as const) {
    const stage = await Stage.open({ retention });
    const consumer = await stage.consumer();
    await stage.publish("s.a", "s.b", "s.c");
    assert.ok(consumer.needs(1, "s.a"));
    stage.pull("in.1", "3");
    await stage.read();
    stage.peer.say("PUB $JS.ACK.S.C.1.2.2.0.0 4\r\n+ACK\r\n");
    await stage.read();
    assert.deepEqual(
      stage.stage.kept(stage.stream).map(({ seq }) => seq),
      [1, 3],
      retention,
    );
    assert.ok(!consumer.needs(2, "s.b") && consumer.needs(3, "s.c"));
  }
});

test("brought back it goes on where it was, with what was not acknowledged", async () => {
  const stage = await Stage.open();
  const { consumerStore, interest, consumers } = stage.stream;
  const kept: Uint8Array[] = [];
  const put = consumerStore.putState.bind(consumerStore);
  consumerStore.putState = (name, state) => {
    kept.push(Uint8Array.from(state));
    put(name, state);
  };
  const before = await stage.consumer({ ack_wait: 1_000 * MS, deliver_policy: "new" });
  assert.equal(kept.length, 1, "where it begins is kept at once");
  await stage.publish("s.a", "s.b", "s.c");
  stage.pull("in.1", "2");
  await stage.read();
  stage.peer.say("PUB $JS.ACK.S.C.1.1.1.0.0 in.ack 0\r\n\r\n");
  await stage.read();
  interest.remove(before);
  before.stop("shutdown");
  const consumer = new Consumer(stage.stream, "C", before.config, before.created, kept.at(-1) ?? null);
  (consumers as Map<string, Consumer>).set("C", consumer);
  interest.add(consumer);
  consumer.start();
  const { delivered, ackFloor, numAckPending, numPending } = consumer.info();
  assert.deepEqual(
    [delivered.consumerSeq, delivered.streamSeq, ackFloor.streamSeq, numAckPending, numPending],
    [2, 2, 1, 1, 1],
  );
  stage.pull("in.1", "2");
  await stage.stage.advance(1_000);
  assert.equal(
    await stage.read(),
    "MSG s.c 1 $JS.ACK.S.C.1.3.3.TIME.0 5\r\n<s.c>\r\nMSG s.b 1 $JS.ACK.S.C.2.2.4.TIME.0 5\r\n<s.b>\r\n",
  );
});
