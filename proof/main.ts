/**
 * `npm run proof -- crash|soak …`: proofs that take longer than everyday's tests, and that repeat with a seed.
 *
 * - `crash --rounds 200 --seed N`: kill -9 at random moments under load.
 * - `soak --minutes 30 --seed N`: everything at once for long, with restarts; memory flat, nothing lost, no stall.
 */
import { parseArgs } from "node:util";
import { crashRounds } from "../test/support/crash-rounds.ts";
import { OUR_SERVER } from "../test/support/server-process.ts";
import { soak } from "./soak.ts";

const USAGE = "usage: npm run proof -- crash [--rounds N] [--seed N] | soak [--minutes N] [--seed N]";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "200" },
    minutes: { type: "string", default: "30" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const seed = Number(values.seed);
console.log(`seed ${seed}`);
if (positionals[0] === "crash") {
  console.log(JSON.stringify(await crashRounds(OUR_SERVER, Number(values.rounds), seed)));
} else if (positionals[0] === "soak") {
  await soak(OUR_SERVER, Number(values.minutes), seed, (line) => console.log(line));
} else {
  console.error(USAGE);
  process.exitCode = 2;
}
