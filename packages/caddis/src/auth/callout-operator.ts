import type { JwtAccount } from "./account-claims.ts";
import type { CalloutPolicy, Delegation, Placement } from "./callout-policy.ts";
import type { UserClaims } from "./claims/claims.ts";
import type { ExternalAuthorization } from "./claims/account.ts";
import { isProblem, type Problem } from "./claims/fields.ts";
import type { AuthRequest, Verdict } from "./identity.ts";
import type { TrustedProxies } from "./trusted-proxies.ts";
import { grantUser } from "./user-claims-grant.ts";
import { readUserToken, type UserRules } from "./user-claims.ts";

/** Stands for all accounts in `allowed_accounts`, where it is the only one. */
const ANY_ACCOUNT = "*";

/** What is asked of the world. */
export interface OperatorCalloutDeps {
  readonly rules: UserRules;
  readonly proxies: TrustedProxies;
  /** An account that a trusted operator signed and that has not expired; null: there is none of that key. */
  account(id: string): Promise<JwtAccount | null>;
  /** Wall-clock. */
  nowMs(): number;
}

/** External authorization in operator mode: accounts name the service that decides about their users. */
export class OperatorCallout implements CalloutPolicy {
  readonly #deps: OperatorCalloutDeps;

  constructor(deps: OperatorCalloutDeps) {
    this.#deps = deps;
  }

  /** Whoever would not get in by the token alone does not get as far as the service. */
  async delegate(request: AuthRequest, verdict: Verdict): Promise<Delegation | null> {
    if (!verdict.allowed) return null;
    const { rules, proxies } = this.#deps;
    const proxy = proxies.check(request);
    const moment = { nowMs: this.#deps.nowMs(), proxyKey: proxy.kind === "trusted" ? proxy.key : "" };
    const token = readUserToken(request, rules, moment);
    if ("allowed" in token) return null;
    const account = await this.#deps.account(token.accountId);
    const external = account?.externalAuthorization ?? null;
    if (account === null || external === null) return null;
    const { name } = account.config;
    return {
      account: name,
      sub: name,
      xkey: external.xkey,
      isBypassed: external.auth_users.includes(token.claims.sub),
      jwt: token.jwt,
      isSigner: (iss, issuerAccount) =>
        (issuerAccount === "" || issuerAccount === name) && (iss === name || account.signingKeys.has(iss)),
      place: (user) => this.#place(user, name, external),
    };
  }

  async #place(
    user: UserClaims,
    own: string,
    { allowed_accounts: allowed }: ExternalAuthorization,
  ): Promise<Placement | Problem> {
    const id = user.nats.issuer_account || user.iss;
    const isAny = allowed.length === 1 && allowed[0] === ANY_ACCOUNT;
    if (id !== own && !isAny && !allowed.includes(id))
      return { problem: "the user's account is not permitted" };
    const target = await this.#deps.account(id);
    if (target === null) return { problem: "no valid account in the user's JWT" };
    const grant = grantUser(user, target);
    if (isProblem(grant)) return grant;
    return { account: target.config.name, grant, defaults: target.config.default_permissions };
  }
}
