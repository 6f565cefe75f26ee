import { createHash, timingSafeEqual } from "node:crypto";
import type { ConnectOptions } from "../wire/connect.ts";

/** Whom a server lets in: nobody is asked, one user with a password, or whoever knows the token. */
export type Credentials =
  | { readonly kind: "none" }
  | { readonly kind: "user"; readonly user: string; readonly password: string }
  | { readonly kind: "token"; readonly token: string };

/** What came of it. `user` is how monitoring and logs name who was let in. */
export type Verdict = { readonly allowed: true; readonly user: string } | { readonly allowed: false };

/** Decides about a CONNECT. Costs the same time whatever is wrong with a password or token. */
export function authenticate(credentials: Credentials, connect: ConnectOptions): Verdict {
  switch (credentials.kind) {
    case "none":
      return { allowed: true, user: "" };
    case "user": {
      const isUser = sameSecret(credentials.user, connect.user);
      const isPassword = sameSecret(credentials.password, connect.pass);
      return isUser && isPassword ? { allowed: true, user: credentials.user } : { allowed: false };
    }
    case "token":
      return sameSecret(credentials.token, connect.auth_token)
        ? { allowed: true, user: "[REDACTED]" }
        : { allowed: false };
  }
}

/** Equal or not, in a time that tells nothing about where they differ, or how long they are. */
function sameSecret(expected: string, given: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text, "utf8").digest();
  return timingSafeEqual(digest(expected), digest(given));
}
