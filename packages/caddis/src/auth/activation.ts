import { isPublicNkey } from "../base/nkey-text.ts";
import type { RevocationList, TokenImport } from "./claims/account.ts";
import type { ActivationClaims } from "./claims/claims.ts";
import { isProblem, type Problem } from "./claims/fields.ts";
import { isContainedIn, quote, subjectProblems } from "./claims/subject-text.ts";
import { expiresMs, isRevoked, timeProblems } from "./claims/times.ts";
import { decodeClaims } from "./jwt.ts";

/** What an import has to do with its token. */
export interface ImportToCheck {
  readonly kind: "stream" | "service";
  /** In the exporting account. */
  readonly subject: string;
  /** The exporting account. */
  readonly account: string;
  readonly token: string;
}

/** What the exporting account says of the tokens it gives out. */
export interface Exporter {
  /** Whether a key signs for the account. */
  isSigner(publicKey: string): boolean;
  /** Of the export that is meant. */
  readonly revocations: RevocationList;
}

/**
 * Whether `importer`, a public account key, may import by its token, and until when (milliseconds, 0: for good).
 * Asked again when that time comes, and when either account changes. Without a token nobody may.
 */
export function checkActivation(
  one: ImportToCheck,
  importer: string,
  exporter: Exporter,
  nowMs: number,
): { readonly expiresMs: number } | Problem {
  const claims = decodeClaims("activation", one.token);
  if (isProblem(claims))
    return { problem: `import ${quote(one.subject)} contains an invalid activation token` };
  const problems = [...claimsProblems(claims, one, importer), ...timeProblems(claims, nowMs)];
  if (problems.length > 0) return { problem: problems[0] };
  if (!isSignedFor(claims, one.account, exporter)) {
    return { problem: `the activation token for import ${quote(one.subject)} is not signed by its account` };
  }
  if (isRevoked(exporter.revocations, claims.sub, claims.iat)) {
    return { problem: `the activation token for import ${quote(one.subject)} was revoked` };
  }
  return { expiresMs: expiresMs(claims) };
}

/** What is wrong with the token of an import that has one, apart from times, trust and revocations. */
export function activationProblems(one: TokenImport, importer: string): readonly string[] {
  if (one.token === "" || one.type === "") return [];
  const claims = decodeClaims("activation", one.token);
  if (isProblem(claims)) return [`import ${quote(one.subject)} contains an invalid activation token`];
  return claimsProblems(claims, { ...one, kind: one.type, subject: exportedSubject(one) }, importer);
}

/** The subject in the exporting account: an old service import says it in `to`. */
function exportedSubject(one: TokenImport): string {
  return one.type === "service" && one.to !== "" ? one.to : one.subject;
}

function claimsProblems(claims: ActivationClaims, one: ImportToCheck, importer: string): string[] {
  const { kind, subject, issuer_account: issuerAccount } = claims.nats;
  const problems: string[] = [];
  if (claims.iss !== one.account && issuerAccount !== one.account) {
    problems.push(`activation token doesn't match account for import ${quote(one.subject)}`);
  }
  if (claims.sub !== importer) {
    problems.push(`activation token doesn't match account it is being included in, ${quote(one.subject)}`);
  }
  if (kind !== one.kind) {
    problems.push(`mismatch between token import type ${kind || "unknown"} and type of import ${one.kind}`);
  }
  problems.push(...subjectProblems(subject));
  if (issuerAccount !== "" && !isPublicNkey("account", issuerAccount)) {
    problems.push("account_id is not an account public key");
  }
  if (!isContainedIn(one.subject, subject)) {
    problems.push(
      `activation token import subject ${quote(subject)} doesn't match import ${quote(one.subject)}`,
    );
  }
  return problems;
}

/** By the account itself, or for it by one of its keys. */
function isSignedFor({ iss, nats }: ActivationClaims, account: string, exporter: Exporter): boolean {
  if (nats.issuer_account === "") return iss === account;
  return nats.issuer_account === account && exporter.isSigner(iss);
}
