import { isPublicNkey } from "../base/nkey-text.ts";
import type { Permissions } from "./permissions.ts";
import type { ReadContext } from "./read-context.ts";
import { readPermissions } from "./read-permissions.ts";
import { lastPlace, quoted, readBool, readMembers, readText, readTexts, shown } from "./read-value.ts";
import { CONNECTION_TYPES, type ConnectionType, type UserConfig } from "./users.ts";
import type { ConfigEntry, MapValue } from "./value.ts";

/** Reads a list of `users`. Their account is filled in by who reads that. */
export function readUsers(entry: ConfigEntry, context: ReadContext): readonly UserConfig[] | undefined {
  const { report } = context;
  const { value, at } = entry;
  if (value.kind !== "array") {
    return report.error(at, `Expected users field to be an array, got ${shown(value)}`);
  }
  const users: UserConfig[] = [];
  for (const item of value.items) {
    if (item.kind !== "map") {
      report.error(item.at, `Expected user entry to be a map/struct, got ${shown(item)}`);
      continue;
    }
    const user = readUser(item, context);
    const problem = problemOf(user);
    if (problem === null) users.push(user);
    else report.error(lastPlace(item), problem);
  }
  return users;
}

/** `users` with the account they belong to, and its default for those that have no permissions of their own. */
export function belonging(
  users: readonly UserConfig[],
  account: string,
  defaults: Permissions | null,
): UserConfig[] {
  return users.map((user) => ({ ...user, account, permissions: user.permissions ?? defaults }));
}

/** What is wrong with users whose name or nkey is among `names` already; all are added to it. */
export function duplicateUsers(users: readonly UserConfig[], names: Set<string>): string[] {
  const problems: string[] = [];
  for (const { user, nkey } of users) {
    const name = nkey === "" ? user : nkey;
    if (names.has(name)) problems.push(`Duplicate ${nkey === "" ? "user" : "nkey"} ${quoted(name)} detected`);
    names.add(name);
  }
  return problems;
}

function readUser(map: MapValue, context: ReadContext): UserConfig {
  const user: { -readonly [Name in keyof UserConfig]: UserConfig[Name] } = {
    user: "",
    password: "",
    nkey: "",
    account: "",
    permissions: null,
    allowed_connection_types: null,
    proxy_required: false,
  };
  const readName = (entry: ConfigEntry): void => {
    user.user = readText(entry, context) ?? "";
  };
  const readPassword = (entry: ConfigEntry): void => {
    user.password = readText(entry, context) ?? "";
  };
  const readOwnPermissions = (entry: ConfigEntry): void => {
    user.permissions = readPermissions(entry, context) ?? null;
  };
  const readTypes = (entry: ConfigEntry): void => {
    user.allowed_connection_types = readConnectionTypes(entry, context);
  };
  readMembers(
    map,
    {
      user: readName,
      username: readName,
      pass: readPassword,
      password: readPassword,
      nkey: (entry) => (user.nkey = readText(entry, context) ?? ""),
      permission: readOwnPermissions,
      permissions: readOwnPermissions,
      authorization: readOwnPermissions,
      allowed_connection_types: readTypes,
      connection_types: readTypes,
      clients: readTypes,
      proxy_required: (entry) => (user.proxy_required = readBool(entry, context) ?? false),
    },
    context,
  );
  return user;
}

function problemOf({ user, password, nkey }: UserConfig): string | null {
  if (nkey === "") return user === "" ? "User entry requires a user" : null;
  if (!isPublicNkey("user", nkey)) return "Not a valid public nkey for a user";
  return user === "" && password === "" ? null : "Nkey users do not take usernames or passwords";
}

/** Null stands for all, and so does an empty list. */
function readConnectionTypes(entry: ConfigEntry, context: ReadContext): ConnectionType[] | null {
  const words = (readTexts(entry, "allowed connection types", context) ?? []).map((word) =>
    word.toUpperCase(),
  );
  const types = CONNECTION_TYPES.filter((type) => words.includes(type));
  const unknown = words.filter((word) => !CONNECTION_TYPES.some((type) => type === word));
  if (unknown.length > 0) {
    context.report.error(entry.at, `invalid connection types [${unknown.map(quoted).join(" ")}]`);
  }
  return types.length === 0 ? null : types;
}
