import { isPublicNkey } from "../base/nkey-text.ts";
import { NO_ACCOUNT_LIMITS, type AccountLimits, type ConfiguredAccount } from "./accounts.ts";
import { accountLinkProblems } from "./check-accounts.ts";
import { readMappings } from "./mappings.ts";
import type { ReadContext } from "./read-context.ts";
import { readExports } from "./read-exports.ts";
import { readImports } from "./read-imports.ts";
import { readAccountJetStream } from "./read-jetstream-account.ts";
import { readMsgTrace } from "./read-msg-trace.ts";
import { readPermissions } from "./read-permissions.ts";
import { belonging, duplicateUsers, readUsers } from "./read-users.ts";
import { quoted, readInt, readMembers, shown, wrongKind } from "./read-value.ts";
import type { ConfigEntry, MapValue } from "./value.ts";

/** Every server has it, and no configuration sets it up. */
const RESERVED_ACCOUNT = "$G";
/** The reference keeps limits in 32 bits. */
const LIMIT_MAX = 2 ** 31 - 1;

type Mutable<Type> = { -readonly [Name in keyof Type]: Type[Name] };

/** Reads `accounts`: a map by name, or a list of names. */
export function readAccounts(
  entry: ConfigEntry,
  context: ReadContext,
): readonly ConfiguredAccount[] | undefined {
  const { report } = context;
  const { value, at } = entry;
  if (value.kind === "array")
    return readNames(
      value.items.map((item) => ({ ...entry, value: item, at: item.at })),
      context,
    );
  if (value.kind !== "map") return wrongKind(entry, "a map or a list of names", report);
  const errors = report.errors.length;
  const accounts: ConfiguredAccount[] = [];
  const names = new Set<string>();
  for (const member of value.entries.values()) {
    // Not an account but a value that others refer to.
    if (member.usedAsVariable) report.variables.add(member);
    else if (member.value.kind !== "map") report.error(member.at, "Expected map entries for accounts");
    else if (member.key === RESERVED_ACCOUNT) report.error(member.at, reserved(member.key));
    else accounts.push(readAccount(member, member.value, names, context));
  }
  if (report.errors.length > errors) return undefined;
  for (const problem of accountLinkProblems(accounts)) report.error(at, problem);
  return accounts;
}

function readNames(entries: readonly ConfigEntry[], { report }: ReadContext): ConfiguredAccount[] {
  const names = new Set<string>();
  for (const entry of entries) {
    const { value, at } = entry;
    if (value.kind !== "string") wrongKind(entry, "a map or a list of names", report);
    else if (value.value === RESERVED_ACCOUNT) report.error(at, reserved(value.value));
    else if (names.has(value.value)) report.error(at, `Duplicate Account Entry: ${value.value}`);
    else names.add(value.value);
  }
  return [...names].map(emptyAccount);
}

function reserved(name: string): string {
  return `${quoted(name)} is a Reserved Account`;
}

function emptyAccount(name: string): Mutable<ConfiguredAccount> {
  return {
    name,
    nkey: "",
    exports: [],
    imports: [],
    mappings: [],
    limits: NO_ACCOUNT_LIMITS,
    default_permissions: null,
    users: [],
  };
}

/** `names` has those of all users so far. */
function readAccount(
  { key }: ConfigEntry,
  map: MapValue,
  names: Set<string>,
  context: ReadContext,
): ConfiguredAccount {
  const { report } = context;
  const account = emptyAccount(key);
  const readAccountMappings = (entry: ConfigEntry): void => {
    if (entry.value.kind === "map") account.mappings = readMappings(entry.value, report);
    else wrongKind(entry, "a map", report);
  };
  const readTrace = (entry: ConfigEntry): void => {
    const trace = readMsgTrace(entry, context);
    if (trace === undefined) delete account.msg_trace;
    else account.msg_trace = trace;
  };
  readMembers(
    map,
    {
      nkey: (entry) => (account.nkey = readAccountNkey(entry, context)),
      users: (entry) => {
        account.users = readUsers(entry, context) ?? [];
        for (const problem of duplicateUsers(account.users, names)) report.error(entry.at, problem);
      },
      default_permissions: (entry) => (account.default_permissions = readPermissions(entry, context) ?? null),
      exports: (entry) => (account.exports = readExports(entry, context)),
      imports: (entry) => (account.imports = readImports(entry, context)),
      mappings: readAccountMappings,
      maps: readAccountMappings,
      limits: (entry) => (account.limits = readLimits(entry, context)),
      jetstream: (entry) => {
        const tiers = readAccountJetStream(entry, context);
        if (tiers === null) delete account.jetstream;
        else account.jetstream = tiers;
      },
      msg_trace: readTrace,
      trace_dest: readTrace,
    },
    context,
  );
  account.users = belonging(account.users, key, account.default_permissions);
  return account;
}

function readAccountNkey({ value, at }: ConfigEntry, { report }: ReadContext): string {
  const nkey = value.kind === "string" ? value.value : shown(value);
  if (value.kind === "string" && isPublicNkey("account", nkey)) return nkey;
  report.error(at, `Not a valid public nkey for an account: ${quoted(nkey)}`);
  return "";
}

function readLimits({ value, at }: ConfigEntry, context: ReadContext): AccountLimits {
  const limits: Mutable<AccountLimits> = { ...NO_ACCOUNT_LIMITS };
  if (value.kind !== "map") {
    context.report.error(at, `Expected account limits to be a map/struct, got ${shown(value)}`);
    return limits;
  }
  const limit =
    (name: keyof AccountLimits) =>
    (entry: ConfigEntry): void => {
      const number = readInt(entry, context) ?? -1;
      if (number > LIMIT_MAX) context.report.error(entry.at, `${entry.key} value is too big`);
      limits[name] = Math.max(number, -1);
    };
  readMembers(
    value,
    {
      max_connections: limit("max_connections"),
      max_conn: limit("max_connections"),
      max_subscriptions: limit("max_subscriptions"),
      max_subs: limit("max_subscriptions"),
      max_payload: limit("max_payload"),
      max_pay: limit("max_payload"),
      max_leafnodes: limit("max_leafnodes"),
      max_leafs: limit("max_leafnodes"),
    },
    context,
    (key) => `Unknown field ${quoted(key)} parsing account limits`,
  );
  return limits;
}
