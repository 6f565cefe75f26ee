import type { ConfiguredAccount } from "./accounts.ts";
import type { GivenOptions } from "./read-options.ts";
import { duplicateUsers } from "./read-users.ts";
import { quoted } from "./read-value.ts";
import type { Report } from "./report.ts";
import type { AuthCalloutConfig, UserConfig } from "./users.ts";
import type { Position } from "./value.ts";

/** What the readers of a table leave of the options that go together. */
interface GivenAuthorization {
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  readonly users?: readonly UserConfig[];
  readonly auth_callout?: AuthCalloutConfig;
}

/**
 * Checks how the options inside `authorization` go together, and with the users of accounts; `at` is the
 * place of that block.
 */
export function checkAuthorization(given: GivenOptions, at: Position | null, report: Report): void {
  const authorization: GivenAuthorization = given.blocks["authorization"]?.values ?? {};
  const accounts = (given.values["accounts"] ?? []) as readonly ConfiguredAccount[];
  const { user = "", password = "", token = "" } = authorization;
  if (token !== "" && (user !== "" || password !== "")) report.error(at, "Cannot have a user/pass and token");
  const others = otherUsers(authorization, accounts);
  if (others !== null && user !== "") report.error(at, `Can not have a single user/pass and ${others}`);
  if (others !== null && token !== "") report.error(at, `Can not have a token and ${others}`);
  const names = new Set<string>();
  duplicateUsers(
    accounts.flatMap((account) => account.users),
    names,
  );
  for (const problem of duplicateUsers(authorization.users ?? [], names)) report.error(at, problem);
  // What could not be read would only be missed here.
  if (report.errors.length === 0) checkCallout(authorization, given, accounts, report);
}

/** What there is besides a single user or token, in words; null for nothing. */
function otherUsers({ users }: GivenAuthorization, accounts: readonly ConfiguredAccount[]): string | null {
  if (users !== undefined) return "a users array";
  return accounts.some((account) => account.users.length > 0) ? "accounts" : null;
}

function checkCallout(
  { auth_callout: callout }: GivenAuthorization,
  given: GivenOptions,
  accounts: readonly ConfiguredAccount[],
  report: Report,
): void {
  const names = new Set(accounts.map(({ name }) => name));
  // The global account is configured as soon as something is said about it.
  if (given.values["mappings"] !== undefined) names.add("$G");
  for (const name of callout?.allowed_accounts ?? []) {
    if (names.has(name)) continue;
    report.error(null, `auth_callout allowed account ${quoted(name)} not found in configured accounts`);
  }
}
