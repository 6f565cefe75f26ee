import type { GivenOptions } from "./read-options.ts";
import type { Report } from "./report.ts";
import type { Position } from "./value.ts";

/** How hashes by bcrypt look. */
const BCRYPT_HASH = /^\$2[abxy]\$\d\d\$/;

/** Checks how the options inside `authorization` go together; `at` is the place of that block. */
export function checkAuthorization(given: GivenOptions, at: Position | null, report: Report): void {
  const { user = "", password = "", token = "" } = given.blocks["authorization"]?.values ?? {};
  if (token !== "" && (user !== "" || password !== "")) report.error(at, "Cannot have a user/pass and token");
  for (const [name, secret] of Object.entries({ password, token })) {
    if (typeof secret === "string" && BCRYPT_HASH.test(secret)) report.refuse(at, name, "bcrypt hashes");
  }
}
