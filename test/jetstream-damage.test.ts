/** Damaged files cost what is damaged, and it is told. Every file, in many places: `npm run proof -- damage`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "../packages/caddis/src/io/seeded-random.ts";
import { filesOf, harmed, HARMS, missingKinds, usedStore } from "./support/durability/damage.ts";

test("damage to a file of any kind: no wrong answer, nothing silent, no other stream", async (t) => {
  const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
  t.diagnostic(`SEED=${seed}`);
  const random = new SeededRandom(seed);
  const store = await usedStore(1);
  const files = filesOf(store);
  assert.deepEqual(missingKinds(files), [], "there is a file of each kind");
  for (const kind of new Set(files.map((file) => file.kind))) {
    const ofKind = files.filter((file) => file.kind === kind);
    for (const harm of Object.keys(HARMS)) {
      const file = ofKind[random.below(ofKind.length)];
      const place = random.below(2 ** 20);
      const findings = await harmed(store, file, harm, place);
      assert.deepEqual(findings, [], `${harm} (${place}) of ${file.path}`);
    }
  }
});
