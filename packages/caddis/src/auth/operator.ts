import { isPublicNkey } from "../base/nkey-text.ts";
import type { OperatorClaims } from "./claims/claims.ts";
import type { Problem } from "./claims/fields.ts";
import { parseDecoratedJwt } from "./creds.ts";
import { decodeClaims } from "./jwt.ts";

/** Whom the server believes what accounts are. */
export interface TrustedOperators {
  /** Their claims; none where only keys are configured. */
  readonly operators: readonly OperatorClaims[];
  /** Whether a key may sign accounts. */
  isTrusted(issuer: string): boolean;
  /** Whether accounts signed by this key must not sign users by their own. */
  isStrict(issuer: string): boolean;
}

/** An operator's claims from a token, bare or decorated, as a configuration has it. */
export function decodeOperator(text: string): OperatorClaims | Problem {
  return decodeClaims("operator", parseDecoratedJwt(text));
}

/** Trust in operators: in their keys, or under strict usage only in their signing keys; or a key that is none. */
export function trustOperators(operators: readonly OperatorClaims[]): TrustedOperators | Problem {
  const keys = operators.flatMap(({ nats, sub }) =>
    nats.strict_signing_key_usage ? nats.signing_keys : [sub, ...nats.signing_keys],
  );
  const strict = operators.filter(({ nats }) => nats.strict_signing_key_usage);
  return trust(operators, keys, new Set(strict.flatMap(({ nats }) => nats.signing_keys)));
}

/** Trust in public operator keys without knowing more of them; or the one that is none. */
export function trustKeys(keys: readonly string[]): TrustedOperators | Problem {
  return trust([], keys, new Set());
}

function trust(
  operators: readonly OperatorClaims[],
  keys: readonly string[],
  strict: ReadonlySet<string>,
): TrustedOperators | Problem {
  const bad = keys.find((key) => !isPublicNkey("operator", key));
  if (bad !== undefined) {
    return { problem: `trusted Keys "${bad}" are required to be a valid public operator nkey` };
  }
  const trusted = new Set(keys);
  return {
    operators,
    isTrusted: (issuer) => trusted.has(issuer),
    isStrict: (issuer) => strict.has(issuer),
  };
}

/**
 * Why a server of `version` may not run for an operator, in the reference's words, or null. Both versions are
 * `major.minor.patch`, what follows in the server's (`-beta.1`) does not count.
 */
export function versionProblem({ sub, nats }: OperatorClaims, version: string): string | null {
  const asserted = nats.assert_server_version;
  if (asserted === "") return null;
  const expected = /^(\d+)\.(\d+)\.(\d+)$/.exec(asserted)?.slice(1).map(Number);
  if (expected === undefined) {
    return `operator ${sub} expects version ${asserted} got error instead: not of the form <major>.<minor>.<update>`;
  }
  const actual = version.split(/[.-]/).slice(0, 3).map(Number);
  for (const [i, name] of ["major", "minor", "update"].entries()) {
    if (expected[i] < actual[i]) return null;
    if (expected[i] > actual[i]) {
      return `operator ${sub} expected ${name} version ${expected[i]} > server ${name} version ${actual[i]}`;
    }
  }
  return null;
}
