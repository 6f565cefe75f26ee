import { LEVELS_MAX, type SubjectNames } from "./subject-names.ts";
import type { SubjectPattern } from "./subject-pattern.ts";

/**
 * Calls `visit` with the id of each entry that `pattern` takes, subjects or only beginnings of them, in no particular
 * order; entries do not change meanwhile. It looks at what stands below the pattern's literal tokens, not at all the others.
 */
export function forEachEntry(
  names: SubjectNames,
  pattern: SubjectPattern,
  visit: (id: number) => void,
): void {
  walk(names, 0, 0, pattern, 0, visit);
}

/** Entries below `parent` (0: all), which has `level` tokens, that the parts of `pattern` from `index` on take. */
function walk(
  names: SubjectNames,
  parent: number,
  level: number,
  pattern: SubjectPattern,
  index: number,
  visit: (id: number) => void,
): void {
  const { tree } = names;
  const { kind, dotted, tokens } = pattern.parts[index];
  const isLast = index === pattern.parts.length - 1;
  if (kind === "rest") {
    tree.forEachBelow(parent, visit);
  } else if (kind === "literal" && (isLast || level + tokens <= LEVELS_MAX)) {
    const id = names.find(parent, dotted);
    if (id === 0) return;
    if (isLast) visit(id);
    else walk(names, id, level + tokens, pattern, index + 1, visit);
  } else if (kind === "one" && level < LEVELS_MAX) {
    for (let id = tree.firstChild(parent); id !== 0; id = tree.nextSibling(id)) {
      if (isLast) visit(id);
      else walk(names, id, level + 1, pattern, index + 1, visit);
    }
  } else {
    tree.forEachBelow(parent, (id) => {
      if (names.matches(id, pattern)) visit(id);
    });
  }
}
