import { randomInt } from "node:crypto";
import type { TestContext } from "node:test";
import { SeededRandom } from "../../packages/caddis/src/io/seeded-random.ts";

/** Seeds that every run tries, so that what once failed is tried for ever. */
const FIXED_SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

/** Seeds that no run has tried before, in the short form. */
const FRESH_SEEDS = 12;

/**
 * Calls `run` with one source of randomness after the other: fixed seeds, then fresh ones. `FUZZ_SEED=n` tries
 * that seed alone, `FUZZ_SECONDS=n` goes on with fresh seeds for so long. A failure names its seed.
 */
export async function forEachSeed(
  t: TestContext,
  run: (random: SeededRandom) => void | Promise<void>,
): Promise<void> {
  for (const seed of seeds()) {
    try {
      await run(new SeededRandom(seed));
    } catch (error) {
      throw new Error(`seed ${seed} (repeat with FUZZ_SEED=${seed} and --test-name-pattern='${t.name}')`, {
        cause: error,
      });
    }
  }
}

function* seeds(): Generator<number> {
  const only = process.env["FUZZ_SEED"];
  if (only !== undefined) {
    yield Number(only);
    return;
  }
  yield* FIXED_SEEDS;
  for (let i = 0; i < FRESH_SEEDS; i++) yield randomInt(2 ** 32);
  const endMs = performance.now() + 1_000 * Number(process.env["FUZZ_SECONDS"] ?? 0);
  while (performance.now() < endMs) yield randomInt(2 ** 32);
}

/** One of `choices`. */
export function pick<T>(random: SeededRandom, choices: readonly T[]): T {
  return choices[random.below(choices.length)];
}
