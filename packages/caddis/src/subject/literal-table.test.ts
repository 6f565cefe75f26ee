import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { AssertionFailure } from "../base/assert.ts";
import { type LiteralEntry, LiteralTable } from "./literal-table.ts";

class Entry implements LiteralEntry<Entry> {
  readonly subject: string;
  readonly hash: number;
  previous: Entry | null = null;
  next: Entry | null = null;

  constructor(subject: string, hash: number) {
    this.subject = subject;
    this.hash = hash;
  }
}

/** All entries that stand in the chain of `hash` and have it. */
function withHash(table: LiteralTable<Entry>, hash: number): Set<Entry> {
  const found = new Set<Entry>();
  for (let entry = table.chain(hash); entry !== null; entry = entry.next)
    if (entry.hash === hash) found.add(entry);
  return found;
}

/** Negative ones too; close together, so that buckets are shared, or anything. */
const hash = fc.oneof(fc.integer({ min: -8, max: 40 }), fc.integer());
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ add: hash }) },
  { weight: 2, arbitrary: fc.record({ remove: fc.nat() }) },
);

test("a table holds what was added and not removed, after every step", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: "max" }), (steps) => {
      const table = new LiteralTable<Entry>();
      const live: Entry[] = [];
      for (const [number, what] of steps.entries()) {
        if ("add" in what) {
          const entry = new Entry(`s${number}`, what.add);
          table.add(entry);
          live.push(entry);
        } else if (live.length > 0) {
          const [entry] = live.splice(what.remove % live.length, 1);
          table.remove(entry);
          assert.ok(!withHash(table, entry.hash).has(entry));
          assert.deepEqual([entry.previous, entry.next], [null, null]);
        }
        table.checkInvariants();
        assert.equal(table.size, live.length);
      }
      for (const entry of live) {
        assert.deepEqual(
          withHash(table, entry.hash),
          new Set(live.filter((other) => other.hash === entry.hash)),
        );
      }
      const visited = new Set<Entry>();
      table.forEach((entry) => visited.add(entry));
      assert.deepEqual(visited, new Set(live));
    }),
  );
});

test("entries may be removed while they are visited", () => {
  const table = new LiteralTable<Entry>();
  for (let i = 0; i < 1_000; i++) table.add(new Entry(`s${i}`, i % 97));
  table.forEach((entry) => table.remove(entry));
  assert.equal(table.size, 0);
  table.checkInvariants();
});

test("many entries share their buckets evenly", () => {
  const table = new LiteralTable<Entry>();
  const count = 20_000;
  for (let i = 0; i < count; i++) table.add(new Entry(`s${i}`, Math.imul(i, 0x9e3779b1)));
  table.checkInvariants();
  let longest = 0;
  for (let i = 0; i < count; i++) {
    let length = 0;
    for (let entry = table.chain(Math.imul(i, 0x9e3779b1)); entry !== null; entry = entry.next) length++;
    longest = Math.max(longest, length);
  }
  assert.ok(longest < 10, `a chain of ${longest}`);
});

test("removing an entry from a table it does not stand in is our own fault", () => {
  const table = new LiteralTable<Entry>();
  table.add(new Entry("a", 1));
  assert.throws(() => table.remove(new Entry("b", 1)), AssertionFailure);
});
