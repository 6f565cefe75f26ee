/** Servers whose disk loses what was not synced keep what they promised. The long form: `npm run proof -- power-loss`. */
import { test } from "node:test";
import { jetStreamLives } from "./support/durability/chance.ts";

const SEEDS = 12;

test("what a server promised holds after the power went, whatever was done", async () => {
  const first = Number(process.env["SEED"] ?? 1);
  const count = process.env["SEED"] === undefined ? SEEDS : 1;
  for (let seed = first; seed < first + count; seed++) {
    try {
      await jetStreamLives(seed);
    } catch (error) {
      throw new Error(`failed with SEED=${seed}`, { cause: error });
    }
  }
});
