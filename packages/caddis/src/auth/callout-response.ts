import type { AuthorizationResponseClaims, UserClaims } from "./claims/claims.ts";
import { isProblem, type Problem } from "./claims/fields.ts";
import { timeProblems } from "./claims/times.ts";
import { isPublicNkey } from "../base/nkey-text.ts";
import { decodeClaims, JWT_BYTES_MAX, JWT_PREFIX } from "./jwt.ts";
import type { CurveKeyPair } from "./xkey.ts";

/** Longest part of a service's own words that goes to the log. */
const REASON_CHARS_MAX = 256;

/** What an answer has to be. */
export interface ExpectedAnswer {
  /** Made for the request: an answer to another request, or a user's own token, is about another key. */
  readonly userNkey: string;
  /** The server that asked. */
  readonly serverId: string;
  /** What opens a sealed answer: the server's pair, and the service's public key. Null: answers come unsealed. */
  readonly seal: { readonly curve: CurveKeyPair; readonly sender: string } | null;
  /** Whether an answer that came unsealed may be signed by `iss` in the name of `issuerAccount` (empty: its own). */
  isSigner(iss: string, issuerAccount: string): boolean;
  /** Wall-clock. */
  readonly nowMs: number;
}

/** The user's claims in a service's answer, or why there are none. Who signed them is left to the caller. */
export function readCalloutAnswer(message: Uint8Array, expected: ExpectedAnswer): UserClaims | Problem {
  // A sealed answer is longer than the token in it, but not by that much.
  if (message.length > 2 * JWT_BYTES_MAX) return { problem: "the answer is longer than a token may be" };
  if (message.length === 0) return { problem: "no reason supplied" };
  const isSealed = expected.seal !== null && !isToken(message);
  const opened = isSealed ? open(message, expected) : message;
  if (opened === null) return { problem: "the answer can't be decrypted" };
  const answer = decodeClaims("authorization_response", Buffer.from(opened).toString("latin1"));
  if (isProblem(answer)) return { problem: `the answer is no authorization response: ${answer.problem}` };
  const problem = answerProblem(answer, expected, isSealed);
  if (problem !== null) return { problem };
  const user = decodeClaims("user", answer.nats.jwt);
  if (isProblem(user)) return { problem: `the answer's user JWT is not valid: ${user.problem}` };
  if (user.sub !== expected.userNkey) return { problem: "the answer's user JWT is for another user" };
  return user;
}

function isToken(message: Uint8Array): boolean {
  return Buffer.from(message.subarray(0, JWT_PREFIX.length)).toString("latin1") === JWT_PREFIX;
}

function open(message: Uint8Array, { seal }: ExpectedAnswer): Uint8Array | null {
  return seal === null ? null : seal.curve.open(message, seal.sender);
}

/** Who sealed it has shown that it is the service: then it does not matter who signed. */
function answerProblem(
  answer: AuthorizationResponseClaims,
  expected: ExpectedAnswer,
  isSealed: boolean,
): string | null {
  const { error, jwt, issuer_account: issuerAccount } = answer.nats;
  if (answer.sub !== expected.userNkey) return "the answer is not for the expected user";
  if (answer.aud !== expected.serverId) return "the answer is not for this server";
  if (issuerAccount !== "" && !isPublicNkey("account", issuerAccount)) return "issuer_account is no account";
  if (!isSealed && !expected.isSigner(answer.iss, issuerAccount))
    return "the answer's signing key is unknown";
  const [expired] = timeProblems(answer, expected.nowMs);
  if (expired !== undefined) return `the answer: ${expired}`;
  if ((error === "") === (jwt === "")) return "the answer needs either an error or a JWT";
  return error === "" ? null : `the service refused: ${JSON.stringify(error.slice(0, REASON_CHARS_MAX))}`;
}
