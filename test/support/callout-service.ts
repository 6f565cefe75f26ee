import { randomBytes } from "node:crypto";
import { decodeJwt, encodeJwt } from "../../packages/caddis/src/auth/jwt.ts";
import { KeyPair, type SigningRole } from "../../packages/caddis/src/auth/nkey-pair.ts";

/** A new key pair. */
export function newKeyPair(role: SigningRole): KeyPair {
  return KeyPair.fromSecret(role, randomBytes(32));
}

/** What a service reads in a request. */
export interface SeenRequest {
  readonly aud: string;
  readonly iss: string;
  readonly sub: string;
  readonly exp: number;
  readonly nats: {
    readonly user_nkey: string;
    readonly server_id: Readonly<Record<string, unknown>>;
    readonly client_info: Readonly<Record<string, unknown>>;
    readonly connect_opts: Readonly<Record<string, unknown>>;
    readonly client_tls?: Readonly<Record<string, unknown>>;
  };
}

/** How an answer differs from a good one for a user in account APP. */
export interface Answer {
  readonly error?: string;
  /** Of the response. */
  readonly sub?: string;
  readonly aud?: string;
  readonly exp?: number;
  readonly issuerAccount?: string;
  readonly signer?: KeyPair;
  /** Of the user. Null: no user. */
  readonly user?: {
    readonly sub?: string;
    readonly aud?: string;
    readonly name?: string;
    readonly exp?: number;
    readonly signer?: KeyPair;
    readonly nats?: object;
  } | null;
}

/** The token in a request, its form and signature checked. */
export function readRequest(payload: Uint8Array): SeenRequest {
  const token = Buffer.from(payload).toString("latin1");
  const claims = decodeJwt(token);
  if (!("type" in claims) || claims.type !== "authorization_request") throw new Error("not a request");
  return JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString()) as SeenRequest;
}

/** The token of an answer to `request` by the service that `issuer` signs for. */
export function writeAnswer(request: SeenRequest, issuer: KeyPair, answer: Answer, nowMs: number): Buffer {
  const { user_nkey: userNkey, server_id: server } = request.nats;
  const user = answer.user === null ? {} : { jwt: writeUser(userNkey, issuer, answer.user ?? {}, nowMs) };
  const error = answer.error === undefined ? {} : { error: answer.error };
  const account = answer.issuerAccount === undefined ? {} : { issuer_account: answer.issuerAccount };
  const claims = {
    sub: answer.sub ?? userNkey,
    aud: answer.aud ?? String(server["id"]),
    exp: answer.exp ?? 0,
    nats: { ...user, ...error, ...account },
  };
  return Buffer.from(encodeJwt("authorization_response", claims, answer.signer ?? issuer, nowMs));
}

function writeUser(
  userNkey: string,
  issuer: KeyPair,
  user: NonNullable<Answer["user"]>,
  nowMs: number,
): string {
  const nats = { subs: -1, data: -1, payload: -1, ...user.nats };
  const { sub = userNkey, aud = "APP", name = "dave", exp = 0 } = user;
  return encodeJwt("user", { sub, aud, name, exp, nats }, user.signer ?? issuer, nowMs);
}
