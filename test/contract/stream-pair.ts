import assert from "node:assert/strict";
import { StoredMessage } from "../../packages/caddis/src/store/stored-message.ts";
import type { StreamStore } from "../../packages/caddis/src/store/stream-store.ts";
import { StreamModel } from "./stream-model.ts";
import type { BytesOf, ModelMessage } from "./stream-model.ts";
import type { NewMessage, Step } from "./stream-steps.ts";

/** A store to test, new and empty. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: StreamStore;
  /** Closes it and opens what it left, whose messages are the same; null: nothing outlives it. */
  readonly reopen: (() => Promise<StreamStore>) | null;
  /** What a message counts as in `state.bytes`. */
  readonly bytesOf: BytesOf;
  /** Throws where an invariant of `store` does not hold. */
  checkInvariants(store: StreamStore): void;
}

/** 12 May 2026, somewhere within a millisecond. */
export const START_MS = 1_778_544_000_000;
const START_NS = 999_000;
const NS_PER_MS = 1_000_000;

/** A store and its model, to which the same is done. */
export class Pair {
  readonly #under: StoreUnderTest;
  readonly model: StreamModel;
  store: StreamStore;
  #ms = START_MS;
  #ns = START_NS;

  constructor(under: StoreUnderTest, firstSeq: number) {
    this.#under = under;
    this.store = under.store;
    this.model = new StreamModel(firstSeq, under.bytesOf);
  }

  async do(step: Step): Promise<void> {
    const { store, model } = this;
    switch (step.kind) {
      case "append":
        if (step.together) store.together(step.messages.length);
        for (const message of step.messages) this.append(message);
        break;
      case "skip":
        store.skipTo(model.lastSeq + 1 + step.by);
        model.skipTo(model.lastSeq + 1 + step.by);
        break;
      case "remove": {
        const seq = this.#pickSeq(step.pick);
        assert.equal(store.remove(seq, step.erase), model.remove(seq), `remove ${seq}`);
        break;
      }
      case "removeBefore": {
        const seq = this.#pickSeq(step.pick);
        assert.equal(store.removeBefore(seq), model.removeBefore(seq), `removeBefore ${seq}`);
        break;
      }
      case "purge": {
        const before = step.pick % 3 === 0 ? Infinity : this.#pickSeq(step.pick);
        const purged = store.purge(store.filter(step.filter), before, step.keep);
        assert.equal(purged, model.purge(step.filter, before, step.keep), `purge below ${before}`);
        break;
      }
      case "keep": {
        const seq = this.#pickSeq(step.pick);
        store.keep(seq);
        const message = model.find(seq);
        if (message !== null) message.expiresMs = 0;
        break;
      }
      case "expire":
        for (let i = 0; i < step.count; i++) this.#expireOne();
        break;
      case "commit":
        await becomeDurable(store);
        break;
      case "reopen":
        if (this.#under.reopen !== null) this.store = await this.#under.reopen();
    }
    this.#under.checkInvariants(this.store);
  }

  append({ subject, headers, payload, laterNs, ttlMs }: NewMessage): void {
    this.#ns += laterNs;
    this.#ms += Math.floor(this.#ns / NS_PER_MS);
    this.#ns %= NS_PER_MS;
    const time = { ms: this.#ms, ns: this.#ns };
    const expiresMs = ttlMs === 0 ? 0 : time.ms + ttlMs;
    const buf = Buffer.from(`!${headers}${payload}!`, "latin1");
    const payloadStart = 1 + headers.length;
    const end = payloadStart + payload.length;
    const seq = this.store.append(subject, buf, 1, payloadStart, end, time.ms, time.ns, expiresMs);
    // It is a copy that was stored.
    buf.fill("?");
    assert.equal(seq, this.model.append(subject, headers, payload, time, expiresMs));
  }

  /** The figures, and one question of each kind. */
  compareAt(subjects: readonly string[], pick: number): void {
    this.compareState();
    const seq = this.#pickSeq(pick);
    this.#compareFilter(subjects, seq);
    this.#compareMessage(seq);
  }

  compareState(): void {
    const { state } = this.store;
    const { messages, bytes, firstSeq, lastSeq, firstTime, lastTime, subjectCount, deletedCount } = state;
    const figures = { messages, bytes, firstSeq, lastSeq, firstTime, lastTime, subjectCount, deletedCount };
    assert.deepEqual(figures, this.model.state());
    assert.equal(state.lostCount, 0);
    const next = this.model.nextExpiring();
    assert.equal(this.store.nextExpiryMs(), next?.expiresMs ?? Infinity);
    if (next !== null) {
      assert.equal(this.store.nextExpired(next.expiresMs - 1), 0, "nothing is due before its time");
      assert.equal(this.store.nextExpired(next.expiresMs), next.seq);
    }
  }

  compareAll(filters: readonly (readonly string[])[]): void {
    const { store, model } = this;
    this.compareState();
    assert.deepEqual([...store.deleted()], model.deleted());
    const seqs = new Set([0, 1, model.lastSeq, model.lastSeq + 1]);
    for (const { seq } of model.messages) for (const near of [seq - 1, seq, seq + 1]) seqs.add(near);
    for (const seq of seqs) this.#compareMessage(seq);
    for (const subjects of filters) {
      for (const seq of seqs) this.#compareFilter(subjects, seq);
      const counts = [...store.subjects(store.filter(subjects))];
      assert.deepEqual(
        new Map(counts.map(({ subject, count }) => [subject, count])),
        model.subjects(subjects),
      );
      assert.equal(new Set(counts.map(({ subject }) => subject)).size, counts.length, "each subject once");
    }
    for (const { time } of model.messages) {
      for (const ns of [time.ns - 1, time.ns, time.ns + 1]) {
        assert.equal(store.firstSeqFrom({ ms: time.ms, ns }), model.firstSeqFrom({ ms: time.ms, ns }));
      }
    }
    assert.equal(store.firstSeqFrom({ ms: 0, ns: 0 }), model.firstSeqFrom({ ms: 0, ns: 0 }));
  }

  #compareFilter(subjects: readonly string[], seq: number): void {
    const { store, model } = this;
    const own = store.filter(subjects);
    const what = `[${subjects.join(" ")}] at ${seq}`;
    assert.equal(store.next(own, seq), model.next(subjects, seq), `next ${what}`);
    assert.equal(store.previous(own, seq), model.previous(subjects, seq), `previous ${what}`);
    assert.equal(store.count(own, seq, false), model.count(subjects, seq, false), `count ${what}`);
    assert.equal(store.count(own, seq, true), model.count(subjects, seq, true), `last per subject ${what}`);
  }

  #compareMessage(seq: number): void {
    const { store, model } = this;
    const expected = model.find(seq);
    assert.deepEqual(loaded(store, seq), expected === null ? null : content(expected));
    if (expected === null) return;
    const { subject } = expected;
    const same = model.taken([subject]);
    assert.equal(store.firstSeqOf(subject), same[0].seq);
    assert.equal(store.lastSeqOf(subject), same.at(-1)?.seq);
    assert.equal(store.countOf(subject), same.length);
    assert.equal(store.countOf(`${subject}.none`) + store.lastSeqOf(`${subject}.none`), 0);
  }

  /** A sequence from before the first message to behind the last. */
  #pickSeq(pick: number): number {
    const { firstSeq, lastSeq } = this.model.state();
    const { messages } = this.model;
    // Mostly one that is there.
    if (messages.length > 0 && pick % 4 !== 0) return messages[pick % messages.length].seq;
    return Math.max(0, firstSeq - 1) + (pick % (lastSeq - firstSeq + 5));
  }

  #expireOne(): void {
    const next = this.model.nextExpiring();
    if (next === null) return;
    const seq = this.store.nextExpired(next.expiresMs);
    assert.equal(seq, next.seq, "the soonest expires first");
    assert.ok(this.store.remove(seq, false));
    this.model.remove(seq);
  }
}

/** Waits until all that was done is durable. */
export function becomeDurable(store: StreamStore): Promise<void> {
  const { position } = store;
  return new Promise((resolve, reject) => {
    const before = store.onDurable;
    const look = (): void => {
      if (store.durablePosition < position && store.failure === null) return;
      store.onDurable = before;
      if (store.durablePosition >= position) resolve();
      else reject(new Error(store.failure?.reason));
    };
    store.onDurable = () => {
      before();
      look();
    };
    store.commit();
    look();
  });
}

/** What a read of a message brings; null: there is none. */
function loaded(store: StreamStore, seq: number): object | null {
  const into = new StoredMessage();
  if (store.load(seq, into) !== "loaded") return null;
  const { subject, timeMs, timeNs, buf, headersStart, payloadStart, payloadEnd } = into;
  const headers = buf.toString("latin1", headersStart, payloadStart);
  return {
    seq: into.seq,
    subject,
    headers,
    payload: buf.toString("latin1", payloadStart, payloadEnd),
    timeMs,
    timeNs,
  };
}

function content({ seq, subject, headers, payload, time }: ModelMessage): object {
  return { seq, subject, headers, payload, timeMs: time.ms, timeNs: time.ns };
}
