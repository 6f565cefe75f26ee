import assert from "node:assert/strict";
import { test } from "node:test";
import { HASH_PRIME } from "./subject-hash.ts";
import { SeenHashes } from "./seen-hashes.ts";

/** As good as any other. */
function hashOf(i: number): number {
  const mixed = Math.imul(i ^ (i >>> 15), HASH_PRIME);
  return Math.imul(mixed ^ (mixed >>> 13), HASH_PRIME) | 0;
}

test("what comes again is known, what comes once is not", () => {
  const seen = new SeenHashes();
  assert.equal(seen.see(7), false);
  assert.equal(seen.see(7), true);
  let mistaken = 0;
  for (let i = 0; i < 100_000; i++) if (seen.see(hashOf(i))) mistaken++;
  assert.ok(mistaken < 100, `${mistaken} of 100,000 were taken for others`);
});

test("two that share a place do not drive each other out for ever", () => {
  const seen = new SeenHashes();
  const [one, other] = [0x0001_0007, 0x0002_0007];
  let rounds = 0;
  for (let isSeen = false; !isSeen && rounds < 100; rounds++) {
    isSeen = seen.see(one);
    if (seen.see(other)) isSeen = true;
  }
  assert.ok(rounds < 100);
});
