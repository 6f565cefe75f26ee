import { updateProblem } from "../account-claims-check.ts";
import { isProblem, type Problem } from "../claims/fields.ts";
import { decodeClaims, decodeJwt } from "../jwt.ts";

/** What resolvers look at in a JWT, by the names it has there; any decoded claims fit. Times are Unix seconds. */
export interface ClaimsHead {
  /** Empty: none. */
  readonly jti: string;
  readonly type: string;
  readonly sub: string;
  readonly iss: string;
  readonly iat: number;
  /** 0: never. */
  readonly exp: number;
  /** Of a generic JWT the object as it was sent: look its members up with `Object.hasOwn`. */
  readonly nats: object;
}

/** What resolvers are handed of operator mode. */
export interface ClaimsRules {
  /** Decodes a JWT of any type, and checks that its issuer signed it and may issue that type. */
  decode(jwt: string): ClaimsHead | Problem;
  /** What is wrong with the claims of an account's JWT that decodes; null: nothing. Expiry doesn't count. */
  problemWith(jwt: string): string | null;
  /** Whether an issuer is a trusted operator, or one of its signing keys. */
  isTrusted(issuer: string): boolean;
}

/** The rules of operator mode; `isTrusted` knows the keys that may sign accounts. */
export function operatorRules(isTrusted: (issuer: string) => boolean): ClaimsRules {
  return {
    decode: decodeJwt,
    problemWith(jwt) {
      const claims = decodeClaims("account", jwt);
      return isProblem(claims) ? claims.problem : updateProblem(claims);
    },
    isTrusted,
  };
}

/** What the reference says of a JWT that no trusted operator signed. */
export const UNTRUSTED = "account validation failed";

/** The claims of an account's JWT, of `accountId` when that is given. */
export function decodeAccount(
  rules: ClaimsRules,
  jwt: string,
  accountId: string | null,
): ClaimsHead | Problem {
  const claims = rules.decode(jwt);
  if (isProblem(claims)) return claims;
  if (claims.type !== "account") return { problem: "not account claim" };
  if (accountId !== null && claims.sub !== accountId) {
    return { problem: "subject does not match jwt content" };
  }
  return claims;
}
