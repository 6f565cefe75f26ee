import assert from "node:assert/strict";
import { type JwtAccount, accountOf } from "../../packages/caddis/src/auth/account-claims.ts";
import { isProblem } from "../../packages/caddis/src/auth/claims/fields.ts";
import type { AuthRequest } from "../../packages/caddis/src/auth/identity.ts";
import { type ClaimsToEncode, decodeClaims, encodeJwt } from "../../packages/caddis/src/auth/jwt.ts";
import { KeyPair, type SigningRole } from "../../packages/caddis/src/auth/nkey-pair.ts";
import type { ConnectionType } from "../../packages/caddis/src/config/users.ts";
import { defaultConnectOptions } from "../../packages/caddis/src/wire/connect.ts";

/** When everything happens unless said otherwise: noon of a Thursday, UTC. */
export const NOW_MS = Date.UTC(2026, 0, 15, 12);
export const NOW = NOW_MS / 1_000;
export const NONCE = "kQ8rGGKy5OuVuGo";

/** Claims of an account or a user, apart from the name that is always given. */
export type ClaimsGiven = Partial<Omit<ClaimsToEncode, "nats">> & {
  readonly nats?: object;
  /** Issued then, seconds. */
  readonly iat?: number;
  readonly signer?: KeyPair;
};

/** A key that is the same in every run. */
export function keyPair(role: SigningRole, number: number): KeyPair {
  return KeyPair.fromSecret(role, new Uint8Array(32).fill(number));
}

/** An operator with one account of one user, and what they sign. */
export class JwtWorld {
  readonly operator = keyPair("operator", 1);
  readonly account = keyPair("account", 2);
  /** Signs for the account without restriction. */
  readonly signer = keyPair("account", 3);
  /** Signs within a scope, if the account gives it one. */
  readonly scoped = keyPair("account", 4);
  readonly user = keyPair("user", 5);
  readonly other = keyPair("account", 6);

  /** An account's token. Its limits are none, and `signer` signs for it. */
  accountJwt({ nats = {}, iat = NOW - 100, signer = this.operator, ...given }: ClaimsGiven = {}): string {
    const limits = {
      subs: -1,
      data: -1,
      payload: -1,
      imports: -1,
      exports: -1,
      wildcards: true,
      conn: -1,
      leaf: -1,
    };
    const all = { limits, signing_keys: [this.signer.publicKey], ...nats };
    const claims = { sub: this.account.publicKey, name: "A", ...given, nats: all };
    return encodeJwt("account", claims, signer, iat * 1_000);
  }

  /** The account of such a token. */
  theAccount(given: ClaimsGiven = {}, isStrict = false): JwtAccount {
    const claims = decodeClaims("account", this.accountJwt(given));
    return isProblem(claims) ? assert.fail(claims.problem) : accountOf(claims, isStrict);
  }

  /** A signing key with a scope of this template, as an account's token has it. */
  scope(template: object): object {
    return { kind: "user_scope", key: this.scoped.publicKey, role: "", description: "", template };
  }

  /** A user's token, signed by the account itself, without limits. */
  userJwt({ nats = {}, iat = NOW - 50, signer = this.account, ...given }: ClaimsGiven = {}): string {
    const all = { subs: -1, data: -1, payload: -1, ...nats };
    return encodeJwt(
      "user",
      { sub: this.user.publicKey, name: "alice", ...given, nats: all },
      signer,
      iat * 1_000,
    );
  }

  /** A user's token as a scoped key signs it: it says nothing for itself. */
  scopedJwt({ nats = {}, iat = NOW - 50, signer = this.scoped, ...given }: ClaimsGiven = {}): string {
    const all = { issuer_account: this.account.publicKey, ...nats };
    return encodeJwt(
      "user",
      { sub: this.user.publicKey, name: "alice", ...given, nats: all },
      signer,
      iat * 1_000,
    );
  }

  /** A connection that shows a token, and signs the nonce as the user unless told otherwise. */
  request(
    jwt: string,
    given: { sig?: string; pass?: string; host?: string; type?: ConnectionType; proxySig?: string } = {},
  ): AuthRequest {
    const signature = Buffer.from(this.user.sign(Buffer.from(NONCE))).toString("base64url");
    const { sig = signature, pass = "", host = "192.0.2.1", type = "STANDARD", proxySig = "" } = given;
    return {
      connect: { ...defaultConnectOptions(), jwt, sig, pass, proxy_sig: proxySig },
      nonce: NONCE,
      connectionType: type,
      cid: 1,
      host,
      tls: null,
    };
  }
}
