import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import * as fc from "fast-check";
import { ClaimsIndex } from "./claims-index.ts";

function hashOf(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}

function xorOf(texts: Iterable<string>): Uint8Array {
  const sum = new Uint8Array(32);
  for (const text of texts) for (const [i, byte] of hashOf(text).entries()) sum[i] ^= byte;
  return sum;
}

test("the hash is the XOR over what is held, whatever happened before", () => {
  const change = fc.record({
    id: fc.constantFrom("a", "b", "c"),
    text: fc.option(fc.string(), { nil: null }),
  });
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const index = new ClaimsIndex(0);
      const held = new Map<string, string>();
      for (const { id, text } of changes) {
        if (text === null) {
          index.delete(id);
          held.delete(id);
        } else {
          index.set(id, hashOf(text), Infinity, 0);
          held.set(id, text);
        }
      }
      assert.deepEqual(index.hash, xorOf(held.values()));
      assert.deepEqual(index.valid(0), [...held.keys()].sort());
      assert.equal(index.size, held.size);
    }),
  );
});

test("the least recently used comes first", () => {
  const index = new ClaimsIndex(0);
  for (const id of ["a", "b", "c"]) index.set(id, hashOf(id), Infinity, 0);
  assert.equal(index.oldest(), "a");
  index.touch("a", 1);
  assert.equal(index.oldest(), "b");
  index.touch("unknown", 1);
  assert.equal(index.size, 3);
});

test("without a ttl an entry goes when its JWT expires; with one, when it was not used for so long", () => {
  const expiring = new ClaimsIndex(0);
  expiring.set("a", hashOf("a"), 100, 0);
  assert.deepEqual(expiring.due(99), []);
  assert.deepEqual(expiring.due(100), ["a"]);

  const ageing = new ClaimsIndex(50);
  ageing.set("a", hashOf("a"), 100, 0);
  ageing.touch("a", 60);
  assert.deepEqual(ageing.due(109), []);
  assert.deepEqual(ageing.due(110), ["a"]);
  // It is kept, but it does not hold any more.
  assert.deepEqual(ageing.valid(99), ["a"]);
  assert.deepEqual(ageing.valid(100), []);
});
