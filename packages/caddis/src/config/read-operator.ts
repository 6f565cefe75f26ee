import { isPublicNkey } from "../base/nkey-text.ts";
import { jwtPayload } from "./jwt-payload.ts";
import type { ReadContext } from "./read-context.ts";
import { quoted, readTexts } from "./read-value.ts";
import type { ConfigEntry } from "./value.ts";

/** Every JWT begins with it: base64url of `{"`. */
const JWT_START = "eyJ";

/** Reads `operator`: JWTs, or in a file also the paths of files that hold one each. */
export function readOperators(entry: ConfigEntry, context: ReadContext): readonly string[] | undefined {
  const given = readTexts(entry, "operators", context);
  if (given === undefined) return undefined;
  const jwts: string[] = [];
  for (const text of given) {
    const jwt = operatorJwt(text, context);
    const payload = "problem" in jwt ? jwt.problem : jwtPayload(jwt.text);
    if (typeof payload === "string") {
      context.report.error(entry.at, `error parsing operator JWT: ${payload}`);
    } else if (payload.type !== "operator") {
      context.report.error(entry.at, "error parsing operator JWT: not operator claim");
    } else if ("text" in jwt) jwts.push(jwt.text);
  }
  return jwts;
}

/** Reads `trusted`: public keys of operators. */
export function readTrustedKeys(entry: ConfigEntry, context: ReadContext): readonly string[] | undefined {
  const keys = readTexts(entry, "trusted", context);
  for (const key of keys ?? []) {
    if (isPublicNkey("operator", key)) continue;
    context.report.error(entry.at, `trust key ${quoted(key)} required to be a valid public operator nkey`);
  }
  return keys;
}

/** Reads `resolver_pinned_accounts`. */
export function readPinnedAccounts(entry: ConfigEntry, context: ReadContext): readonly string[] | undefined {
  return readTexts(entry, "resolver_pinned_accounts", context);
}

/** Reads `resolver_preload`: account JWTs by public key. */
export function readPreload(
  { value, at }: ConfigEntry,
  { report }: ReadContext,
): ReadonlyMap<string, string> | undefined {
  if (value.kind !== "map") {
    return report.error(at, "preload should be a map of account_public_key:account_jwt");
  }
  const preload = new Map<string, string>();
  for (const member of value.entries.values()) {
    if (member.value.kind !== "string") {
      report.error(member.at, "preload map value should be a string JWT");
      continue;
    }
    const payload = jwtPayload(member.value.value);
    if (typeof payload !== "string" && payload.type === "account")
      preload.set(member.key, member.value.value);
    else report.error(member.at, "invalid account JWT");
  }
  return preload;
}

/** The JWT that `text` is, or that the file of this name holds. */
function operatorJwt(text: string, { readFile }: ReadContext): { text: string } | { problem: string } {
  if (text.startsWith(JWT_START) || readFile === null) return { text: undecorated(text) };
  try {
    return { text: undecorated(readFile(text)) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** The JWT of a text that has it between lines of dashes, as tools write credentials; or the text. */
function undecorated(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  const begin = lines.findIndex((line) => line.startsWith("---"));
  return begin < 0 ? text.trim() : (lines[begin + 1] ?? "");
}
