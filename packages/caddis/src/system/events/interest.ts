import type { Account } from "../../broker/account.ts";
import { isValidLiteralSubject } from "../../subject/subject.ts";

/** What would end a subject in the middle of a protocol line. */
const BLANK = /[\t\n\f\r ]/;

/** Whether a message to `subject`, a wire string, would reach anybody. Names of accounts are parts of subjects, and not all of them can be. */
export function isInterested(account: Account, subject: string): boolean {
  if (BLANK.test(subject) || !isValidLiteralSubject(subject)) return false;
  return !account.sublist.matchApart(subject).isEmpty;
}
