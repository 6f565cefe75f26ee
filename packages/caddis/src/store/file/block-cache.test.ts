import assert from "node:assert/strict";
import { test } from "node:test";
import { BlockCache, CacheEntry } from "./block-cache.ts";

test("what was not used lately goes when there is no room, and what can't go stays", () => {
  const cache = new BlockCache(100);
  const gone: string[] = [];
  const entry = (name: string, isFree = true): CacheEntry =>
    new CacheEntry(30, () => {
      if (isFree) gone.push(name);
      return isFree;
    });
  const [a, b, c] = [entry("a"), entry("b", false), entry("c")];
  for (const each of [a, b, c]) cache.add(each);
  assert.equal(cache.bytes, 90);
  cache.add(entry("d"));
  assert.equal(cache.bytes, 90);
  assert.deepEqual(gone, ["a"]);
  c.isUsed = true;
  cache.add(entry("e"));
  assert.ok(!gone.includes("b") && !gone.includes("c"), gone.join());
  assert.equal(cache.bytes, 90);
  cache.resize(c, 95);
  assert.ok(cache.bytes <= 125 && gone.length >= 3, "a larger entry makes others go");
  const { bytes } = cache;
  const isThere = !gone.includes("c");
  cache.drop(c);
  cache.drop(c);
  assert.equal(cache.bytes, isThere ? bytes - 95 : bytes);
});

test("what is dear to bring back stays for more rounds, and goes too", () => {
  const cache = new BlockCache(100);
  const gone: string[] = [];
  const entry = (name: string, bytes: number, rounds: number): CacheEntry =>
    new CacheEntry(bytes, () => gone.push(name) > 0, rounds);
  cache.add(entry("dear", 40, 3));
  let adds = 0;
  for (; adds < 100 && !gone.includes("dear"); adds++) cache.add(entry("cheap", 30, 1));
  assert.ok(adds > 6 && adds < 20, `gone after ${adds}`);
});
