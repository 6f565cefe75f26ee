import { differences } from "../test/support/random-play.ts";
import { findReferenceServer } from "../test/support/server-process.ts";

/** Of one pair of servers. */
const SEEDS_AT_ONCE = 100;

/**
 * Does the same things by chance to our server (`command`) and to the reference, and compares the answers, for `count`
 * seeds from `first` on. Resolves with the number of plays that differ; each is told. Throws without nats-server.
 */
export async function compareWithReference(
  command: string,
  first: number,
  count: number,
  say: (line: string) => void,
): Promise<number> {
  const reference = findReferenceServer();
  if (reference === null) throw new Error("this compares with nats-server, which is not on PATH");
  let failures = 0;
  for (let from = first; from < first + count; from += SEEDS_AT_ONCE) {
    const seeds = Array.from({ length: Math.min(SEEDS_AT_ONCE, first + count - from) }, (_, i) => from + i);
    for (const [seed, difference] of await differences(reference, command, seeds)) {
      failures++;
      say(`${difference}\n  npm run proof -- model --seeds 1 --seed ${seed}`);
    }
    say(`${from + seeds.length - first} of ${count} plays, ${failures} failures`);
  }
  return failures;
}
