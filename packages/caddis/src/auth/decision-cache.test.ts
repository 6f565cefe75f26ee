import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { DecisionCache, NO_OWNER } from "./decision-cache.ts";

function find(cache: DecisionCache, owner: number, subject: string): boolean | null {
  const buf = Buffer.from(`<<<${subject}>`, "latin1");
  return cache.find(owner, buf, 3, buf.length - 1);
}

function keep(cache: DecisionCache, owner: number, subject: string, allowed: boolean): void {
  const buf = Buffer.from(`<${subject}>`, "latin1");
  cache.keep(owner, buf, 1, buf.length - 1, allowed);
}

test("a decision is found again by its owner and its subject", () => {
  const cache = new DecisionCache();
  const [a, b] = [cache.newOwner(), cache.newOwner()];
  keep(cache, a, "foo", true);
  keep(cache, b, "foo", false);
  keep(cache, a, "bar", false);
  assert.equal(find(cache, a, "foo"), true);
  assert.equal(find(cache, b, "foo"), false);
  assert.equal(find(cache, a, "bar"), false);
  assert.equal(find(cache, b, "bar"), null);
  for (const subject of ["fo", "fooo", "", "foo\0", "\0foo", "oof"]) {
    assert.equal(find(cache, a, subject), null, subject);
  }
  cache.clear();
  assert.equal(find(cache, a, "foo"), null);
  assert.equal(cache.size, 0);
});

test("without an owner nothing is kept", () => {
  const cache = new DecisionCache();
  keep(cache, NO_OWNER, "foo", true);
  assert.equal(find(cache, NO_OWNER, "foo"), null);
  assert.equal(cache.size, 0);
});

test("fifty thousand subjects in rotation stay", () => {
  const cache = new DecisionCache();
  const owner = cache.newOwner();
  const subjects = Array.from({ length: 50_000 }, (_, i) => `sensor.${i % 100}.value.${i}`);
  for (const [i, subject] of subjects.entries()) keep(cache, owner, subject, i % 3 === 0);
  let found = 0;
  for (const [i, subject] of subjects.entries()) {
    const known = find(cache, owner, subject);
    if (known === null) continue;
    found++;
    assert.equal(known, i % 3 === 0, subject);
  }
  assert.ok(found > 49_900, `${found} found`);
});

test("subjects with the same hash are told apart", () => {
  const cache = new DecisionCache();
  const owner = cache.newOwner();
  const kept = 30_000;
  const subject = Buffer.from("subject.0000");
  for (let i = 0; i < kept; i++) {
    subject.writeUInt32LE(i, 8);
    cache.keep(owner, subject, 0, subject.length, true);
  }
  // So many that some of them, fourteen by expectation, have the hash of one that was kept.
  for (let i = kept; i < 2_000_000; i++) {
    subject.writeUInt32LE(i, 0);
    if (cache.find(owner, subject, 0, subject.length) !== null) assert.fail(`${i} was found`);
  }
});

test("its memory has a bound, by subjects and by their length", () => {
  const cache = new DecisionCache();
  const owner = cache.newOwner();
  let mostKept = 0;
  for (let i = 0; i < 70_000; i++) {
    keep(cache, owner, `a.${i}`, true);
    mostKept = Math.max(mostKept, cache.size);
  }
  assert.ok(mostKept > 60_000 && mostKept <= 65_536, `${mostKept} kept`);
  assert.ok(cache.size < 10_000, `${cache.size} after a full cache was dropped`);
  const long = "x".repeat(1_000);
  cache.clear();
  for (let i = 0; i < 5_000; i++) {
    keep(cache, owner, `${long}.${i}`, true);
    mostKept = i === 0 ? 0 : Math.max(mostKept, cache.size);
  }
  assert.ok(mostKept > 4_000 && mostKept < 4_200, `${mostKept} long ones kept`);
});

test("a very long subject is not kept", () => {
  const cache = new DecisionCache();
  const owner = cache.newOwner();
  keep(cache, owner, "x".repeat(1_025), true);
  assert.equal(cache.size, 0);
  keep(cache, owner, "x".repeat(1_024), true);
  assert.equal(find(cache, owner, "x".repeat(1_024)), true);
});

test("whatever was kept, a decision is never another one's", () => {
  const step = fc.record({
    owner: fc.integer({ min: 0, max: 2 }),
    subject: fc.oneof(
      fc.string({ unit: fc.constantFrom("a", "b", "\0", "\xff"), maxLength: 9 }),
      fc.integer({ min: 0, max: 300 }).map((i) => `s.${i}`),
    ),
    allowed: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: "max" }), (steps) => {
      const cache = new DecisionCache();
      const owners = [cache.newOwner(), cache.newOwner(), cache.newOwner()];
      const kept = new Map<string, boolean>();
      for (const { owner, subject, allowed } of steps) {
        const key = `${owner} ${subject}`;
        const known = find(cache, owners[owner], subject);
        if (known !== null) {
          assert.equal(known, kept.get(key), key);
          continue;
        }
        keep(cache, owners[owner], subject, allowed);
        kept.set(key, allowed);
        assert.equal(find(cache, owners[owner], subject), allowed, key);
      }
      assert.ok(cache.size <= kept.size);
    }),
    // What fails fails soon; making it small would take minutes.
    { numRuns: 300, endOnFailure: true },
  );
});
