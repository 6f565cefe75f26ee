import { IMPORT_SEARCH_MAX } from "../base/limits.ts";
import { isSubset, subjectsCollide } from "../subject/overlap.ts";

/** An import as the search for cycles sees it. Subjects are wire strings. */
export interface CycleEdge {
  readonly exporter: string;
  /** The subject by which imports further on are compared. */
  readonly subject: string;
  /** Where it is a part of what is looked for, the search goes on with this instead. */
  readonly onward: string;
}

const FORMS_CYCLE = "import forms a cycle";
const TOO_DEEP = "search cycle depth exhausted";

/**
 * Whether an import of `importer` from `exporter` would close a cycle, by the reference's rule: some account on
 * the way imports, under a subject that collides with this one, from an account that the way has been through.
 * `edgesOf` gives the imports an account has already. Null when it would not.
 */
export function cycleProblem(
  importer: string,
  exporter: string,
  subject: string,
  edgesOf: (account: string, subject: string) => readonly CycleEdge[],
): string | null {
  const way = new Set([importer]);
  const known = new Set<string>();
  let left = IMPORT_SEARCH_MAX;
  const search = (account: string, wanted: string): string | null => {
    if (--left <= 0) return TOO_DEEP;
    way.add(account);
    for (const edge of edgesOf(account, wanted)) {
      if (!subjectsCollide(wanted, edge.subject)) continue;
      if (way.has(edge.exporter)) return FORMS_CYCLE;
      const next = isSubset(edge.onward, wanted) ? edge.onward : wanted;
      const key = `${edge.exporter} ${next}`;
      // Searched before, on another way: nothing was found.
      if (known.has(key)) continue;
      const problem = search(edge.exporter, next);
      if (problem !== null) return problem;
      known.add(key);
    }
    way.delete(account);
    return null;
  };
  return search(exporter, subject);
}
