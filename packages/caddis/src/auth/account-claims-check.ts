import { isPublicNkey } from "../base/nkey-text.ts";
import { checkMapping } from "../subject/mapping.ts";
import { mappingInputs } from "./account-claims.ts";
import type { Account, ExternalAuthorization, OperatorLimits, TokenMapping } from "./claims/account.ts";
import type { AccountClaims } from "./claims/claims.ts";
import { activationProblems } from "./activation.ts";
import { infoProblems } from "./claims/info-check.ts";
import { exportProblems, importProblems } from "./claims/sharing-check.ts";
import { permissionProblems } from "./claims/permissions-check.ts";
import { hasWildcards, quote, subjectProblems } from "./claims/subject-text.ts";
import { timeProblems } from "./claims/times.ts";

/** What keeps claims from being used, in the reference's words. Empty: nothing. */
export function accountProblems(claims: AccountClaims): readonly string[] {
  const { nats, sub } = claims;
  return [
    ...importProblems(nats.imports, (one) => activationProblems(one, sub)),
    ...exportProblems(nats.exports),
    ...limitProblems(nats.limits),
    ...permissionProblems(nats.default_permissions),
    ...[...nats.mappings].flatMap(([source, to]) => mappingProblems(source, to)),
    ...authorizationProblems(nats.authorization),
    ...traceProblems(nats.trace),
    ...countProblems(nats),
    ...signingKeyProblems(nats.signing_keys),
    ...infoProblems(nats),
    ...(["", "system", "owner"].includes(nats.cluster_traffic)
      ? []
      : [`unknown cluster traffic option: ${quote(nats.cluster_traffic)}`]),
  ];
}

/** The same, and whether they hold at this time: what is asked before fetched claims are used. */
export function accountProblemsAt(claims: AccountClaims, nowMs: number): readonly string[] {
  return [...timeProblems(claims, nowMs), ...accountProblems(claims)];
}

/**
 * Why an update with these claims has to be refused, as the answer to it says, or null. Asks more than the use of
 * stored ones: a mapping that does not compile is refused here, and left out there.
 */
export function updateProblem(claims: AccountClaims): string | null {
  const problems = accountProblems(claims);
  if (problems.length > 0) return `validation errors: [${problems.join(" ")}]`;
  for (const input of mappingInputs(claims.nats.mappings)) {
    const problem = checkMapping(input);
    if (problem !== null) return `mapping ${quote(input.source)}: ${problem}`;
  }
  return null;
}

function limitProblems({ tiered_limits: tiers }: OperatorLimits): string[] {
  return tiers.has("") ? ['Tiered JetStream Limits can not contain a blank "" tier name'] : [];
}

function mappingProblems(source: string, destinations: readonly TokenMapping[]): string[] {
  const problems = subjectProblems(source);
  const totals = new Map<string, number>();
  for (const { subject, weight, cluster } of destinations) {
    problems.push(...subjectProblems(subject));
    const share = weight === 0 ? 100 : weight;
    if (share > 100) problems.push(`Mapping ${quote(source)} has a weight ${share} that exceeds 100`);
    const total = (totals.get(cluster) ?? 0) + share;
    totals.set(cluster, total);
    if (cluster !== "" && total > 100) {
      problems.push(
        `Mapping ${quote(source)} in cluster ${quote(cluster)} exceeds 100% among all of it's weighted to mappings`,
      );
    }
  }
  if ((totals.get("") ?? 0) > 100) {
    problems.push(`Mapping ${quote(source)} exceeds 100% among all of it's weighted to mappings`);
  }
  return problems;
}

function authorizationProblems({ auth_users, allowed_accounts, xkey }: ExternalAuthorization): string[] {
  const problems: string[] = [];
  if (allowed_accounts.length > 0 && auth_users.length === 0) {
    problems.push("External authorization cannot have accounts without users specified");
  }
  for (const user of auth_users) {
    if (!isPublicNkey("user", user)) problems.push(`AuthUser ${quote(user)} is not a valid user public key`);
  }
  for (const account of allowed_accounts) {
    if (account === "*" && allowed_accounts.length > 1) {
      problems.push('AllowedAccounts can only be a list of accounts or "*"');
    } else if (account !== "*" && !isPublicNkey("account", account)) {
      problems.push(`Account ${quote(account)} is not a valid account public key`);
    }
  }
  if (xkey !== "" && !isPublicNkey("curve", xkey))
    problems.push(`XKey ${quote(xkey)} is not a valid public xkey`);
  return problems;
}

function traceProblems(trace: Account["trace"]): string[] {
  if (trace === null) return [];
  const problems = subjectProblems(trace.dest).slice(0, 1);
  const texts = problems.map((problem) => `the account Trace.Destination ${problem}`);
  if (hasWildcards(trace.dest)) {
    texts.push(`the account Trace.Destination subject ${quote(trace.dest)} is not a valid publish subject`);
  }
  if (trace.sampling < 0 || trace.sampling > 100) {
    texts.push(
      `the account Trace.Sampling value '${trace.sampling}' is not valid, should be in the range [1..100]`,
    );
  }
  return texts;
}

/** More than the operator allows. Negative limits other than -1 allow nothing. */
function countProblems({ imports, exports, limits }: Account): string[] {
  const problems: string[] = [];
  if (limits.imports !== -1 && imports.length > limits.imports) {
    problems.push("the account contains more imports than allowed by the operator");
  }
  if (limits.exports === -1) return problems;
  if (exports.length > limits.exports) {
    problems.push("the account contains more exports than allowed by the operator");
  }
  if (!limits.wildcards && exports.some(({ subject }) => hasWildcards(subject))) {
    problems.push("the account contains wildcard exports that are not allowed by the operator");
  }
  return problems;
}

function signingKeyProblems(keys: Account["signing_keys"]): string[] {
  const bad = [...keys].filter(([key]) => !isPublicNkey("account", key));
  return bad.map(([key, scope]) =>
    scope === null
      ? `${quote(key)} is not a valid account signing key`
      : `${key} is not an account public key`,
  );
}
