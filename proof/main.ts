/**
 * `npm run proof -- <command>`: proofs that take longer than everyday's tests, and that repeat with a seed. Exits with 1
 * where something failed.
 *
 * - `crash --rounds 200 --seed N`: kill -9 at random moments under load.
 * - `power-loss --seeds 2000 --seed N`: stores and whole servers on a disk that loses what was not synced.
 * - `kill-points --seed N`: the power goes, the process goes, or the disk fails or is full, at everything it does.
 * - `damage --seeds 20 --seed N`: every file harmed in every way, at so many places.
 * - `model --seeds 500 --seed N`: things done by chance to our server and to nats-server, answers compared.
 * - `soak --minutes 30 --seed N`: everything at once for long, with restarts; memory flat, nothing lost, no stall.
 */
import { parseArgs } from "node:util";
import { crashRounds } from "../test/support/crash-rounds.ts";
import { OUR_SERVER } from "../test/support/server-process.ts";
import { damageAll } from "./damage.ts";
import { killAtAll } from "./kill-points.ts";
import { compareWithReference } from "./model.ts";
import { powerLoss } from "./power-loss.ts";
import { soak } from "./soak.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "200" },
    minutes: { type: "string", default: "30" },
    seeds: { type: "string" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const seed = Number(values.seed);
const seeds = (usual: number): number => Number(values.seeds ?? usual);
const say = (line: string): void => console.log(line);

/** Each resolves with how much failed, or throws. */
const PROOFS: Readonly<Record<string, () => Promise<number>>> = {
  async crash() {
    say(JSON.stringify(await crashRounds(OUR_SERVER, Number(values.rounds), seed)));
    return 0;
  },
  "power-loss": () => powerLoss(seed, seeds(2000), say),
  "kill-points": () => killAtAll(seed, say),
  damage: () => damageAll(seed, seeds(20), say),
  model: () => compareWithReference(OUR_SERVER, seed, seeds(500), say),
  async soak() {
    await soak(OUR_SERVER, Number(values.minutes), seed, say);
    return 0;
  },
};

const [name = ""] = positionals;
if (Object.hasOwn(PROOFS, name)) {
  say(`seed ${seed}`);
  const failures = await PROOFS[name]();
  say(failures === 0 ? "nothing failed" : `${failures} failed`);
  process.exitCode = failures === 0 ? 0 : 1;
} else {
  console.error(`usage: npm run proof -- ${Object.keys(PROOFS).join(" | ")}; options stand in proof/main.ts`);
  process.exitCode = 2;
}
