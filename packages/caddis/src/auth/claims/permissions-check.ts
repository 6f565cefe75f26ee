import type { SubjectPermission, TokenPermissions } from "./permissions.ts";
import { subjectProblems } from "./subject-text.ts";

/** What is wrong with permissions in a token, in the reference's words. */
export function permissionProblems({ pub, sub }: TokenPermissions): string[] {
  return [...listProblems(sub, true), ...listProblems(pub, false)];
}

function listProblems({ allow, deny }: SubjectPermission, mayNameQueue: boolean): string[] {
  return [...(allow ?? []), ...deny].flatMap((entry) => entryProblems(entry, mayNameQueue));
}

/** A subject, or for subscriptions a subject and a queue. */
function entryProblems(entry: string, mayNameQueue: boolean): string[] {
  const parts = entry.split(" ");
  if (parts.length > 2) return [`Permission Subject "${entry}" contains too many spaces`];
  const problems = parts.flatMap(subjectProblems);
  if (parts.length === 2 && !mayNameQueue) {
    problems.push(`Permission Subject "${entry}" is not allowed to contain queue`);
  }
  return problems;
}
