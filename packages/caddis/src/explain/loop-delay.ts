import type { Clock } from "../io/clock.ts";

/** Turns that are looked at: under load one of them has others' input in it. */
const TURNS = 5;

/** How long the longest of the next few turns of the event loop takes, milliseconds. Costs nothing while nobody asks. */
export async function loopDelay(clock: Pick<Clock, "monotonicMs" | "nextTurn">): Promise<number> {
  let longest = 0;
  for (let turn = 0; turn < TURNS; turn++) {
    const startMs = clock.monotonicMs();
    await new Promise<void>((resolve) => clock.nextTurn(resolve));
    longest = Math.max(longest, clock.monotonicMs() - startMs);
  }
  return longest;
}
