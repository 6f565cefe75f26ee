import { randomBytes } from "node:crypto";
import { type Account, encodeAccount, encodeOperator, encodeUser, type User } from "@nats-io/jwt";
import { createAccount, createOperator, createUser, type KeyPair } from "@nats-io/nkeys";

/** Without them the library says 0, which is none at all. */
export const NO_ACCOUNT_LIMITS_JWT = {
  subs: -1,
  data: -1,
  payload: -1,
  imports: -1,
  exports: -1,
  wildcards: true,
  conn: -1,
  leaf: -1,
} as const;

/** An operator, an account and a user with real keys and tokens, made by the official libraries. */
export class OperatorWorld {
  readonly operator: KeyPair = createOperator();
  readonly account: KeyPair = createAccount();
  readonly systemAccount: KeyPair = createAccount();
  readonly user: KeyPair = createUser();

  /**
   * The configuration of a server that trusts the operator and knows its accounts; `account` is what the account's
   * token says beyond its name.
   */
  async config(account: Partial<Account> = {}): Promise<string> {
    const system = this.systemAccount.getPublicKey();
    const signer = { signer: this.operator };
    const operatorJwt = await encodeOperator("O", this.operator, { system_account: system });
    const accountJwt = await encodeAccount(
      "A",
      this.account,
      { limits: NO_ACCOUNT_LIMITS_JWT, ...account },
      signer,
    );
    const systemJwt = await encodeAccount(
      "SYS",
      this.systemAccount,
      { limits: NO_ACCOUNT_LIMITS_JWT },
      signer,
    );
    return `operator: "${operatorJwt}"
      resolver: MEM
      resolver_preload { ${this.account.getPublicKey()}: "${accountJwt}", ${system}: "${systemJwt}" }
    `;
  }

  /** A token for the user, signed by the account or by `signer`. */
  userJwt(user: Partial<User> = {}, signer: KeyPair = this.account): Promise<string> {
    return encodeUser("u", this.user, signer, user);
  }

  /** The signature of INFO's nonce, as CONNECT carries it. */
  sign(nonce: string, by: KeyPair = this.user): string {
    return Buffer.from(by.sign(Buffer.from(nonce))).toString("base64url");
  }

  /** A user's token that says it is issued by `iss`; nobody's signature is under it. */
  forgedJwt(iss: string, sub: string = this.user.getPublicKey(), nats: object = {}): string {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = { jti: "X", iat: 1, iss, name: "u", sub, nats: { ...nats, type: "user", version: 2 } };
    const signed = `${part({ typ: "JWT", alg: "ed25519-nkey" })}.${part(claims)}`;
    return `${signed}.${randomBytes(64).toString("base64url")}`;
  }
}
