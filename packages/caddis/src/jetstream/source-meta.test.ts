import assert from "node:assert/strict";
import test from "node:test";
import { decodeSources, encodeSources } from "./source-meta.ts";

const KEPT = {
  upTo: 7,
  cursors: new Map([["O a.* >", { seq: 5, storedSeq: 4, identity: "id" }]]),
};

test("what is kept of sources is read again, and not when it is damaged", () => {
  const data = encodeSources(KEPT);
  assert.deepEqual(decodeSources(data), KEPT);
  for (let at = 0; at < data.length; at++) {
    const damaged = Buffer.from(data);
    damaged[at] ^= 1;
    assert.equal(decodeSources(damaged), null, `byte ${at}`);
    assert.equal(decodeSources(data.subarray(0, at)), null, `cut at ${at}`);
  }
  assert.deepEqual(decodeSources(encodeSources({ upTo: 0, cursors: new Map() })), {
    upTo: 0,
    cursors: new Map(),
  });
});
