import { jetStreamLives } from "../test/support/durability/chance.ts";
import { STORE_USES, storeLives } from "../test/support/store-lives.ts";

/** Between two lines that say how far it is. */
const REPORT_SEEDS = 200;

/**
 * Runs `count` simulations of each kind, from seed `first` on, on a disk that loses what was not synced. Resolves with
 * the number of those that failed; each is told with the command that repeats it.
 */
export async function powerLoss(first: number, count: number, say: (line: string) => void): Promise<number> {
  const kinds: readonly (readonly [string, (seed: number) => Promise<void>])[] = [
    ...STORE_USES.map((use) => [use.name, (seed: number) => storeLives(seed, use)] as const),
    ["a server", jetStreamLives],
  ];
  let failures = 0;
  for (let seed = first; seed < first + count; seed++) {
    for (const [name, live] of kinds) {
      try {
        await live(seed);
      } catch (error) {
        failures++;
        say(`${name}: ${String(error)}\n  npm run proof -- power-loss --seeds 1 --seed ${seed}`);
      }
    }
    const done = seed - first + 1;
    if (done % REPORT_SEEDS === 0) say(`${done} of ${count} seeds, ${failures} failures`);
  }
  return failures;
}
