import { createHash } from "node:crypto";
import { roleOfNkey } from "../base/nkey-text.ts";
import {
  type Claims,
  type ClaimsOf,
  type ClaimsType,
  ISSUER_ROLES,
  readClaims,
  SUBJECT_ROLES,
} from "./claims/claims.ts";
import { FieldError, Fields, isProblem, type Problem } from "./claims/fields.ts";
import { parseJson } from "./claims/json.ts";
import { base32 } from "./nkey.ts";
import { type KeyPair, verifySignature } from "./nkey-pair.ts";

/** No token is longer; as in the reference. */
export const JWT_BYTES_MAX = 1024 * 1024;

/** What all tokens begin with: base64 of `{"`. */
export const JWT_PREFIX = "eyJ";

/** Version 1 signs the payload, version 2 header and payload. */
const OLD_ALGORITHM = "ed25519";
const ALGORITHM = "ed25519-nkey";

/**
 * A token's claims, once its form, its signature and the role of the key that signed have been checked: that the
 * issuer said this, not that anybody trusts the issuer, nor that it still holds. Only the one spelling that
 * encoding gives is accepted: no padding, no white space, no bits left over.
 */
export function decodeJwt(token: string): Claims | Problem {
  try {
    return decode(token);
  } catch (error) {
    if (error instanceof FieldError) return { problem: error.message };
    throw error;
  }
}

/** The same for a token that has to be of one type. */
export function decodeClaims<Type extends ClaimsType>(type: Type, token: string): ClaimsOf<Type> | Problem {
  const claims = decodeJwt(token);
  if (isProblem(claims)) return claims;
  return claims.type === type ? (claims as ClaimsOf<Type>) : { problem: `not ${type} claims` };
}

function decode(token: string): Claims {
  if (token.length > JWT_BYTES_MAX) throw new FieldError("longer than a token may be");
  const chunks = token.split(".", 4);
  if (chunks.length !== 3) throw new FieldError("expected three parts");
  const [header, payload, signature] = chunks.map(decodeBase64);
  const isOldAlgorithm = readAlgorithm(header) === OLD_ALGORITHM;
  const claims = readClaims(parseJson(payload), isOldAlgorithm);
  const signed = claims.version === 1 ? chunks[1] : token.slice(0, token.lastIndexOf("."));
  if (!verifySignature(claims.iss, Buffer.from(signed, "latin1"), signature)) {
    throw new FieldError("the signature is not the issuer's");
  }
  checkRoles(claims);
  return claims;
}

function readAlgorithm(header: Uint8Array): string {
  const fields = new Fields(parseJson(header), "the header");
  if (fields.string("typ").toUpperCase() !== "JWT") throw new FieldError("not a JWT");
  const algorithm = fields.string("alg").toLowerCase();
  if (algorithm !== ALGORITHM && algorithm !== OLD_ALGORITHM) throw new FieldError("unexpected algorithm");
  return algorithm;
}

function checkRoles({ type, iss, sub }: Claims): void {
  const issuerRole = roleOfNkey(iss);
  if (issuerRole === null || !ISSUER_ROLES[type].includes(issuerRole)) {
    throw new FieldError(`no issuer of ${type} claims`);
  }
  const subjectRole = SUBJECT_ROLES[type];
  if (subjectRole !== null && roleOfNkey(sub) !== subjectRole) {
    throw new FieldError(`no subject of ${type} claims`);
  }
}

function decodeBase64(chunk: string): Uint8Array {
  const bytes = Buffer.from(chunk, "base64url");
  if (bytes.toString("base64url") !== chunk) throw new FieldError("not base64 as it should be");
  return bytes;
}

/** Claims to be signed; what is empty, 0 or absent is left out of the token. */
export interface ClaimsToEncode {
  readonly sub: string;
  readonly aud?: string;
  readonly exp?: number;
  readonly name?: string;
  readonly nbf?: number;
  /** The particular part, by the names it has in a token; type and version are added. */
  readonly nats: object;
}

/** A version 2 token, signed by `issuer` at `nowMs` (wall-clock). The caller sees to the issuer's role. */
export function encodeJwt(type: string, claims: ClaimsToEncode, issuer: KeyPair, nowMs: number): string {
  const { sub, aud, exp, name, nbf, nats } = claims;
  const iat = Math.floor(nowMs / 1_000);
  const before = { aud: aud || undefined, exp: exp || undefined };
  const after = { iat, iss: issuer.publicKey, name: name || undefined, nbf: nbf || undefined, sub };
  // An id is only a name for logs; this is how the reference makes it.
  const hash = createHash("sha512-256").update(JSON.stringify({ ...before, ...after }));
  const jti = base32(hash.digest());
  const payload = { ...before, jti, ...after, nats: { ...nats, type, version: 2 } };
  const signed = `${encodeBase64({ typ: "JWT", alg: ALGORITHM })}.${encodeBase64(payload)}`;
  const signature = issuer.sign(Buffer.from(signed, "latin1"));
  return `${signed}.${Buffer.from(signature).toString("base64url")}`;
}

function encodeBase64(value: object): string {
  return Buffer.from(JSON.stringify(value), "utf8").toString("base64url");
}
