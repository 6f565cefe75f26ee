import { isPublicNkey } from "../base/nkey-text.ts";
import type { ReadContext } from "./read-context.ts";
import { lastPlace, quoted, readMembers, readText, readTextList, shown } from "./read-value.ts";
import type { AuthCalloutConfig } from "./users.ts";
import type { ConfigEntry } from "./value.ts";

/** The account of users and services that name none. */
const GLOBAL_ACCOUNT = "$G";

/** Reads `authorization.auth_callout`. */
export function readAuthCallout(entry: ConfigEntry, context: ReadContext): AuthCalloutConfig | undefined {
  const { report } = context;
  const { value, at } = entry;
  if (value.kind !== "map") {
    return report.error(at, `Expected authorization callout to be a map/struct, got ${shown(value)}`);
  }
  const found: { -readonly [Name in keyof AuthCalloutConfig]: AuthCalloutConfig[Name] } = {
    issuer: "",
    account: "",
    auth_users: [],
    xkey: "",
    allowed_accounts: [],
  };
  const readAccount = (member: ConfigEntry): void => {
    found.account = readText(member, context) ?? "";
  };
  const readAuthUsers = (member: ConfigEntry): void => {
    found.auth_users = readTextList(member, context) ?? [];
  };
  const readXkey = (member: ConfigEntry): void => {
    const xkey = readText(member, context) ?? "";
    found.xkey = xkey;
    if (isPublicNkey("curve", xkey)) return;
    report.error(member.at, `Expected callout xkey to be a valid public xkey, got ${quoted(xkey)}`);
  };
  const readIssuer = (member: ConfigEntry): void => {
    const issuer = readText(member, context) ?? "";
    found.issuer = issuer;
    if (isPublicNkey("account", issuer)) return;
    const reason = `Expected callout user to be a valid public account nkey, got ${quoted(issuer)}`;
    report.error(member.at, reason);
  };
  const errors = report.errors.length;
  readMembers(
    value,
    {
      issuer: readIssuer,
      account: readAccount,
      acc: readAccount,
      auth_users: readAuthUsers,
      users: readAuthUsers,
      xkey: readXkey,
      key: readXkey,
      allowed_accounts: (member) => (found.allowed_accounts = readTextList(member, context) ?? []),
    },
    context,
    (key) => `Unknown field ${quoted(key)} parsing authorization callout`,
  );
  if (report.errors.length > errors) return undefined;
  if (found.issuer === "") {
    return report.error(lastPlace(value), "Authorization callouts require an issuer to be specified");
  }
  if (found.auth_users.length === 0) {
    return report.error(lastPlace(value), "Authorization callouts require authorized users to be specified");
  }
  return found.account === "" ? { ...found, account: GLOBAL_ACCOUNT } : found;
}
