import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { StoredMessage } from "../../packages/caddis/src/store/stored-message.ts";
import { becomeDurable, Pair, START_MS } from "./stream-pair.ts";
import type { StoreUnderTest } from "./stream-pair.ts";
import { filter, step } from "./stream-steps.ts";
import type { NewMessage } from "./stream-steps.ts";

export type { StoreUnderTest } from "./stream-pair.ts";

export interface ContractOptions {
  /** Random sequences of operations to try. */
  readonly runs: number;
}

function message(subject: string, payload = "", ttlMs = 0): NewMessage {
  return { subject, headers: "", payload, laterNs: 1_500_000, ttlMs };
}

/**
 * What every `StreamStore` does: tests to be run for each of them, and random operations whose results are compared with
 * a list of messages. `open` makes a new store; its first message gets `firstSeq`, 0 for 1.
 */
export function streamStoreContract(
  name: string,
  open: (firstSeq: number) => Promise<StoreUnderTest>,
  { runs }: ContractOptions = { runs: 150 },
): void {
  const FILTERS = [
    [],
    [">"],
    ["a"],
    ["a.*"],
    ["*.b"],
    ["a.>"],
    ["*"],
    ["none"],
    ["a", "*.b"],
    ["a", "a", "b.>", "a.>"],
  ];

  test(`${name}: a new store has nothing, and gives out the first sequence it was told`, async () => {
    for (const firstSeq of [0, 1, 1000, 2 ** 40]) {
      await using under = await open(firstSeq);
      const pair = new Pair(under, firstSeq);
      pair.compareAll(FILTERS);
      pair.append(message("a", "1"));
      assert.equal(under.store.state.firstSeq, Math.max(1, firstSeq));
      pair.compareAll(FILTERS);
      assert.equal(under.store.failure, null);
    }
  });

  test(`${name}: messages are found by sequence, subject, filter and time`, async () => {
    await using under = await open(0);
    const pair = new Pair(under, 0);
    for (const subject of ["a", "a.b", "b", "a", "b.b.c", "a.c", "b", "a.b", "a"])
      pair.append(message(subject, subject));
    pair.append({ ...message("a.b", "payload"), headers: "NATS/1.0\r\nA: b\r\n\r\n" });
    pair.append({ ...message("b", ""), headers: "NATS/1.0\r\n\r\n" });
    pair.append(message("a", "x".repeat(3_000_000)));
    pair.append(message("a", ""));
    pair.compareAll(FILTERS);
    const { store } = pair;
    const own = store.filter(["a.*", "b"]);
    assert.deepEqual(own.subjects, ["a.*", "b"]);
    assert.deepEqual(
      ["a.b", "b", "a", "a.b.c", "a."].map((subject) => own.takes(subject)),
      [true, true, false, false, false],
    );
    assert.ok(store.filter([]).takes("any.thing"));
  });

  test(`${name}: what is removed is gone, the first moves on, the last stays`, async () => {
    await using under = await open(0);
    const pair = new Pair(under, 0);
    for (let i = 0; i < 12; i++) pair.append(message(["a", "a.b", "b.b"][i % 3], `${i}`));
    for (const seq of [5, 1, 2, 12, 4, 3, 5, 0, 13]) {
      assert.equal(pair.store.remove(seq, seq % 2 === 0), pair.model.remove(seq), `${seq}`);
      pair.compareAll(FILTERS);
    }
    for (const seq of [6, 7, 8, 9, 10, 11]) {
      assert.ok(pair.store.remove(seq, false));
      pair.model.remove(seq);
    }
    pair.compareAll(FILTERS);
    assert.equal(pair.store.state.firstSeq, 13);
    pair.append(message("a"));
    pair.compareAll(FILTERS);
  });

  test(`${name}: all before a sequence is removed, also what is not there yet`, async () => {
    await using under = await open(0);
    const pair = new Pair(under, 0);
    for (let i = 0; i < 10; i++) pair.append(message(i % 2 === 0 ? "a" : "b", `${i}`));
    pair.store.remove(5, false);
    pair.model.remove(5);
    for (const seq of [0, 1, 3, 5, 5, 10, 11, 11, 50]) {
      assert.equal(pair.store.removeBefore(seq), pair.model.removeBefore(seq), `${seq}`);
      pair.compareAll(FILTERS);
    }
    pair.append(message("a"));
    assert.equal(pair.store.state.lastSeq, 50);
    pair.compareAll(FILTERS);
  });

  test(`${name}: a purge takes what the filter takes, below a sequence, and leaves the last ones`, async () => {
    for (const purge of [
      { filter: [], before: Infinity, keep: 0 },
      { filter: [], before: Infinity, keep: 3 },
      { filter: ["a"], before: Infinity, keep: 0 },
      { filter: ["a"], before: 7, keep: 0 },
      { filter: ["a.*", "b"], before: Infinity, keep: 2 },
      { filter: ["a.>"], before: 9, keep: 1 },
      { filter: ["none"], before: Infinity, keep: 0 },
      { filter: ["a"], before: Infinity, keep: 100 },
      { filter: [">"], before: 5, keep: 0 },
    ]) {
      await using under = await open(0);
      const pair = new Pair(under, 0);
      for (let i = 0; i < 12; i++) pair.append(message(["a", "a.b", "a.c", "b"][i % 4], `${i}`));
      const purged = pair.store.purge(pair.store.filter(purge.filter), purge.before, purge.keep);
      assert.equal(purged, pair.model.purge(purge.filter, purge.before, purge.keep));
      pair.compareAll(FILTERS);
      pair.append(message("a"));
      pair.compareAll(FILTERS);
    }
  });

  test(`${name}: sequences are skipped`, async () => {
    await using under = await open(0);
    const pair = new Pair(under, 0);
    for (const by of [0, 3, 5000]) {
      pair.store.skipTo(pair.model.lastSeq + 1 + by);
      pair.model.skipTo(pair.model.lastSeq + 1 + by);
      pair.compareAll(FILTERS);
      pair.append(message("a"));
      pair.compareAll(FILTERS);
    }
    const far = 2 ** 45;
    pair.store.skipTo(far);
    pair.model.skipTo(far);
    pair.append(message("b"));
    assert.equal(pair.store.next(pair.store.filter([]), 5007), far);
    assert.equal(pair.store.previous(pair.store.filter([]), far - 1), 5006);
    assert.equal(pair.store.state.deletedCount, pair.model.state().deletedCount);
    assert.equal(pair.store.removeBefore(far), 3);
    pair.model.removeBefore(far);
    pair.compareAll(FILTERS);
  });

  test(`${name}: messages expire soonest first, unless they are kept or removed`, async () => {
    await using under = await open(0);
    const pair = new Pair(under, 0);
    const ttls = [5, 3, 0, 9, 1, 7, 0, 2, 8, 4];
    for (const ttl of ttls) pair.append(message("a", "", ttl * 1000));
    const { store, model } = pair;
    store.keep(5);
    store.keep(3);
    store.keep(99);
    store.remove(8, false);
    const kept = model.find(5);
    assert.ok(kept !== null);
    kept.expiresMs = 0;
    model.remove(8);
    pair.compareState();
    const seen: number[] = [];
    for (let seq = store.nextExpired(Infinity); seq !== 0; seq = store.nextExpired(Infinity)) {
      seen.push(seq);
      store.remove(seq, false);
    }
    assert.deepEqual(seen, [2, 10, 1, 6, 9, 4]);
    assert.equal(store.nextExpiryMs(), Infinity);
  });

  test(`${name}: what was done becomes durable`, async () => {
    await using under = await open(0);
    const pair = new Pair(under, 0);
    let position = pair.store.position;
    assert.equal(pair.store.durablePosition, position);
    const moves = (what: string): void => {
      assert.ok(pair.store.position > position, what);
      ({ position } = pair.store);
    };
    pair.append(message("a"));
    moves("append");
    pair.append(message("b"));
    pair.append(message("b"));
    moves("append");
    await becomeDurable(pair.store);
    assert.equal(pair.store.durablePosition, position);
    assert.equal(pair.store.durableSeq, 3);
    pair.store.remove(1, false);
    moves("remove");
    pair.store.removeBefore(3);
    moves("removeBefore");
    pair.store.purge(pair.store.filter(["b"]), Infinity, 0);
    moves("purge");
    pair.store.skipTo(20);
    moves("skip");
    pair.store.remove(1, false);
    pair.store.commit();
    await becomeDurable(pair.store);
    assert.equal(pair.store.position, position, "nothing new");
    assert.ok(pair.store.usedBytes() >= 0);
    await pair.store.destroy();
  });

  test(`${name}: many messages, many subjects, many removed`, async () => {
    await using under = await open(0);
    const { store } = under;
    const count = 30_000;
    const subjectOf = (seq: number): string => `s.${seq % 3}.${seq % 4999}`;
    const buf = Buffer.alloc(700, "x");
    const sizeOf = (seq: number): number => (seq % 100 === 0 ? 700 : seq % 60);
    // Also all of a long range.
    const isGone = (seq: number): boolean =>
      seq % 7 === 0 || (seq > 5000 && seq < 20_000 && (seq % 50 !== 0 || (seq > 8000 && seq < 14_000)));
    for (let seq = 1; seq <= count; seq++) {
      buf.writeUInt32LE(seq);
      store.append(subjectOf(seq), buf, 0, 0, 4 + sizeOf(seq), START_MS + seq, 0, 0);
      if (seq % 1000 === 0) await becomeDurable(store);
    }
    for (let seq = 1; seq <= count; seq++) if (isGone(seq)) assert.ok(store.remove(seq, false));
    under.checkInvariants(store);
    let current = store;
    for (let again = 0; ; again++) {
      const into = new StoredMessage();
      let left = 0;
      const all = current.filter([]);
      for (let seq = 1; seq <= count; seq++) {
        assert.equal(current.load(seq, into), isGone(seq) ? "absent" : "loaded", `${seq}`);
        if (isGone(seq)) continue;
        left++;
        assert.equal(into.subject, subjectOf(seq));
        assert.equal(into.buf.readUInt32LE(into.payloadStart), seq);
        assert.equal(into.payloadEnd - into.payloadStart, 4 + sizeOf(seq));
        if (seq % 100 === 0) assert.equal(current.firstSeqFrom({ ms: START_MS + seq, ns: 0 }), seq);
      }
      assert.equal(current.state.messages, left);
      assert.equal(current.count(all, 0, false), left);
      let walked = 0;
      for (let seq = current.next(all, 0); seq !== 0; seq = current.next(all, seq + 1)) walked++;
      assert.equal(walked, left);
      const some = current.filter(["s.1.*", "s.2.17"]);
      let taken = 0;
      for (let seq = current.next(some, 0); seq !== 0; seq = current.next(some, seq + 1)) taken++;
      assert.equal(taken, current.count(some, 0, false));
      let back = 0;
      for (let seq = current.previous(some, count); seq !== 0; seq = current.previous(some, seq - 1)) back++;
      assert.equal(back, taken);
      if (under.reopen === null || again > 0) break;
      current = await under.reopen();
      under.checkInvariants(current);
    }
  });

  test(`${name}: whatever is done, it is as a list of messages would be`, async () => {
    const scene = fc.record({
      firstSeq: fc.constantFrom(0, 0, 0, 1, 77),
      steps: fc.array(fc.record({ step, filter, pick: fc.nat() }), { minLength: 1, maxLength: 40 }),
      filters: fc.array(filter, { maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(scene, async ({ firstSeq, steps, filters }) => {
        await using under = await open(firstSeq);
        const pair = new Pair(under, firstSeq);
        for (const { step, filter, pick } of steps) {
          await pair.do(step);
          pair.compareAt(filter, pick);
        }
        pair.compareAll([[], ...filters]);
        await pair.do({ kind: "reopen" });
        pair.compareAll([[], ...filters]);
      }),
      { numRuns: runs },
    );
  });
}
