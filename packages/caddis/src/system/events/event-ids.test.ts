import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "../../io/seeded-random.ts";
import { EventIds } from "./event-ids.ts";

test("ids have 22 digits, and none comes twice", () => {
  const ids = new EventIds(new SeededRandom(1));
  const others = new EventIds(new SeededRandom(2));
  const all = Array.from({ length: 10_000 }, () => [ids.next(), others.next()]).flat();
  for (const id of all) assert.match(id, /^[0-9A-Za-z]{22}$/);
  assert.equal(new Set(all).size, all.length);
});
