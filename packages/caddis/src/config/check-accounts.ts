import { SourcePattern } from "../subject/source-pattern.ts";
import {
  hasWildcard,
  isValidConfiguredSubject,
  isValidLiteralSubject,
  toWireString,
} from "../subject/subject.ts";
import type { AccountConfig, ExportConfig, ImportConfig, ServiceExport } from "./accounts.ts";
import { quoted } from "./read-value.ts";

const INVALID_SUBJECT = "sublist: invalid subject";

/**
 * What is wrong with how accounts refer to one another and to subjects, in the reference's words. Whether an
 * import is granted, and cycles, show when the accounts are linked.
 */
export function accountLinkProblems(accounts: readonly AccountConfig[]): string[] {
  const names = new Set(accounts.map(({ name }) => name));
  return accounts.flatMap((account) => [
    ...account.exports.flatMap((found) => exportProblems(found, account, names)),
    ...account.imports.flatMap((found) => importProblems(found, names)),
  ]);
}

function exportProblems(found: ExportConfig, account: AccountConfig, names: ReadonlySet<string>): string[] {
  const problems: string[] = [];
  const { kind, subject, approval } = found;
  const approved = approval.kind === "accounts" ? approval.accounts : [];
  for (const name of approved) {
    if (!names.has(name)) problems.push(`${quoted(name)} account not defined for ${kind} export`);
  }
  if (!isSubject(subject) || !isAccountToken(found)) {
    problems.push(`Error adding ${kind} export ${quoted(subject)}: ${INVALID_SUBJECT}`);
  }
  if (found.kind === "service" && found.latency !== null) {
    const problem = latencyProblem(found, found.latency.subject, account);
    if (problem !== null) problems.push(problem);
  }
  return problems;
}

/** The token that is to be the importing account's name must be there, and a wildcard. */
function isAccountToken({ subject, account_token_position: position }: ExportConfig): boolean {
  return position === 0 || subject.split(".")[position - 1] === "*";
}

function latencyProblem(service: ServiceExport, subject: string, account: AccountConfig): string | null {
  const wire = toWireString(subject);
  // Measurements of a service must not themselves be requests.
  const isService = account.exports.some(
    (other) => other.kind === "service" && new SourcePattern(toWireString(other.subject)).covers(wire),
  );
  const reason =
    !isSubject(subject) || !isValidLiteralSubject(wire) || isService
      ? "invalid publish subject"
      : service.response_type === "singleton"
        ? null
        : "bad service response type";
  if (reason === null) return null;
  return `Error adding service latency sampling for ${quoted(service.subject)} on subject ${quoted(subject)}: ${reason}`;
}

function importProblems(found: ImportConfig, names: ReadonlySet<string>): string[] {
  const { kind, account, subject } = found;
  if (!names.has(account)) return [`${quoted(account)} account not defined for ${kind} import`];
  const reason = kind === "stream" ? streamProblem(subject, found.prefix) : serviceProblem(subject, found.to);
  return reason === null ? [] : [`Error adding ${kind} import ${quoted(subject)}: ${reason}`];
}

function streamProblem(subject: string, prefix: string): string | null {
  if (!isSubject(subject)) return "stream import not authorized";
  if (prefix === "" || isSubject(prefix)) {
    return hasWildcard(toWireString(prefix)) ? "stream import prefix can not contain wildcard tokens" : null;
  }
  return INVALID_SUBJECT;
}

function serviceProblem(subject: string, to: string): string | null {
  return isSubject(subject) && (to === "" || isSubject(to)) ? null : INVALID_SUBJECT;
}

function isSubject(text: string): boolean {
  return isValidConfiguredSubject(toWireString(text));
}
