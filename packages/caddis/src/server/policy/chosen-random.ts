import type { Random } from "../../io/random.ts";

/** As many draws as there are percent: each stands for one percent of the messages. */
const DRAWS = 100;

/** Something that happens by chance, and how often, in percent. */
export interface Chance {
  readonly outcome: string;
  readonly percent: number;
  /** A draw by which it happens. */
  readonly draw: number;
}

/** Chance that is chosen, so that everything can be asked for that may happen. Secrets are as they should be. */
export class ChosenRandom implements Random {
  /** What is drawn, where that is possible; from 0. */
  draw = 0;
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  fraction(): number {
    return this.draw / DRAWS;
  }

  below(below: number): number {
    return this.draw % below;
  }

  bytes(count: number): Uint8Array {
    return this.#random.bytes(count);
  }

  /** All that `happen` may come to, the most likely first. */
  outcomesOf(happen: () => string): readonly Chance[] {
    const chances = new Map<string, Chance>();
    for (let draw = 0; draw < DRAWS; draw++) {
      this.draw = draw;
      const outcome = happen();
      const known = chances.get(outcome);
      chances.set(outcome, { outcome, percent: (known?.percent ?? 0) + 1, draw: known?.draw ?? draw });
    }
    this.draw = 0;
    return [...chances.values()].toSorted((a, b) => b.percent - a.percent);
  }
}
