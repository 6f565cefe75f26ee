import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { NaiveResponses } from "../../../../test/support/naive-permissions.ts";
import { REPLIES_MAX, REPLY_BYTES_MAX, ResponsePermits } from "./response-permits.ts";

test("a request permits as many answers as the rule says", () => {
  const permits = new ResponsePermits({ max: 2, expiresMs: 1_000 });
  assert.equal(permits.take("r", 0), false);
  permits.note("r", 0);
  assert.deepEqual(
    [1, 2, 3].map((now) => permits.take("r", now)),
    [true, true, false],
  );
  assert.equal(permits.take("other", 4), false);
  assert.equal(permits.size, 0);
});

test("each request permits its answers, also with the reply subject of another", () => {
  const permits = new ResponsePermits({ max: 1, expiresMs: 1_000 });
  permits.note("r", 0);
  permits.note("r", 1);
  assert.deepEqual(
    [2, 3, 4].map((now) => permits.take("r", now)),
    [true, true, false],
  );
});

test("a permit ends after its time, and what is left of it is not carried over", () => {
  const permits = new ResponsePermits({ max: 2, expiresMs: 1_000 });
  permits.note("r", 0);
  assert.equal(permits.take("r", 1_000), true);
  assert.equal(permits.take("r", 1_001), false);
  assert.equal(permits.size, 0);
  permits.note("r", 2_000);
  permits.note("r", 3_001);
  assert.deepEqual(
    [3_002, 3_003, 3_004].map((now) => permits.take("r", now)),
    [true, true, false],
  );
});

test("without a number and a time a permit stays", () => {
  const permits = new ResponsePermits({ max: -1, expiresMs: 0 });
  permits.note("r", 0);
  for (let i = 0; i < 1_000; i++) assert.equal(permits.take("r", i * 1e9), true);
  assert.equal(permits.size, 1);
});

test("no messages are no answers", () => {
  const permits = new ResponsePermits({ max: 0, expiresMs: 0 });
  permits.note("r", 0);
  assert.equal(permits.take("r", 0), false);
});

test("expired permits are forgotten while new ones come", () => {
  const permits = new ResponsePermits({ max: 1, expiresMs: 100 });
  for (let i = 0; i < 3_000; i++) permits.note(`r.${i}`, 1);
  assert.equal(permits.size, 3_000);
  permits.note("late", 1_500);
  assert.equal(permits.take("late", 1_500), true);
  assert.equal(permits.size, 0);
});

test("expired permits are forgotten also within a second", () => {
  const permits = new ResponsePermits({ max: 1, expiresMs: 100 });
  for (let i = 0; i < 10_000; i++) permits.note(`s.${i}`, 1_500 + i / 10);
  assert.ok(permits.size < 6_000, `${permits.size} remembered`);
});

test("the oldest give way when there are too many", () => {
  const permits = new ResponsePermits({ max: -1, expiresMs: 0 });
  for (let i = 0; i < REPLIES_MAX + 10; i++) {
    permits.note(`r.${i}`, 0);
    assert.ok(permits.size <= REPLIES_MAX);
  }
  assert.equal(permits.take("r.0", 0), false);
  assert.equal(permits.take(`r.${REPLIES_MAX + 9}`, 0), true);
  assert.ok(permits.size > 0.9 * REPLIES_MAX);
});

test("long reply subjects have a bound together", () => {
  const permits = new ResponsePermits({ max: -1, expiresMs: 0 });
  const long = "x".repeat(4_000);
  for (let i = 0; i < 5_000; i++) permits.note(`${long}.${i}`, 0);
  assert.ok(permits.size * 4_000 <= REPLY_BYTES_MAX);
  assert.ok(permits.size * 4_000 > 0.8 * REPLY_BYTES_MAX);
  assert.equal(permits.take(`${long}.4999`, 0), true);
});

test("requests with one reply subject count as one, the newest", () => {
  const permits = new ResponsePermits({ max: 1, expiresMs: 0 });
  const long = "x".repeat(4_000);
  permits.note("a", 0);
  for (let i = 0; i < 3_000; i++) permits.note(long, i);
  assert.equal(permits.take("a", 3_000), true);
  permits.note("first", 3_000);
  for (let i = 0; i < REPLIES_MAX - 2; i++) permits.note(`r.${i}`, 3_000);
  permits.note("first", 3_000);
  for (let i = 0; i < 10; i++) permits.note(`s.${i}`, 3_000);
  assert.deepEqual([permits.take("r.0", 3_000), permits.take("first", 3_000)], [false, true]);
});

test("every answer is decided as by the naive interpreter", () => {
  const rule = fc.record({ max: fc.constantFrom(-1, 1, 2, 3), expiresMs: fc.constantFrom(-1, 0, 5, 50) });
  const step = fc.record({
    kind: fc.constantFrom("note", "take", "take"),
    subject: fc.constantFrom("a", "b", "c"),
    afterMs: fc.constantFrom(0, 1, 5, 6, 2_000),
  });
  fc.assert(
    fc.property(rule, fc.array(step, { maxLength: 40 }), (responses, steps) => {
      const permits = new ResponsePermits(responses);
      const naive = new NaiveResponses(responses);
      let now = 0;
      for (const { kind, subject, afterMs } of steps) {
        now += afterMs;
        if (kind === "take") assert.equal(permits.take(subject, now), naive.take(subject, now));
        else {
          permits.note(subject, now);
          naive.note(subject, now);
        }
      }
      assert.ok(permits.size <= 3);
    }),
    { numRuns: 3_000 },
  );
});
