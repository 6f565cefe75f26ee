import type { JwtAccount } from "./account-claims.ts";
import type { Authenticator, AuthRequest } from "./identity.ts";
import type { TrustedProxies } from "./trusted-proxies.ts";
import { admitUser, readUserToken, type UserRules, type UserVerdict } from "./user-claims.ts";

/** What is asked of the world. */
export interface OperatorDeps {
  readonly rules: UserRules;
  readonly proxies: TrustedProxies;
  /** An account whose claims were checked, by its public key; null: there is none. May reject: then nobody gets in. */
  account(id: string): Promise<JwtAccount | null>;
  /** Wall-clock. */
  nowMs(): number;
}

/** Operator mode: users show a token that their account signed, and accounts are what a trusted operator says. */
export class OperatorAuthenticator implements Authenticator {
  readonly expectsConnect = true;
  readonly isRequired = true;
  readonly needsNonce = true;
  readonly takesUnannounced = false;
  readonly #deps: OperatorDeps;

  constructor(deps: OperatorDeps) {
    this.#deps = deps;
  }

  async authenticate(request: AuthRequest): Promise<UserVerdict> {
    const { rules, proxies } = this.#deps;
    const proxy = proxies.check(request);
    if (proxy.kind === "untrusted") {
      return { allowed: false, denial: "proxyNotTrusted", detail: "the proxy is not trusted" };
    }
    const proxyKey = proxy.kind === "trusted" ? proxy.key : "";
    const token = readUserToken(request, rules, { nowMs: this.#deps.nowMs(), proxyKey });
    if ("allowed" in token) return token;
    const account = await this.#deps.account(token.accountId).catch(() => null);
    // Time has gone by meanwhile.
    return admitUser(request, token, account, rules, { nowMs: this.#deps.nowMs(), proxyKey });
  }
}
