import type { DiskFault } from "../../../packages/caddis/src/io/disk.ts";
import { FaultyDisk } from "../faulty-disk.ts";
import type { Finding } from "./compare.ts";
import { perform, performAfterwards, SCRIPT } from "./script.ts";
import { Trial } from "./trial.ts";

/**
 * What happens at one step of the disk: the power goes; the process goes, and the system stays; or the step fails, and
 * the power goes at the end.
 */
export type Mishap = "power" | "process" | DiskFault;

export const MISHAPS: readonly Mishap[] = ["power", "process", "failed", "full"];

/** One thing that a disk does in the course of the script: `life` and `step` count from 0. */
export interface KillPoint {
  readonly life: number;
  readonly step: number;
  /** As `FaultyDisk.steps` has it. */
  readonly what: string;
}

/** Everything that the disk does while the script is performed and nothing happens. Throws where that goes wrong. */
export async function killPoints(seed: number): Promise<KillPoint[]> {
  await using trial = new Trial(new FaultyDisk(seed), seed);
  const points: KillPoint[] = [];
  for (const [life, acts] of SCRIPT.entries()) {
    await perform(trial, acts);
    points.push(...trial.disk.steps.map((what, step) => ({ life, step, what })));
    await trial.crash(false);
  }
  await trial.start();
  const findings = await trial.check();
  if (findings.length > 0) throw new Error(`without any mishap: ${JSON.stringify(findings)}`);
  return points;
}

/**
 * Performs the script until `mishap` happens at a point, and looks at what is left; then uses that, lets the power go
 * again, and looks once more.
 */
export async function happenAt({ life, step }: KillPoint, mishap: Mishap, seed: number): Promise<Finding[]> {
  await using trial = new Trial(new FaultyDisk(seed), seed);
  for (let i = 0; i < life; i++) {
    await perform(trial, SCRIPT[i]);
    await trial.crash(false);
  }
  if (mishap === "power" || mishap === "process") trial.disk.killAt(step);
  else trial.disk.failAt(step, mishap);
  await perform(trial, SCRIPT[life]);
  await trial.crash(mishap === "process");
  await trial.start();
  // What a failed sync left undone may be gone later, though it was seen: that has to be told.
  const isFailure = mishap !== "power" && mishap !== "process";
  const isAllowed = ({ kind }: Finding): boolean => isFailure && kind === "told";
  const findings = await trial.check();
  await performAgain(trial);
  findings.push(...(await trial.check()));
  return findings.filter((finding) => !isAllowed(finding));
}

async function performAgain(trial: Trial): Promise<void> {
  await trial.stop();
  await performAfterwards(trial);
  await trial.crash(false);
  await trial.start();
}
