import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { SeededRandom } from "./seeded-random.ts";

test("a seed repeats its sequence, another seed has another", () => {
  const draw = (seed: number): unknown[] => {
    const random = new SeededRandom(seed);
    return [random.fraction(), random.below(1000), [...random.bytes(8)]];
  };
  assert.deepEqual(draw(7), draw(7));
  assert.notDeepEqual(draw(7), draw(8));
});

test("numbers stay in their ranges", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 2 ** 31 }), (seed, below) => {
      const random = new SeededRandom(seed);
      for (let i = 0; i < 20; i++) {
        const fraction = random.fraction();
        assert.ok(fraction >= 0 && fraction < 1);
        const number = random.below(below);
        assert.ok(Number.isInteger(number) && number >= 0 && number < below);
      }
      assert.equal(random.bytes(5).length, 5);
    }),
  );
});

test("every value of a small range comes up about as often as any other", () => {
  const random = new SeededRandom(1);
  const counts = Array<number>(10).fill(0);
  for (let i = 0; i < 100_000; i++) counts[random.below(10)]++;
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, `${count} of 100,000`);
});
