import { filesOf, harmed, HARMS, usedStore } from "../test/support/durability/damage.ts";
import { problemAt } from "./kill-points.ts";

/**
 * Harms every file of a store in every way, at `count` places each, and starts a server on what is left. Resolves with
 * the number of cases in which something was wrong then; each is told.
 */
export async function damageAll(seed: number, count: number, say: (line: string) => void): Promise<number> {
  const store = await usedStore(seed);
  let failures = 0;
  for (const file of filesOf(store)) {
    for (const harm of Object.keys(HARMS)) {
      for (let place = seed; place < seed + (harm === "loss" ? 1 : count); place++) {
        const problem = await problemAt(() => harmed(store, file, harm, place));
        if (problem === "") continue;
        failures++;
        say(`${harm} (${place}) of ${file.path}: ${problem}`);
      }
    }
    say(`${file.path}: done, ${failures} failures`);
  }
  return failures;
}
