import assert from "node:assert/strict";
import test from "node:test";
import * as fc from "fast-check";
import { FaultyDisk } from "../../../../test/support/faulty-disk.ts";
import { StreamStage } from "../../../../test/support/stream-stage.ts";

test("an acknowledgement waits until the message is on the disk, and so do consumers", async () => {
  const disk = new FaultyDisk(1);
  const stage = new StreamStage({}, disk);
  const stream = await stage.stream({ storage: "file" });
  stage.say("S", "one");
  assert.equal(stream.store.state.lastSeq, 1, "stored at once");
  assert.deepEqual([stage.answers(), stream.visibleSeq], [[], 0]);
  await stage.world.clock.settled();
  assert.deepEqual([stage.answers().length, stream.visibleSeq], [1, 1]);
  // The power goes with the next write.
  disk.killAt(disk.steps.length);
  stage.say("S", "two", ["Nats-Msg-Id: id"]);
  stage.say("S", "two", ["Nats-Msg-Id: id"]);
  await stage.world.clock.settled();
  const answers = stage.answers().map(([, text]) => text);
  assert.ok(
    answers.every((text) => text.includes('"error"')),
    `no acknowledgement, of a duplicate neither: ${answers.join()}`,
  );
  assert.equal(stream.visibleSeq, 1);
});

test("a duplicate is acknowledged no sooner than what it repeats", async () => {
  const disk = new FaultyDisk(1);
  const stage = new StreamStage({}, disk);
  await stage.stream({ storage: "file", duplicate_window: 60e9 });
  disk.killAt(disk.steps.length);
  const block = "NATS/1.0\r\nNats-Msg-Id: id\r\n\r\n";
  stage.peer.say(`HPUB S ${block.length} ${block.length}\r\n${block}\r\n`);
  stage.say("S", "", ["Nats-Msg-Id: id"]);
  await stage.world.clock.settled();
  for (const [, text] of stage.answers()) assert.match(text, /"error"/);
});

test("that a message is gone is said once that is durable", async () => {
  const disk = new FaultyDisk(1);
  const stage = new StreamStage({}, disk);
  const stream = await stage.stream({ storage: "file" });
  await stage.publish("S");
  disk.killAt(disk.steps.length);
  const answers = await Promise.allSettled([
    stream.purge({ seq: 0, filter: "", keep: 0 }),
    stream.removeMessage(1, false),
  ]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    ["rejected", "rejected"],
  );
});

test("a sync that fails ends acknowledgements for good", async () => {
  const disk = new FaultyDisk(1);
  const stage = new StreamStage({}, disk);
  const stream = await stage.stream({ storage: "file" });
  disk.failAt(disk.steps.length + 1);
  disk.failAt(disk.steps.length);
  assert.match(await stage.publish("S", "one"), /"code":503,"err_code":10077/);
  for (let i = 0; i < 3; i++) assert.match(await stage.publish("S", "more"), /"code":503,"err_code":10077/);
  await assert.rejects(stream.removeMessage(1, false));
  await stage.advance(60_000);
  assert.match(await stage.publish("S", "later"), /"code":503,"err_code":10077/);
  await stage.owner.close();
});

test("a full disk refuses, and takes again when there is room", async () => {
  const disk = new FaultyDisk(1);
  const stage = new StreamStage({}, disk);
  const stream = await stage.stream({ storage: "file" });
  await stage.publish("S", "one");
  disk.fill(0);
  const waiting = stage.say("S", "two");
  await stage.world.clock.settled();
  assert.deepEqual(stage.answers(), []);
  assert.match(await stage.publish("S", "three"), /"code":503,"err_code":10077/);
  disk.fill(Infinity);
  await stage.advance(60_000);
  assert.deepEqual(stage.answers(), [[waiting, '{"stream":"S","seq":2}']]);
  assert.equal(await stage.publish("S", "four"), '{"stream":"S","seq":3}');
  assert.equal(stage.list(stream), "1:S 2:S 3:S");
});

test("with an interval acknowledgements do not wait for the disk to sync", async () => {
  const disk = new FaultyDisk(1);
  const stage = new StreamStage({ syncIntervalMs: 1_000 }, disk);
  await stage.stream({ storage: "file" });
  const syncs = (): number => disk.steps.filter((step) => step.startsWith("sync")).length;
  await stage.publish("S");
  const before = syncs();
  for (let i = 2; i <= 5; i++) assert.equal(await stage.publish("S"), `{"stream":"S","seq":${i}}`);
  assert.equal(syncs(), before);
  await stage.advance(1_001);
  assert.equal(syncs(), before + 1);
});

/** One message or one change of a stream, as the property tries them. */
type Step =
  | { readonly publish: string }
  | { readonly remove: number }
  | { readonly purgeTo: number }
  | { readonly remake: true };

const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ publish: fc.string({ maxLength: 40, unit: "binary-ascii" }) }) },
    { weight: 1, arbitrary: fc.record({ remove: fc.integer({ min: 1, max: 12 }) }) },
    { weight: 1, arbitrary: fc.record({ purgeTo: fc.integer({ min: 1, max: 8 }) }) },
    { weight: 1, arbitrary: fc.constant({ remake: true } as const) },
  ),
  { minLength: 1, maxLength: 14 },
);

/** What a client knows for sure of what is stored; `isGone`: it was told that the message was removed. */
interface Known {
  readonly payload: string;
  isGone: boolean;
  /** A removal was asked for. */
  isDoubtful: boolean;
}

/** Does `sequence` until the power goes; returns what was acknowledged. */
async function run(stage: StreamStage, sequence: readonly Step[]): Promise<Map<number, Known>> {
  let known = new Map<number, Known>();
  const made = await stage.stream({ storage: "file" }).catch(() => null);
  let stream = made;
  for (const step of sequence) {
    if (stream === null) break;
    const before = [...known];
    if ("publish" in step) {
      const answer = await stage.publish("S", step.publish);
      const seq = /^\{"stream":"S","seq":(\d+)\}$/.exec(answer)?.[1];
      if (seq !== undefined)
        known.set(Number(seq), { payload: step.publish, isGone: false, isDoubtful: false });
      continue;
    }
    if ("remake" in step) {
      for (const [, one] of before) one.isDoubtful = true;
      if ((await stage.owner.deleteStream(stream)) !== null) break;
      known = new Map();
      stream = await stage.stream({ storage: "file" }).catch(() => null);
      continue;
    }
    const taken = before.filter(([seq]) => ("remove" in step ? seq === step.remove : seq < step.purgeTo));
    for (const [, one] of taken) one.isDoubtful = true;
    const removal =
      "remove" in step
        ? stream.removeMessage(step.remove, false)
        : stream.purge({ seq: step.purgeTo, filter: "", keep: 0 });
    const isDone = await removal.then(
      () => true,
      () => false,
    );
    if (isDone) for (const [, one] of taken) one.isGone = true;
  }
  return known;
}

test("whatever the moment at which the power goes: what was acknowledged is there, and what was removed is not", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: 1 << 30 }),
      fc.nat({ max: 120 }),
      steps,
      async (seed, killAt, sequence) => {
        const disk = new FaultyDisk(seed);
        disk.killAt(killAt);
        const known = await run(new StreamStage({}, disk), sequence);
        const next = new StreamStage({}, disk.crash());
        await next.owner.recover();
        assert.deepEqual([...next.owner.damaged.keys()], []);
        const stream = next.owner.streams.get("S");
        const kept = new Map(
          stream === undefined ? [] : next.kept(stream).map((one) => [one.seq, one.payload]),
        );
        for (const [seq, { payload, isGone, isDoubtful }] of known) {
          if (isGone) assert.equal(kept.has(seq), false, `${seq} was removed`);
          else if (!isDoubtful) assert.equal(kept.get(seq), payload, `${seq} was acknowledged`);
        }
        if (stream !== undefined) {
          const { lastSeq } = stream.store.state;
          assert.ok([...known.keys()].every((seq) => seq <= lastSeq || known.get(seq)?.isDoubtful));
          assert.equal(await next.publish("S", "goes on"), `{"stream":"S","seq":${lastSeq + 1}}`);
        }
        await next.owner.close();
      },
    ),
    { numRuns: 150 },
  );
});
