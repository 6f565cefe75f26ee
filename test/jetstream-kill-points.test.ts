/** A sample of the points at which the power may go. All of them: `npm run proof -- kill-points`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { happenAt, killPoints, type Mishap, MISHAPS } from "./support/durability/kill-points.ts";

const SEED = 1;
/** No multiple of anything that the script does again and again. */
const STRIDE = 61;

/** What a disk does, by the first word of a step. */
const DEEDS = ["make", "create", "write", "sync", "rename", "remove"];

/** What once went wrong: a step, whether it is the last of its kind, and what happens at it. */
const ONCE: readonly (readonly [RegExp, boolean, Mishap])[] = [
  [/^sync .*\/AGE\/messages\/1\.log$/, false, "failed"],
  [/^write .*\/LOG\/messages\/4\.log$/, true, "process"],
  [/^sync .*\/RING\/messages\/1\.log$/, true, "process"],
];

test("whatever the disk is doing when it stops or fails, what was promised holds", async () => {
  const points = await killPoints(SEED);
  const deeds = new Set(points.map(({ what }) => what.split(" ")[0]));
  assert.deepEqual([...deeds].toSorted(), DEEDS.toSorted(), "the script makes the disk do everything it can");
  const sample: [number, Mishap][] = [];
  for (let i = 0; i < points.length; i += STRIDE) sample.push([i, MISHAPS[(i / STRIDE) % MISHAPS.length]]);
  for (const [pattern, isLast, mishap] of ONCE) {
    const fits = ({ what }: { readonly what: string }): boolean => pattern.test(what);
    const i = isLast ? points.findLastIndex(fits) : points.findIndex(fits);
    assert.ok(i >= 0, `the script does ${pattern.source}`);
    sample.push([i, mishap]);
  }
  for (const [i, mishap] of sample) {
    const findings = await happenAt(points[i], mishap, SEED);
    assert.deepEqual(findings, [], `${mishap} at point ${i}, '${points[i].what}'`);
  }
});
