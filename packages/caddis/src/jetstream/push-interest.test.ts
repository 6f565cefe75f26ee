import assert from "node:assert/strict";
import { test } from "node:test";
import type { Consumer } from "./consumer.ts";
import { PushInterest } from "./push-interest.ts";

interface Told {
  readonly consumer: Consumer;
  count: number;
}

/** A consumer of which only its deliver subject is looked at, and that counts how often it is told. */
function delivering(subject: string): Told {
  const told = { count: 0, config: { deliver_subject: subject }, onInterest: () => told.count++ };
  return {
    consumer: told as unknown as Consumer,
    get count() {
      return told.count;
    },
  };
}

test("those are told who deliver to what somebody listens to", () => {
  const interest = new PushInterest();
  const all = ["a.b", "a.b", "a.c", ""].map(delivering);
  for (const { consumer } of all) interest.add(consumer);
  interest.onInterest("a.b");
  interest.onInterest("x");
  assert.deepEqual(
    all.map(({ count }) => count),
    [1, 1, 0, 0],
  );
  interest.onInterest("a.*");
  interest.onInterest(">");
  assert.deepEqual(
    all.map(({ count }) => count),
    [3, 3, 2, 0],
  );
  interest.remove(all[0].consumer);
  interest.onInterest("a.b");
  assert.deepEqual(
    all.map(({ count }) => count),
    [3, 4, 2, 0],
  );
});
