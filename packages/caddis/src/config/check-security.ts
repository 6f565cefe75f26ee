import { operatorProblems } from "./check-operator.ts";
import type { Options } from "./options.ts";
import { quoted } from "./read-value.ts";
import { suiteKind } from "./tls-names.ts";
import type { UserConfig } from "./users.ts";

/** Accounts that are there without being configured; the other one of every server is made when nothing names it. */
const GLOBAL_ACCOUNT = "$G";
/** How hashes by bcrypt look. */
const BCRYPT_HASH = /^\$2[abxy]\$\d\d\$/;

/** All users of a configuration: those of `authorization` and those of accounts. */
function configuredUsers(options: Options): readonly UserConfig[] {
  return [...options.authorization.users, ...options.accounts.flatMap(({ users }) => users)];
}

/** The names of all configured users, or their nkeys. */
export function configuredUserNames(options: Options): readonly string[] {
  return configuredUsers(options).map(({ user, nkey }) => (nkey === "" ? user : nkey));
}

/** What is wrong with how options about security go together, apart from what a file's check (`-t`) finds. */
export function securityProblems(options: Options): string[] {
  return [
    ...operatorProblems(options),
    ...noAuthUserProblems(options),
    ...systemAccountProblems(options),
    ...latencyProblems(options),
    ...tlsProblems(options),
  ];
}

/** What a start says about security. */
export function securityWarnings(options: Options): string[] {
  return [...passwordWarnings(options), ...calloutWarnings(options)];
}

function noAuthUserProblems(options: Options): string[] {
  const { no_auth_user: name, operator } = options;
  // In operator mode there is none anyway, which is said already.
  if (name === "" || operator.length > 0) return [];
  const names = configuredUserNames(options);
  if (names.length === 0) return [`no_auth_user: ${quoted(name)} present, but users/nkeys are not defined`];
  if (names.includes(name)) return [];
  return [
    `no_auth_user: ${quoted(name)} not present as user or nkey in authorization block or account configuration`,
  ];
}

function systemAccountProblems({ system_account: name, accounts, operator, trusted }: Options): string[] {
  const isConfigured = operator.length === 0 && trusted.length === 0;
  if (!isConfigured || name === "" || name === GLOBAL_ACCOUNT) return [];
  if (accounts.some((account) => account.name === name)) return [];
  return ["error resolving system account: account missing"];
}

/** Latencies are events, which the system account publishes. */
function latencyProblems({ accounts, no_system_account }: Options): string[] {
  if (!no_system_account) return [];
  return accounts
    .flatMap((account) => account.exports)
    .filter((found) => found.kind === "service" && found.latency !== null)
    .map(
      ({ subject }) =>
        `Error adding service latency sampling for ${quoted(subject)}: system account not setup`,
    );
}

function tlsProblems({ tls }: Options): string[] {
  if (tls === null) return [];
  const problems = tls.cipher_suites
    .filter((name) => suiteKind(name) === "missing")
    .map((name) => `cipher suite ${name} is no longer available`);
  // nats-server starts, and fails every handshake.
  if (tls.certificates.length === 0) problems.push("TLS Server certificate must be present and valid");
  if (tls.ocsp_peer?.verify === true && !tls.verify) {
    problems.push("OCSP peer verification for client connections requires TLS verify (mTLS) to be enabled");
  }
  return problems;
}

function passwordWarnings(options: Options): string[] {
  const { authorization, tls } = options;
  const isPlain = (password: string): boolean => !BCRYPT_HASH.test(password);
  const single = authorization.password !== "" && isPlain(authorization.password);
  const isMapped = tls?.verify_and_map ?? false;
  const listed = configuredUsers(options).some(
    // A certificate stands for a user without password.
    ({ nkey, password }) => nkey === "" && isPlain(password) && !(password === "" && isMapped),
  );
  return single || listed ? ["Plaintext passwords detected, use nkeys or bcrypt"] : [];
}

function calloutWarnings(options: Options): string[] {
  const { accounts, authorization } = options;
  const { auth_callout: callout } = authorization;
  if (callout === null) return [];
  const warnings: string[] = [];
  const isKnown = callout.account === GLOBAL_ACCOUNT || accounts.some(({ name }) => name === callout.account);
  if (!isKnown) warnings.push(`Authorization callout account ${quoted(callout.account)} not valid`);
  const names = new Set(configuredUserNames(options));
  if (authorization.user !== "") names.add(authorization.user);
  for (const user of callout.auth_users) {
    if (!names.has(user)) warnings.push(`Authorization callout user ${quoted(user)} not valid`);
  }
  return warnings;
}
