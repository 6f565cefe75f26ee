/**
 * How patterns (subjects that may have wildcards) relate. All of them are valid subjects, wire strings; a
 * wildcard is one only while it is a whole token.
 */

const PARTIAL_WILDCARD = "*";
const FULL_WILDCARD = ">";

/** The pattern for exactly the subjects that both `a` and `b` match, or null when there is none. */
export function intersection(a: string, b: string): string | null {
  if (a === b) return a;
  const left = a.split(".");
  const right = b.split(".");
  const both: string[] = [];
  for (let i = 0; i < left.length && i < right.length; i++) {
    if (left[i] === FULL_WILDCARD) return [...both, ...right.slice(i)].join(".");
    if (right[i] === FULL_WILDCARD) return [...both, ...left.slice(i)].join(".");
    if (left[i] !== PARTIAL_WILDCARD && right[i] !== PARTIAL_WILDCARD && left[i] !== right[i]) return null;
    both.push(left[i] === PARTIAL_WILDCARD ? right[i] : left[i]);
  }
  return left.length === right.length ? both.join(".") : null;
}

/** Whether some subject matches both. */
export function subjectsCollide(a: string, b: string): boolean {
  return intersection(a, b) !== null;
}

/** Whether `pattern` matches all that `subject` matches. */
export function isSubset(subject: string, pattern: string): boolean {
  return intersection(subject, pattern) === subject;
}
