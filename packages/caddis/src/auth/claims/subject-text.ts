import { goQuote } from "../../base/go-quote.ts";
import { fromWireString, toWireString } from "../../subject/subject.ts";

/**
 * Subjects as tokens are checked for: more leniently than the server does when it uses them. The texts of the
 * complaints are the reference's, since operators read them in answers to their updates.
 */

/** Text in quotes, as the reference's error texts have it. */
export function quote(text: string): string {
  return fromWireString(goQuote(toWireString(text)));
}

/** What is wrong with a subject in a token. */
export function subjectProblems(subject: string): string[] {
  if (subject === "") return ["subject cannot be empty"];
  const problems: string[] = [];
  if (subject.includes(" ")) problems.push(`subject ${quote(subject)} cannot have spaces`);
  if (subject.startsWith(".") || subject.endsWith(".")) {
    problems.push(`subject ${quote(subject)} cannot start or end with a \`.\``);
  }
  if (subject.includes("..")) {
    problems.push(`subject ${quote(subject)} cannot contain consecutive \`.\``);
  }
  return problems;
}

/** What is wrong with an import's local subject, which may refer to the wildcards of `from` by `$1`. */
export function renamingProblems(local: string, from: string): string[] {
  const problems = subjectProblems(local);
  if (from === "") problems.push("subject cannot be empty");
  if (local.includes(" ")) problems.push(`subject ${quote(local)} cannot have spaces`);
  if (endsOpen(local) !== endsOpen(from)) {
    problems.push("both, renaming subject and subject, need to end or not end in >");
  }
  const wildcards = from.split(".").filter((token) => token === "*").length;
  let used = 0;
  for (const token of local.split(".")) {
    const reference = referenceOf(token);
    if (reference > wildcards) {
      problems.push(
        `Reference $${reference} in ${quote(local)} reference * in ${quote(from)} that do not exist`,
      );
    } else if (token === "*" || reference >= 0) used++;
  }
  if (used !== wildcards) {
    problems.push("subject does not contain enough * or reference wildcards $[0-9]");
  }
  return problems;
}

/** A local subject with `*` for each reference. */
export function withoutReferences(local: string): string {
  const tokens = local.split(".");
  return tokens.map((token) => (referenceOf(token) >= 0 ? "*" : token)).join(".");
}

/** Whether some token is a wildcard. */
export function hasWildcards(subject: string): boolean {
  return subject === ">" || subject.endsWith(".>") || subject.split(".").includes("*");
}

/** Whether `outer` matches all that `inner` matches. Unlike in the reference, `*` does not stand for `>`. */
export function isContainedIn(inner: string, outer: string): boolean {
  return coversTokens(outer.split("."), inner.split("."));
}

/** The same for subjects that were split at their dots. */
export function coversTokens(outer: readonly string[], inner: readonly string[]): boolean {
  const last = outer.length - 1;
  if (inner.length < outer.length) return false;
  if (inner.length > outer.length && outer[last] !== ">") return false;
  return outer.every(
    (token, i) => token === inner[i] || (token === "*" && inner[i] !== ">") || (token === ">" && i === last),
  );
}

function endsOpen(subject: string): boolean {
  return subject === ">" || subject.endsWith(".>");
}

/** The number behind `$`, or -1. */
function referenceOf(token: string): number {
  return /^\$\d+$/.test(token) ? Number(token.slice(1)) : -1;
}
