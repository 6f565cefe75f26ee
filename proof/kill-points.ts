import { happenAt, killPoints, MISHAPS } from "../test/support/durability/kill-points.ts";

/** Between two lines that say how far it is. */
const REPORT_POINTS = 100;

/**
 * Has every mishap happen at everything that the disk does in the course of the script, each in a run of its own.
 * Resolves with the number of runs in which something was wrong afterwards; each is told.
 */
export async function killAtAll(seed: number, say: (line: string) => void): Promise<number> {
  const points = await killPoints(seed);
  let failures = 0;
  for (const [i, point] of points.entries()) {
    for (const mishap of MISHAPS) {
      const problem = await problemAt(() => happenAt(point, mishap, seed));
      if (problem === "") continue;
      failures++;
      say(
        `${mishap} at point ${i}, '${point.what}': ${problem}\n  npm run proof -- kill-points --seed ${seed}`,
      );
    }
    if ((i + 1) % REPORT_POINTS === 0) say(`${i + 1} of ${points.length} points, ${failures} failures`);
  }
  return failures;
}

/** What was found, or thrown; empty: nothing. */
export async function problemAt(act: () => Promise<readonly object[]>): Promise<string> {
  try {
    const findings = await act();
    return findings.length === 0 ? "" : JSON.stringify(findings);
  } catch (error) {
    return String(error);
  }
}
