/** How many names are shown. */
const NAMES_MAX = 5;

/** Longer texts are not compared: it takes the product of both lengths. */
const LENGTH_MAX = 100;

/** Says that there is no such thing, and which names are like it, or which there are if they are few. */
export function unknownName(kind: string, name: string, known: readonly string[]): string {
  const near = nearNames(name, known);
  const few =
    known.length > 0 && known.length <= NAMES_MAX ? `; there is ${known.toSorted().join(", ")}` : "";
  const hint = near.length > 0 ? `; did you mean ${near.join(" or ")}?` : few;
  return `there is no ${kind} ${JSON.stringify(name)}${hint}`;
}

/** Names that differ in a third of their letters at most, the nearest first. */
export function nearNames(name: string, known: readonly string[]): readonly string[] {
  const distanceMax = Math.max(1, Math.floor(name.length / 3));
  return known
    .map((other) => ({ other, distance: distanceOf(name.toLowerCase(), other.toLowerCase()) }))
    .filter(({ distance }) => distance <= distanceMax)
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, NAMES_MAX)
    .map(({ other }) => other);
}

/** How many letters have to be put in, left out or replaced to get from one to the other. */
function distanceOf(from: string, to: string): number {
  if (from.length > LENGTH_MAX || to.length > LENGTH_MAX) return Infinity;
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = row[j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[to.length];
}
