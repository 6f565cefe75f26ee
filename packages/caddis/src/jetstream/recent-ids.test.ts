import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStreamStore } from "../store/memory/memory-store.ts";
import { DuplicateWindow } from "./core/dedupe.ts";
import { rememberIds } from "./recent-ids.ts";

function storeOf(messages: readonly { readonly id: string; readonly ms: number }[]): MemoryStreamStore {
  const store = new MemoryStreamStore({ firstSeq: 0, hashBasis: 1 });
  for (const { id, ms } of messages) {
    const headers = id === "" ? "" : `NATS/1.0\r\nNats-Msg-Id: ${id}\r\n\r\n`;
    const buf = Buffer.from(`${headers}payload`);
    store.append("s", buf, 0, headers.length, buf.length, ms, 0, 0);
  }
  return store;
}

test("ids are remembered of what is within the window, and of the last message always", () => {
  const store = storeOf([
    { id: "old", ms: 1000 },
    { id: "edge", ms: 2000 },
    { id: "", ms: 2500 },
    { id: "new", ms: 3000 },
  ]);
  const window = new DuplicateWindow(1500);
  assert.equal(rememberIds(store, window, 3400), "new");
  assert.deepEqual(
    ["old", "edge", "new"].map((id) => window.seqOf(id, 3400)),
    [0, 2, 4],
  );
  const late = new DuplicateWindow(1500);
  assert.equal(rememberIds(store, late, 60_000), "new");
  assert.equal(late.size, 0);
  const none = new DuplicateWindow(0);
  assert.equal(rememberIds(store, none, 3500), "new");
  assert.equal(none.size, 0);
});

test("where the last message has no id, or is gone, there is no last one", () => {
  const window = new DuplicateWindow(1500);
  assert.equal(rememberIds(storeOf([]), window, 3500), "");
  assert.equal(
    rememberIds(
      storeOf([
        { id: "a", ms: 3000 },
        { id: "", ms: 3001 },
      ]),
      window,
      3500,
    ),
    "",
  );
  assert.equal(window.seqOf("a", 3500), 1);
  const store = storeOf([
    { id: "b", ms: 3000 },
    { id: "c", ms: 3001 },
  ]);
  store.remove(2);
  assert.equal(rememberIds(store, window, 3500), "");
});
