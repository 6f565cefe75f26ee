import assert from "node:assert/strict";
import { test } from "node:test";
import { streamStoreContract } from "../../../../../test/contract/stream-store.ts";
import type { StoreUnderTest } from "../../../../../test/contract/stream-store.ts";
import { StoredMessage } from "../stored-message.ts";
import { MemoryStreamStore } from "./memory-store.ts";

const BASIS = 0x811c9dc5;

function newStore(firstSeq = 0): MemoryStreamStore {
  return new MemoryStreamStore({ firstSeq, hashBasis: BASIS });
}

async function open(firstSeq: number): Promise<StoreUnderTest> {
  const store = newStore(firstSeq);
  return {
    store,
    reopen: null,
    bytesOf: (subject, headers, payload) => 16 + subject + headers + payload,
    checkInvariants: () => store.checkInvariants(),
    [Symbol.asyncDispose]: () => store.close(),
  };
}

streamStoreContract("memory store", open, { runs: 400 });

function fill(store: MemoryStreamStore, count: number, bytes: number): void {
  const payload = Buffer.alloc(bytes, "x");
  for (let i = 0; i < count; i++) {
    payload.writeUInt32LE(store.state.lastSeq + 1);
    store.append(`s.${i % 100}`, payload, 0, 0, bytes, 0, 0, 0);
  }
}

test("memory of what is removed is given back, whatever the order", () => {
  for (const order of ["front", "back", "sparse", "purge"] as const) {
    const store = newStore();
    const count = 80_000;
    const empty = store.usedBytes();
    fill(store, count, 128);
    const full = store.usedBytes();
    assert.ok(full < count * (128 + 60) + 2 ** 21, `${full} bytes for ${count} messages`);
    for (let i = 1; i <= count; i++) {
      const seq = order === "back" ? count + 1 - i : i;
      if (order === "sparse" ? seq % 10 !== 0 : order !== "purge" && i <= (count / 10) * 9) store.remove(seq);
    }
    if (order === "purge") store.purge(store.filter(["s.*"]), (count / 10) * 9 + 1, 0);
    assert.equal(store.state.messages, count / 10);
    store.checkInvariants();
    assert.ok(store.usedBytes() < full / 4, `${order}: ${store.usedBytes()} of ${full}`);
    const into = new StoredMessage();
    for (let seq = store.next(store.filter([]), 0); seq !== 0; seq = store.next(store.filter([]), seq + 1)) {
      store.load(seq, into);
      assert.equal(into.buf.readUInt32LE(into.payloadStart), seq, "what was moved is whole");
    }
    store.purge(store.filter([]), Infinity, 0);
    assert.ok(store.usedBytes() <= empty + 4096, `${store.usedBytes()} against ${empty}`);
    store.checkInvariants();
  }
});

test("a queue that is emptied again and again needs no more memory each time", () => {
  const store = newStore();
  fill(store, 10, 128);
  store.purge(store.filter(["s.*"]), Infinity, 0);
  const held = store.usedBytes();
  for (let i = 0; i < 10_000; i++) {
    fill(store, 3, 128);
    for (let seq = store.state.firstSeq; seq <= store.state.lastSeq; seq++) store.remove(seq);
  }
  assert.equal(store.usedBytes(), held);
  store.checkInvariants();
});

test("one that can address no more memory says so, and goes on when there is some", () => {
  const store = new MemoryStreamStore({ firstSeq: 0, hashBasis: BASIS, slabsMax: 6 });
  while (store.failure === null) fill(store, 1, 400_000);
  assert.equal(store.failure.kind, "full");
  assert.ok(store.state.messages >= 3);
  store.removeBefore(store.state.lastSeq);
  assert.equal(store.failure, null);
  fill(store, 1, 100);
  store.checkInvariants();
});

test("a filter that finds nothing near looks at subjects instead of messages", () => {
  const store = newStore();
  const payload = Buffer.alloc(1);
  // At 1001, 2002, 3003 and 4004.
  for (const subject of ["rare.1", "rare.1", "rare.2", "rare.1"]) {
    fill(store, 1000, 8);
    store.append(subject, payload, 0, 0, 1, 0, 0, 0);
  }
  fill(store, 1000, 8);
  const rare = store.filter(["rare.*"]);
  assert.deepEqual(
    [1, 1001, 1002, 2002, 2003, 3003, 3004, 4004, 4005].map((from) => store.next(rare, from)),
    [1001, 1001, 2002, 2002, 3003, 3003, 4004, 4004, 0],
  );
  assert.deepEqual(
    [5004, 4004, 4003, 3003, 3002, 2002, 2001, 1001, 1000].map((to) => store.previous(rare, to)),
    [4004, 4004, 3003, 3003, 2002, 2002, 1001, 1001, 0],
  );
});

test("what is removed before it expires costs nothing any more", () => {
  const store = newStore();
  const payload = Buffer.alloc(1);
  for (let i = 0; i < 20_000; i++) {
    const seq = store.append("s", payload, 0, 0, 1, 0, 0, 1000);
    if (i > 10) store.remove(seq - 1);
  }
  assert.ok(store.usedBytes() < 50_000, `${store.usedBytes()}`);
});

test("a stream that lost all its messages one by one holds little", () => {
  const store = newStore();
  fill(store, 50_000, 128);
  store.purge(store.filter(["s.*"]), Infinity, 0);
  assert.ok(store.usedBytes() < 200_000, `${store.usedBytes()}`);
});
