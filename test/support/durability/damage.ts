import { SeededRandom } from "../../../packages/caddis/src/io/seeded-random.ts";
import { FaultyDisk } from "../faulty-disk.ts";
import type { Finding } from "./compare.ts";
import { perform, SCRIPT } from "./script.ts";
import { Trial } from "./trial.ts";

/** Every kind of file that a store has, by what its path looks like. */
const KINDS: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ["configuration", /\/stream\.json$/],
  ["sources", /\/sources\.json$/],
  ["block", /\/messages\/\d+\.log$/],
  ["compacted block", /\/messages\/\d+-\d+\.\d+\.log$/],
  ["checkpoint", /\/messages\/index\.db$/],
  ["consumers", /\/consumers\/\d+\.log$/],
  ["end of consumers", /\/consumers\.json$/],
];

/** What is done to a file. Null: it is gone. */
type Harm = (content: Buffer, random: SeededRandom) => Buffer | null;

export const HARMS: Readonly<Record<string, Harm>> = {
  "a flipped bit": (content, random) => {
    content[random.below(content.length)] ^= 1 << random.below(8);
    return content;
  },
  "a cut": (content, random) => content.subarray(0, random.below(content.length)),
  "a range of zeros": (content, random) => {
    const from = random.below(content.length);
    return content.fill(0, from, Math.min(content.length, from + 1 + random.below(600)));
  },
  loss: () => null,
};

/** A file of a store, and what kind it is. */
export interface KnownFile {
  readonly path: string;
  readonly kind: string;
}

/** A store that was used in every way and closed in good order. */
export async function usedStore(seed: number): Promise<Trial> {
  const trial = new Trial(new FaultyDisk(seed), seed);
  for (const [life, acts] of SCRIPT.entries()) {
    await perform(trial, acts);
    if (life < SCRIPT.length - 1) await trial.crash(false);
  }
  await trial.stop();
  trial.disk = trial.disk.crash();
  return trial;
}

/** All files of a store; throws where one is of a kind that is not known here. */
export function filesOf(trial: Trial): KnownFile[] {
  return trial.disk.paths.map((path) => {
    const known = KINDS.find(([, pattern]) => pattern.test(path));
    if (known === undefined) throw new Error(`what kind of file is ${path}? Say so in KINDS`);
    return { path, kind: known[0] };
  });
}

/** Kinds of files that a store has none of. */
export function missingKinds(files: readonly KnownFile[]): string[] {
  return KINDS.map(([kind]) => kind).filter((kind) => files.every((file) => file.kind !== kind));
}

/**
 * Harms one file of a copy of a store and starts a server on it. Returns what is wrong then: anything that is about
 * another stream than the harmed one's, any wrong answer, and everything that is missing without having been told.
 */
export async function harmed(
  store: Trial,
  { path }: KnownFile,
  harm: string,
  seed: number,
): Promise<Finding[]> {
  await using trial = store.fork();
  const content = HARMS[harm](trial.disk.content(path), new SeededRandom(seed));
  if (content === null) await trial.disk.remove(path);
  else trial.disk.damage(path, () => content);
  await trial.start();
  const findings = await trial.check();
  const stream = /\/streams\/([^/]+)\//.exec(path)?.[1] ?? "";
  const isTold = trial.warnings.some((line) => line.includes(stream));
  return findings.filter((finding) => finding.stream !== stream || finding.kind === "wrong" || !isTold);
}
