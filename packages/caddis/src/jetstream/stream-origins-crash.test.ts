import assert from "node:assert/strict";
import test from "node:test";
import { FaultyDisk } from "../../../../test/support/faulty-disk.ts";
import { origin, OriginStage } from "../../../../test/support/origin-stage.ts";
import { SeededRandom } from "../io/seeded-random.ts";
import type { StreamConfig } from "./core/stream-config.ts";
import type { Stream } from "./stream.ts";

const SEEDS = 40;
const ROUNDS = 12;
/** After so many things done to the disk the power goes, at most. */
const STEPS_MAX = 60;

/** Sequences at the origin of what a stream has sourced, in order. */
function sourcedSeqs(stage: OriginStage, stream: Stream): number[] {
  return stage.kept(stream).map(({ headers }) => Number(/ (\d+) /.exec(headers)?.[1]));
}

function config(name: string, more: Partial<StreamConfig>): Partial<StreamConfig> {
  return { name, subjects: [], storage: "file", ...more };
}

/** Publishes, and gives the sequences that were acknowledged. */
async function publishSome(stage: OriginStage, subject: string, count: number): Promise<number[]> {
  for (let i = 0; i < count; i++) stage.say(subject, "x".repeat(50));
  await stage.world.clock.settled();
  return stage
    .answers()
    .map(([, text]) => /^\{"stream":"\w+","seq":(\d+)\}/.exec(text)?.[1])
    .filter((seq) => seq !== undefined)
    .map(Number);
}

async function play(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const disk = new FaultyDisk(seed);
  const before = new OriginStage({}, disk);
  await before.stream(config("O", { subjects: ["o"] }));
  await before.stream(config("Q", { subjects: ["q"], retention: "workqueue" }));
  await before.stream(config("M", { mirror: origin("O") }));
  await before.stream(config("S", { sources: [origin("O")] }));
  await before.stream(config("T", { sources: [origin("Q")] }));
  await before.connected();
  disk.killAt(disk.steps.length + random.below(STEPS_MAX));
  const acked = { o: [] as number[], q: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    acked.o.push(...(await publishSome(before, "o", 1 + random.below(20))));
    acked.q.push(...(await publishSome(before, "q", 1 + random.below(20))));
    await before.advance(random.below(3_000));
  }
  const after = new OriginStage({}, disk.crash());
  await after.owner.recover();
  const named = (name: string): Stream => {
    const stream = after.owner.streams.get(name);
    assert.ok(stream !== undefined, `stream ${name} is back`);
    return stream;
  };
  await after.connected();
  await publishSome(after, "o", 3);
  await publishSome(after, "q", 3);
  await after.advance(15_000);
  const all = Array.from({ length: named("O").store.state.lastSeq }, (_, i) => i + 1);
  assert.deepEqual(
    after.kept(named("M")).map(({ seq }) => seq),
    all,
    "the mirror has what its origin has",
  );
  assert.deepEqual(sourcedSeqs(after, named("S")), all, "the source has each message once");
  const moved = sourcedSeqs(after, named("T"));
  const expected = Array.from({ length: named("Q").store.state.lastSeq }, (_, i) => i + 1);
  assert.deepEqual(moved, expected, "what was in the work queue is moved, each message once");
  assert.ok(acked.o.every((seq) => all.includes(seq)) && acked.q.every((seq) => moved.includes(seq)));
  assert.equal(named("Q").store.state.messages, 0);
}

test("the power goes while streams are copied: everything is there once, in order", async (t) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      await play(seed);
    } catch (error) {
      t.diagnostic(`seed ${seed}`);
      throw error;
    }
  }
});
