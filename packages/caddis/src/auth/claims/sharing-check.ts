import type { TokenExport, TokenImport } from "./account.ts";
import { infoProblems } from "./info-check.ts";
import {
  coversTokens,
  hasWildcards,
  quote,
  renamingProblems,
  subjectProblems,
  withoutReferences,
} from "./subject-text.ts";

/** Exports and imports are compared by pairs; beyond so many of a kind that would hold up the server. */
const SHARED_MAX = 4_096;

const RESPONSE_TYPES = ["", "Singleton", "Chunked", "Stream"];

/** What is wrong with an account's exports, in the reference's words. */
export function exportProblems(exports: readonly TokenExport[]): string[] {
  if (exports.length > SHARED_MAX) return ["too many exports"];
  const problems = exports.flatMap(oneExportProblems);
  for (const type of ["service", "stream"] as const) {
    const subjects = exports.filter((one) => (one.type === "service") === (type === "service"));
    problems.push(
      ...overlapProblems(
        type,
        subjects.map(({ subject }) => subject),
      ),
    );
  }
  return problems;
}

function oneExportProblems(one: TokenExport): string[] {
  const problems: string[] = [];
  if (one.type === "") problems.push('invalid export type: "unknown"');
  if (one.type === "service" && !RESPONSE_TYPES.includes(one.response_type)) {
    problems.push(`invalid response type for service: ${quote(one.response_type)}`);
  }
  if (one.type === "stream" && one.response_type !== "") {
    problems.push(`invalid response type for stream: ${quote(one.response_type)}`);
  }
  if (one.type === "stream" && one.allow_trace) problems.push("AllowTrace only valid for service export");
  problems.push(...latencyProblems(one));
  if (one.response_threshold < 0) problems.push("negative response threshold is invalid");
  if (one.response_threshold > 0 && one.type !== "service") {
    problems.push("response threshold only valid for services");
  }
  return [...problems, ...subjectProblems(one.subject), ...positionProblems(one), ...infoProblems(one)];
}

function latencyProblems({ service_latency: latency, type }: TokenExport): string[] {
  if (latency === null) return [];
  const problems: string[] = [];
  if (type !== "service") problems.push("latency tracking only permitted for services");
  if (latency.sampling < 0 || latency.sampling > 100) {
    problems.push("sampling percentage needs to be between 1-100");
  }
  problems.push(...subjectProblems(latency.results));
  if (hasWildcards(latency.results)) problems.push("results subject can not contain wildcards");
  return problems;
}

function positionProblems({ account_token_position: position, subject }: TokenExport): string[] {
  if (position === 0) return [];
  if (!hasWildcards(subject)) {
    return [`Account Token Position can only be used with wildcard subjects: ${subject}`];
  }
  const tokens = subject.split(".");
  if (position > tokens.length) {
    return [`Account Token Position ${position} exceeds length of subject '${subject}'`];
  }
  const token = tokens[position - 1];
  if (token === "*") return [];
  return [`Account Token Position ${position} matches '${token}' but must match a * in: ${subject}`];
}

/** One export must not lie inside another. */
function overlapProblems(type: string, subjects: readonly string[]): string[] {
  const split = subjects.map((subject) => subject.split("."));
  const inside = new Map<string, string>();
  for (const [i, inner] of split.entries()) {
    const j = split.findIndex((outer, j) => i !== j && coversTokens(outer, inner));
    if (j >= 0 && !inside.has(subjects[j])) inside.set(subjects[j], subjects[i]);
  }
  return [...inside].map(
    ([outer, inner]) => `${type} export subject ${quote(outer)} already exports ${quote(inner)}`,
  );
}

/** What is wrong with the imports of `importer`, in the reference's words. Their tokens' times are not looked at. */
export function importProblems(
  imports: readonly TokenImport[],
  tokenProblems: (one: TokenImport) => readonly string[],
): string[] {
  if (imports.length > SHARED_MAX) return ["too many imports"];
  const problems: string[] = [];
  const taken = new Map<string, string[][]>();
  for (const one of imports) {
    if (one.type === "service") problems.push(...takenProblems(one, taken));
    problems.push(...oneImportProblems(one), ...tokenProblems(one));
  }
  return problems;
}

/** A request must not have two services to go to in one account. */
function takenProblems(one: TokenImport, taken: Map<string, string[][]>): string[] {
  const subject = one.to || withoutReferences(one.local_subject) || one.subject;
  const tokens = subject.split(".");
  const others = taken.get(one.account) ?? [];
  const overlap = others.find((other) => coversTokens(other, tokens) || coversTokens(tokens, other));
  taken.set(one.account, others);
  others.push(tokens);
  if (overlap === undefined) return [];
  const both = `${quote(subject)} and ${quote(overlap.join("."))}`;
  return [`overlapping subject namespace for ${both} in same account ${quote(one.account)}`];
}

function oneImportProblems(one: TokenImport): string[] {
  const problems: string[] = [];
  if (one.type === "") problems.push('invalid import type: "unknown"');
  if (one.type === "service" && one.allow_trace) problems.push("AllowTrace only valid for stream import");
  if (one.account === "") problems.push("account to import from is not specified");
  problems.push(...subjectProblems(one.subject));
  if (one.local_subject !== "") {
    problems.push(...renamingProblems(one.local_subject, one.subject));
    if (one.to !== "") problems.push("Local Subject replaces To");
  }
  if (one.share && one.type !== "service") {
    problems.push(
      `sharing information (for latency tracking) is only valid for services: ${quote(one.subject)}`,
    );
  }
  return problems;
}
