import type { Resources } from "../../io/resources.ts";

/**
 * The text of /stacksz: what the process waits for, by kind and with its number, where the reference lists the stack
 * of each goroutine. There is one stack here, and while it answers, it is that of the answer.
 */
export function stacksz(resources: Resources): string {
  const counts = new Map<string, number>();
  for (const name of resources.activity()) counts.set(name, (counts.get(name) ?? 0) + 1);
  const names = [...counts.keys()].sort();
  return `thread 1 [running]:\n${names.map((name) => `${counts.get(name)} ${name}\n`).join("")}`;
}
