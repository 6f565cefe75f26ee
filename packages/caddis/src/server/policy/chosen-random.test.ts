import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "../../io/seeded-random.ts";
import { MappingTable } from "../../subject/mapping.ts";
import { ChosenRandom } from "./chosen-random.ts";

/** Outcomes of a mapping, as `subject percent`. */
function outcomesOf(destinations: readonly { subject: string; weight: number }[]): string[] {
  const random = new ChosenRandom(new SeededRandom(1));
  const table = MappingTable.compile([{ source: "a", destinations }], { random, clusterName: "" });
  if (typeof table === "string") assert.fail(table);
  return random.outcomesOf(() => table.map("a")).map(({ outcome, percent }) => `${outcome} ${percent}`);
}

test("weights are found as they were configured", () => {
  const weighted = [
    { subject: "b", weight: 30 },
    { subject: "c", weight: 55 },
  ];
  assert.deepEqual(outcomesOf(weighted), ["c 55", "b 30", "a 15"]);
  assert.deepEqual(outcomesOf([{ subject: "b", weight: 100 }]), ["b 100"]);
  assert.deepEqual(outcomesOf([{ subject: "a", weight: 40 }]), [" 60", "a 40"]);
});

test("an outcome comes again with its draw", () => {
  const random = new ChosenRandom(new SeededRandom(1));
  const happen = (): string => (random.below(100) < 70 ? "often" : "seldom");
  for (const { draw, outcome } of random.outcomesOf(happen)) {
    random.draw = draw;
    assert.equal(happen(), outcome);
  }
});
