import { isPublicNkey } from "../base/nkey-text.ts";
import { COMPATIBLE_VERSION } from "../base/version.ts";
import { jwtPayload, textOf, type JwtPayload } from "./jwt-payload.ts";
import type { ResolverConfig } from "./operator.ts";
import type { Options } from "./options.ts";
import { urlResolver } from "./read-resolver.ts";
import { quoted } from "./read-value.ts";

/** What an operator's JWT stands for where the options do not say otherwise. */
export interface OperatorDefaults {
  readonly system_account?: string;
  readonly resolver?: ResolverConfig;
}

/** What follows from the JWT of a single operator; of several nothing does. */
export function operatorDefaults(operator: readonly string[]): OperatorDefaults {
  const [payload] = payloadsOf(operator);
  if (operator.length !== 1 || payload === undefined) return {};
  const account = textOf(payload.claims["system_account"]);
  const server = textOf(payload.claims["account_server_url"]);
  // Tools push accounts there, too.
  const resolver = server === "" ? null : urlResolver(`${server}/accounts`);
  return {
    ...(account === "" ? {} : { system_account: account }),
    ...(resolver === null ? {} : { resolver }),
  };
}

/** What is wrong with how the options go together in operator mode, or with those that are only for it. */
export function operatorProblems(options: Options): string[] {
  const { operator, default_sentinel, resolver, no_auth_user, authorization } = options;
  if (operator.length === 0) {
    return default_sentinel === "" ? [] : ["default sentinel requires operators and accounts"];
  }
  const problems: string[] = [];
  const hasAccounts = options.accounts.length > 0 || options.mappings.length > 0;
  const hasUsers = authorization.users.length > 0 || options.accounts.some(({ users }) => users.length > 0);
  if (resolver === null) problems.push("operators require an account resolver to be configured");
  if (hasAccounts) problems.push("operators do not allow Accounts to be configured directly");
  if (hasUsers) problems.push("operators do not allow users to be configured directly");
  if (options.trusted.length > 0) {
    problems.push("conflicting options for 'TrustedKeys' and 'TrustedOperators'");
  }
  if (authorization.auth_callout !== null) {
    problems.push("operators do not allow authorization callouts to be configured directly");
  }
  if (no_auth_user !== "") problems.push("no_auth_user not compatible with Trusted Operator");
  for (const key of options.resolver_pinned_accounts) {
    if (isPublicNkey("account", key)) continue;
    problems.push(`pinned account key ${quoted(key)} is not a valid public account nkey`);
  }
  return [
    ...problems,
    ...sentinelProblems(default_sentinel),
    ...systemAccountProblems(options),
    ...versionProblems(operator),
  ];
}

function sentinelProblems(jwt: string): string[] {
  if (jwt === "") return [];
  const payload = jwtPayload(jwt);
  if (typeof payload === "string" || payload.type !== "user") return ["default sentinel JWT not valid"];
  // One of a scoped signing key is judged when a client comes with it: its account is not known here.
  const isScoped = textOf(payload.claims["issuer_account"]) !== "";
  return payload.claims["bearer_token"] === true || isScoped
    ? []
    : ["default sentinel must be a bearer token"];
}

function systemAccountProblems({ operator, system_account, resolver }: Options): string[] {
  const named = payloadsOf(operator)
    .map(({ claims }) => textOf(claims["system_account"]))
    .filter((account) => account !== "");
  if (system_account !== "") {
    return named.length === 0 || named.includes(system_account)
      ? []
      : ["system_account in config and operator JWT must be identical"];
  }
  const needsOne = resolver?.type === "full" || resolver?.type === "cache";
  if (!needsOne) return [];
  return [
    "using nats based account resolver - the system account needs to be specified in configuration or the operator jwt",
  ];
}

/** An operator may ask for a server of at least some version. */
function versionProblems(operator: readonly string[]): string[] {
  return payloadsOf(operator).flatMap(({ subject, claims }) => {
    const wanted = textOf(claims["assert_server_version"]);
    if (wanted === "") return [];
    const found = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})$/.exec(wanted);
    if (found === null) {
      const reason = "asserted server version must be of the form <major>.<minor>.<update>";
      return [`operator ${subject} expects version ${wanted} got error instead: ${reason}`];
    }
    const have = COMPATIBLE_VERSION.split(".").map(Number);
    const differs = have.findIndex((number, index) => Number(found[index + 1]) !== number);
    if (differs < 0 || Number(found[differs + 1]) < have[differs]) return [];
    const part = ["major", "minor", "update"][differs];
    return [
      `operator ${subject} expected ${part} version ${found[differs + 1]} > server ${part} version ${have[differs]}`,
    ];
  });
}

function payloadsOf(jwts: readonly string[]): JwtPayload[] {
  return jwts.map(jwtPayload).filter((payload) => typeof payload !== "string");
}
