import type { Cut } from "./scene.ts";

/** Pieces that a write is cut into. */
const PIECES = 3;

/** Cuts at places that follow from the seed, so that a failure can be repeated. */
export function randomCut(seed: number): Cut {
  let state = seed >>> 0;
  const below = (bound: number): number => {
    // A linear congruential generator (constants of Numerical Recipes) is random enough for places.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
  return (bytes) => {
    const cuts = Array.from({ length: PIECES - 1 }, () => below(bytes.length)).sort((a, b) => a - b);
    const starts = [0, ...cuts];
    return starts
      .map((start, index) => bytes.slice(start, starts[index + 1]))
      .filter((piece) => piece !== "");
  };
}
