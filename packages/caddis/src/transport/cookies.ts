import type { CookieCredentials } from "../io/websocket.ts";

/** Which cookies carry what; empty: none does. */
export interface CookieNames {
  readonly jwt_cookie: string;
  readonly user_cookie: string;
  readonly pass_cookie: string;
  readonly token_cookie: string;
}

/** What RFC 6265 allows in a name and in a value, spaces and commas besides; other cookies are passed over. */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\x20\x21\x23-\x3a\x3c-\x5b\x5d-\x7e]*$/;

/** The credentials in the `Cookie` fields of a request. Of several cookies of one name the last counts. */
export function cookieCredentials(fields: readonly string[], names: CookieNames): CookieCredentials {
  const cookies = new Map<string, string>();
  for (const cookie of fields.flatMap((field) => field.split(";"))) {
    const [name, value] = split(cookie.trim());
    if (NAME.test(name) && VALUE.test(value)) cookies.set(name, value);
  }
  const named = (name: string): string => (name === "" ? "" : (cookies.get(name) ?? ""));
  return {
    jwt: named(names.jwt_cookie),
    user: named(names.user_cookie),
    pass: named(names.pass_cookie),
    auth_token: named(names.token_cookie),
  };
}

function split(cookie: string): readonly [name: string, value: string] {
  const at = cookie.indexOf("=");
  if (at < 0) return [cookie.trim(), ""];
  const value = cookie.slice(at + 1).trim();
  const isQuoted = value.length > 1 && value.startsWith('"') && value.endsWith('"');
  return [cookie.slice(0, at).trim(), isQuoted ? value.slice(1, -1) : value];
}
