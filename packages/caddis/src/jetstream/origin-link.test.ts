import assert from "node:assert/strict";
import test from "node:test";
import { FAKE_EXTERNAL, FakeOrigin, type FakeRequest } from "../../../../test/support/fake-origin.ts";
import { origin, OriginStage } from "../../../../test/support/origin-stage.ts";
import type { StreamSource } from "./core/stream-config.ts";
import { mirrorFields, sourcesFields } from "./api/origin-fields.ts";
import type { Stream } from "./stream.ts";

/** Until a link asks for the first time. */
const FIRST_MS = 250;
/** Until it asks again when nothing has gone wrong but messages got lost. */
const AGAIN_MS = 2_250;
const STEP_MS = 100;
const DEADLINE_MS = 300_000;

interface Play {
  readonly stage: OriginStage;
  readonly fake: FakeOrigin;
  readonly stream: Stream;
}

async function playMirror(more: Partial<StreamSource> = {}): Promise<Play> {
  const stage = new OriginStage();
  const fake = new FakeOrigin(stage);
  const stream = await stage.mirror("M", origin("O", { external: FAKE_EXTERNAL, ...more }));
  await stage.advance(FIRST_MS);
  return { stage, fake, stream };
}

async function playSource(more: Partial<StreamSource> = {}): Promise<Play> {
  const stage = new OriginStage();
  const fake = new FakeOrigin(stage);
  const stream = await stage.sourcing("S", [origin("O", { external: FAKE_EXTERNAL, ...more })]);
  await stage.advance(FIRST_MS);
  return { stage, fake, stream };
}

async function connected(play: Play, deliveredSeq = 0, headers = ""): Promise<Play> {
  play.fake.accept(play.fake.request(), deliveredSeq, {}, headers);
  await play.stage.world.clock.settled();
  return play;
}

/** The next request, and after how long it comes. */
async function nextRequest({ stage, fake }: Play): Promise<{ request: FakeRequest; afterMs: number }> {
  for (let afterMs = STEP_MS; ; afterMs += STEP_MS) {
    await stage.advance(STEP_MS);
    const [request] = fake.requests();
    if (request !== undefined) return { request, afterMs };
    assert.ok(afterMs < DEADLINE_MS, "nothing is asked for");
  }
}

/** Where a request wants to begin. */
function startOf(body: string): unknown {
  const { config } = JSON.parse(body) as { config: Record<string, unknown> };
  return config["opt_start_seq"] ?? config["deliver_policy"];
}

function seqs({ stage, stream }: Play): string {
  return stage
    .kept(stream)
    .map(({ seq, payload }) => `${seq}:${payload}`)
    .join(" ");
}

function identity(name: string): string {
  return `NATS/1.0\r\nNats-Stream-Identity: ${name}\r\n\r\n`;
}

test("a mirror skips what its origin has not, and keeps the origin's time", async () => {
  const play = await connected(await playMirror(), 4);
  const { state } = play.stream.store;
  assert.deepEqual([state.firstSeq, state.lastSeq, state.deletedCount], [5, 4, 0]);
  play.fake.deliver(5, 1, "a");
  play.fake.deliver(8, 2, "b");
  play.fake.deliver(9, 4, "c", 3);
  await play.stage.world.clock.settled();
  assert.equal(seqs(play), "5:a 8:b 9:c", "the next sequence is the next, whatever the consumer counts");
  assert.deepEqual([state.firstSeq, state.lastSeq, state.deletedCount], [5, 9, 2]);
  assert.deepEqual(state.lastTime, { ms: 1_700_000_000_000, ns: 7 });
  assert.equal(mirrorFields(play.stream)?.["lag"], 2);
});

test("what was lost on the way is asked for again, and what comes late is left", async () => {
  for (const play of [await connected(await playMirror()), await connected(await playSource())]) {
    const { fake, stage } = play;
    fake.deliver(1, 1, "a");
    fake.deliver(3, 3, "c");
    fake.deliver(4, 4, "d");
    await stage.advance(AGAIN_MS);
    assert.equal(seqs(play), "1:a", "nothing is stored behind a gap");
    const request = fake.request();
    assert.equal(startOf(request.body), 2);
    fake.consumer = "D";
    fake.accept(request, 1);
    await stage.world.clock.settled();
    fake.consumer = "C";
    fake.deliver(5, 5, "late");
    fake.consumer = "D";
    fake.deliver(2, 1, "b");
    fake.deliver(2, 1, "b");
    fake.deliver(3, 2, "again", 0, 2);
    fake.deliver(3, 2, "c");
    assert.equal(seqs(play), "1:a 2:b 3:c");
  }
});

test("a heartbeat tells of messages that never came", async () => {
  for (const play of [await connected(await playMirror()), await connected(await playSource())]) {
    const { fake, stage } = play;
    fake.deliver(1, 1, "a");
    fake.heartbeat(1, 1);
    fake.heartbeat(0, 0);
    await stage.advance(AGAIN_MS);
    assert.deepEqual(fake.requests(), []);
    fake.heartbeat(2, 2);
    await stage.advance(AGAIN_MS);
    assert.equal(startOf(fake.request().body), 2);
  }
});

test("an origin that falls silent is asked again after ten seconds", async () => {
  const play = await connected(await playSource());
  const { fake, stage, stream } = play;
  await stage.advance(9_000);
  fake.heartbeat(0, 0);
  await stage.advance(9_900);
  assert.deepEqual(fake.requests(), []);
  assert.equal(sourcesFields(stream)?.[0]["active"], 9_900_000_000);
  await stage.advance(400);
  assert.equal(fake.requests().length, 1);
});

test("one that refuses is asked less and less often, and the info says why", async () => {
  const play = await playSource();
  const { fake, stage, stream } = play;
  fake.refuse(fake.request(), 10059);
  for (const waitMs of [12_000, 22_000, 32_000]) {
    const { request, afterMs } = await nextRequest(play);
    assert.ok(afterMs >= waitMs && afterMs <= waitMs + 2 * STEP_MS, `after ${afterMs} ms, not ${waitMs}`);
    assert.deepEqual(sourcesFields(stream)?.[0]["error"], { code: 400, err_code: 10059, description: "no" });
    fake.refuse(request, 10059);
  }
  await stage.advance(43_000);
  await connected(play);
  assert.equal(sourcesFields(stream)?.[0]["error"], undefined);
  fake.heartbeat(1, 1);
  const { afterMs } = await nextRequest(play);
  assert.ok(afterMs <= AGAIN_MS + STEP_MS, `the failures are forgotten, not ${afterMs} ms`);
});

test("one that does not answer is given up after half a minute", async () => {
  const { fake, stage } = await playMirror();
  assert.equal(fake.requests().length, 1);
  await stage.advance(29_900);
  assert.deepEqual(fake.requests(), []);
  await stage.advance(11_000);
  assert.equal(fake.requests().length, 1);
});

test("nobody to ask: asked every two seconds", async () => {
  const stage = new OriginStage();
  await stage.mirror("M", origin("O", { external: FAKE_EXTERNAL }));
  await stage.advance(60_000);
  const fake = new FakeOrigin(stage);
  await stage.advance(AGAIN_MS);
  assert.equal(fake.requests().length, 1);
});

test("older servers are asked for what they know", async () => {
  const levels = async ({ fake, stage }: Play): Promise<string[]> => {
    const asked: string[] = [];
    for (;;) {
      const request = fake.request();
      const { config } = JSON.parse(request.body) as { config: { name: string; sourcing?: boolean } };
      asked.push(
        `${request.headers.split("\r\n").slice(1, -2).join(",")} ${config.sourcing} ${config.name.length}`,
      );
      if (config.sourcing !== true) return asked;
      // What comes twice is an answer once.
      for (let i = 0; i < 2; i++) fake.refuse(request, asked.length === 1 ? 10185 : 10025);
      await stage.world.clock.settled();
    }
  };
  assert.deepEqual(await levels(await playSource()), [
    "Nats-Required-Api-Level: 5,Nats-Stream-Identity:  true 15",
    "Nats-Required-Api-Level: 4 true 15",
    " undefined 24",
  ]);
  assert.deepEqual(await levels(await playMirror()), ["Nats-Required-Api-Level: 4 true 18", " undefined 27"]);
});

test("an origin that was made anew is read from its start", async () => {
  const play = await connected(await playSource(), 6, identity("first"));
  const { fake, stage, stream } = play;
  fake.deliver(7, 1, "a");
  stream.removals.removeFirst();
  fake.heartbeat(9, 9);
  await stage.advance(AGAIN_MS);
  const request = fake.request();
  assert.match(request.headers, /Identity: first\r/);
  assert.equal(startOf(request.body), 8);
  fake.refuse(request, 10225);
  await stage.advance(AGAIN_MS);
  const again = fake.request();
  assert.equal(startOf(again.body), "all");
  fake.accept(again, 0, {}, identity("second"));
  await stage.world.clock.settled();
  fake.deliver(1, 1, "b");
  assert.equal(seqs(play), "2:b");
  assert.match(stage.kept(stream)[0].headers, /: O:\w{8} 1 > > fake\.S\.\w{8} second\r\n/);
  assert.equal(sourcesFields(stream)?.[0]["seq"], 1);
});

test("flow control is answered with how far it is", async () => {
  const { fake, stage } = await connected(await playSource());
  fake.deliver(3, 1, "a");
  fake.askFlow("fc.1");
  await stage.world.clock.settled();
  assert.deepEqual(fake.flowAnswers(), ["fc.1 Nats-Last-Consumer: 1, Nats-Last-Stream: 3"]);
});

test("who misses an answer gets another one, and an error tells when that does not help", async () => {
  const { fake, stage, stream } = await connected(await playSource());
  const complaints = ["fc.1", "fc.1", "fc.2", "fc.2", "fc.2"];
  for (const [index, reply] of complaints.entries()) {
    const isError = index === complaints.length - 1;
    fake.heartbeat(0, 0, reply);
    await stage.world.clock.settled();
    assert.equal(fake.flowAnswers().length, 1);
    assert.equal(sourcesFields(stream)?.[0]["error"] !== undefined, isError);
  }
  assert.match(stage.world.logLines.join("\n"), /stalled on flow control/);
  fake.deliver(1, 1, "a");
  assert.equal(sourcesFields(stream)?.[0]["error"], undefined);
});

test("flow control is not answered before everything is durable", async () => {
  const play = await connected(await playSource());
  const { fake, stage, stream } = play;
  const { store } = stream;
  let durable = store.position;
  Object.defineProperty(store, "durablePosition", { get: () => durable });
  fake.deliver(1, 1, "a");
  fake.askFlow("fc.1");
  await stage.world.clock.settled();
  fake.heartbeat(1, 1, "fc.1");
  await stage.world.clock.settled();
  assert.deepEqual(fake.flowAnswers(), []);
  durable = store.position;
  store.onDurable();
  assert.deepEqual(fake.flowAnswers(), ["fc.1 Nats-Last-Consumer: 1, Nats-Last-Stream: 1"]);
});

test("a message that can't be stored is asked for again", async () => {
  const stage = new OriginStage();
  const fake = new FakeOrigin(stage);
  const source = origin("O", { external: FAKE_EXTERNAL });
  const stream = await stage.sourcing("S", [source], { max_msgs: 1, discard: "new" });
  await stage.advance(FIRST_MS);
  const play = await connected({ stage, fake, stream });
  fake.deliver(1, 1, "a");
  fake.deliver(5, 2, "b");
  fake.deliver(6, 3, "c");
  assert.equal(seqs(play), "1:a");
  assert.match(JSON.stringify(sourcesFields(stream)), /maximum messages exceeded/);
  await stage.advance(AGAIN_MS);
  const request = fake.request();
  assert.equal(startOf(request.body), 2);
  stream.removals.removeFirst();
  fake.accept(request, 4);
  await stage.world.clock.settled();
  fake.deliver(5, 1, "b");
  assert.equal(seqs(play), "2:b");
  assert.equal(sourcesFields(stream)?.[0]["error"], undefined);
});

test("a consumer that is there is reset, and must acknowledge by flow control", async () => {
  const consumer = { name: "D", deliver_subject: "to.d" };
  const { fake, stage, stream } = await playSource({ consumer });
  const request = fake.request();
  assert.deepEqual([request.subject, request.body], ["CONSUMER.RESET.O.D", ""]);
  fake.accept(request);
  await stage.advance(0);
  assert.match(JSON.stringify(sourcesFields(stream)), /"err_code":10217/);
  await stage.advance(12_300);
  fake.consumer = "D";
  fake.deliverSubject = "to.d";
  fake.accept(fake.request(), 0, { config: { ack_policy: "flow_control" } });
  await stage.world.clock.settled();
  fake.deliver(1, 1, "a");
  assert.equal(seqs({ fake, stage, stream }), "1:a");
});

test("a consumer that is there and did not answer is asked again as soon as it is heard", async () => {
  const { fake, stage } = await playMirror({ consumer: { name: "D", deliver_subject: "to.d" } });
  assert.equal(fake.requests().length, 1);
  await stage.advance(5_500);
  fake.deliverSubject = "to.d";
  for (let i = 0; i < 6; i++) {
    fake.heartbeat(0, 0);
    await stage.advance(50);
  }
  assert.equal(fake.requests().length, 1);
});

test("nonsense in an answer is an error like any other", async () => {
  for (const answer of ["nonsense", "[]", "{}", '{"name":1}', '{"name":"C","config":[]}']) {
    const { fake, stage, stream } = await playMirror();
    fake.say(fake.request(), answer);
    await stage.world.clock.settled();
    assert.match(JSON.stringify(mirrorFields(stream)), /"err_code":10029/, answer);
  }
});

test("nothing is heard or asked after the end", async () => {
  const play = await connected(await playSource());
  const { fake, stage, stream } = play;
  const before = stage.world.broker.globalAccount.sublist.count;
  await stage.owner.deleteStream(stream);
  assert.ok(stage.world.broker.globalAccount.sublist.count < before);
  await stage.advance(60_000);
  assert.deepEqual(fake.requests(), []);
  assert.equal(stage.owner.streams.size, 0);
});
