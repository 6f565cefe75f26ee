import { encodeJwt } from "../../packages/caddis/src/auth/jwt.ts";
import type { KeyPair } from "../../packages/caddis/src/auth/nkey-pair.ts";
import type { Login } from "./auth-stage.ts";
import { newKeyPair } from "./callout-service.ts";

/** When tokens are issued unless said otherwise: a while ago. Seconds. */
export const ISSUED = Math.floor(Date.now() / 1_000) - 100;

/** The parts of a token that a test sets. */
export interface Given {
  readonly sub?: string;
  readonly name?: string;
  readonly exp?: number;
  readonly nbf?: number;
  readonly iat?: number;
  readonly aud?: string;
  readonly nats?: object;
  readonly signer?: KeyPair;
}

const NO_LIMITS = {
  subs: -1,
  data: -1,
  payload: -1,
  imports: -1,
  exports: -1,
  wildcards: true,
  conn: -1,
  leaf: -1,
};

/** An account and its keys. */
export class Tenant {
  readonly keys = newKeyPair("account");
  /** Signs users without a scope. */
  readonly signer = newKeyPair("account");
  /** Signs users within a scope, where the account gives it one. */
  readonly scoped = newKeyPair("account");
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  get id(): string {
    return this.keys.publicKey;
  }

  /** Somebody with a token by the account itself. */
  user(given: Given = {}, keys = newKeyPair("user")): TokenUser {
    const { nats, signer = this.keys, iat = ISSUED, ...claims } = given;
    const all = { subs: -1, data: -1, payload: -1, ...nats };
    return new TokenUser(
      keys,
      encodeJwt("user", { sub: keys.publicKey, name: "alice", ...claims, nats: all }, signer, iat * 1_000),
    );
  }

  /** Somebody with a token by a signing key. */
  signed(given: Given = {}, keys = newKeyPair("user")): TokenUser {
    return this.user(
      { signer: this.signer, ...given, nats: { issuer_account: this.id, ...given.nats } },
      keys,
    );
  }

  /** Somebody with a token by the scoped key, which says nothing of rights. */
  inScope(given: Given = {}, keys = newKeyPair("user")): TokenUser {
    const { nats, signer = this.scoped, iat = ISSUED, ...claims } = given;
    const all = { issuer_account: this.id, ...nats };
    return new TokenUser(
      keys,
      encodeJwt("user", { sub: keys.publicKey, name: "alice", ...claims, nats: all }, signer, iat * 1_000),
    );
  }

  /** The scope of `scoped`. */
  scope(template: object): object {
    return { kind: "user_scope", key: this.scoped.publicKey, role: "r", description: "", template };
  }
}

/** Who has a token. */
export class TokenUser {
  readonly keys: KeyPair;
  readonly jwt: string;

  constructor(keys: KeyPair, jwt: string) {
    this.keys = keys;
    this.jwt = jwt;
  }

  /** How it shows itself. */
  get login(): Login {
    return { connect: { jwt: this.jwt }, sign: this.keys };
  }

  /** Without a signature. */
  get unsigned(): Login {
    return { connect: { jwt: this.jwt } };
  }
}

/** An operator, its system account and its tenants. */
export class Tenancy {
  readonly keys = newKeyPair("operator");
  readonly signer = newKeyPair("operator");
  readonly system = new Tenant("SYS");
  readonly isStrict: boolean;
  readonly #accounts = new Map<string, string>();

  constructor(isStrict = false) {
    this.isStrict = isStrict;
    this.#accounts.set(this.system.id, this.accountJwt(this.system));
  }

  /** An account's token, with its signing key and no limits. */
  accountJwt(tenant: Tenant, given: Given = {}): string {
    const { nats, signer = this.isStrict ? this.signer : this.keys, iat = ISSUED, ...claims } = given;
    const { limits, ...others } = { limits: {}, ...nats };
    const all = { signing_keys: [tenant.signer.publicKey], ...others, limits: { ...NO_LIMITS, ...limits } };
    return encodeJwt(
      "account",
      { sub: tenant.id, name: tenant.name, ...claims, nats: all },
      signer,
      iat * 1_000,
    );
  }

  /** An account that the servers know from the start. */
  tenant(name: string, given: Given | ((tenant: Tenant) => Given) = {}): Tenant {
    const tenant = new Tenant(name);
    this.#accounts.set(
      tenant.id,
      this.accountJwt(tenant, typeof given === "function" ? given(tenant) : given),
    );
    return tenant;
  }

  get operatorJwt(): string {
    const nats = {
      signing_keys: [this.signer.publicKey],
      system_account: this.system.id,
      strict_signing_key_usage: this.isStrict,
    };
    return encodeJwt("operator", { sub: this.keys.publicKey, name: "O", nats }, this.keys, ISSUED * 1_000);
  }

  /** The configuration of a server. */
  get config(): string {
    return `operator: "${this.operatorJwt}"\n${this.resolver}`;
  }

  get resolver(): string {
    const preload = Array.from(this.#accounts, ([id, jwt]) => `${id}: "${jwt}"`);
    return `resolver: MEM\nresolver_preload {\n${preload.join("\n")}\n}\n`;
  }
}
