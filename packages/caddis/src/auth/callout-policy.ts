import type { Permissions } from "../config/permissions.ts";
import type { AuthCalloutConfig } from "../config/users.ts";
import type { UserClaims } from "./claims/claims.ts";
import type { Problem } from "./claims/fields.ts";
import { GLOBAL_ACCOUNT } from "./configured-users.ts";
import type { AuthRequest, Verdict } from "./identity.ts";
import type { UserGrant } from "./user-claims-grant.ts";

/** Where a service put a user. */
export interface Placement {
  readonly account: string;
  readonly grant: UserGrant;
  /** For users whose token says nothing about permissions. */
  readonly defaults: Permissions | null;
}

/** Which service decides about a client, and what it may decide. */
export interface Delegation {
  /** The account the service runs in. */
  readonly account: string;
  /** What requests are about, in their `sub`. */
  readonly sub: string;
  /** Public curve key that requests are sealed for; empty: they are not. */
  readonly xkey: string;
  /** The client is the service's own, or none of its business: what the server itself says counts. */
  readonly isBypassed: boolean;
  /** Token that stands for a client which brought none; empty: none. */
  readonly jwt: string;
  /** Whether an unsealed answer may be signed by `iss` for `issuerAccount` (empty: itself). */
  isSigner(iss: string, issuerAccount: string): boolean;
  /** Where the user of an answer belongs, once its signer has been found to have the right to put it there. */
  place(user: UserClaims): Placement | Problem | Promise<Placement | Problem>;
}

/** Whether somebody else decides about a client, given what the server itself says. Null: nobody else. */
export interface CalloutPolicy {
  delegate(request: AuthRequest, verdict: Verdict): Delegation | null | Promise<Delegation | null>;
}

/** What a configuration's callout needs to know about accounts. */
export interface CalloutAccounts {
  isAccount(name: string): boolean;
  defaultPermissions(name: string): Permissions | null;
}

/** `authorization.auth_callout`: the service decides about clients that are not configured, and those that are in its accounts. */
export class ConfiguredCallout implements CalloutPolicy {
  readonly #config: AuthCalloutConfig;
  readonly #accounts: CalloutAccounts;
  readonly #noAuthUser: string;

  /** `noAuthUser`: whom clients without credentials are; empty: nobody. */
  constructor(config: AuthCalloutConfig, noAuthUser: string, accounts: CalloutAccounts) {
    this.#config = config;
    this.#noAuthUser = noAuthUser;
    this.#accounts = accounts;
  }

  delegate(request: AuthRequest, verdict: Verdict): Delegation {
    const { account, issuer, xkey } = this.#config;
    return {
      account,
      sub: issuer,
      xkey,
      isBypassed: this.#isAuthUser(request, verdict) || this.#isElsewhere(request, verdict),
      jwt: "",
      isSigner: (iss) => iss === issuer,
      place: (user) => this.#place(user),
    };
  }

  /** The service itself; also when it gave a wrong password: nobody else decides about its users. */
  #isAuthUser({ connect }: AuthRequest, verdict: Verdict): boolean {
    const given = [connect.nkey, connect.user];
    const assumed = given.every((name) => name === "") ? [this.#noAuthUser] : given;
    const names = verdict.allowed ? [verdict.identity.user] : assumed;
    return names.some((name) => name !== "" && this.#config.auth_users.includes(name));
  }

  /** Configured, in an account that is not the service's business. Leafnodes always are. */
  #isElsewhere({ connectionType }: AuthRequest, verdict: Verdict): boolean {
    if (!verdict.allowed || connectionType === "LEAFNODE" || connectionType === "LEAFNODE_WS") return false;
    const { account } = verdict.identity;
    const { allowed_accounts: allowed } = this.#config;
    return account !== GLOBAL_ACCOUNT && allowed.length > 0 && !allowed.includes(account);
  }

  #place(user: UserClaims): Placement | Problem {
    if (user.nats.issuer_account !== "") return { problem: "issuer_account is for operator mode" };
    if (user.iss !== this.#config.issuer) return { problem: "the user's JWT has another issuer" };
    if (user.aud === "" || !this.#accounts.isAccount(user.aud))
      return { problem: "no valid account in the user's JWT" };
    const grant = { limits: user.nats, scope: null };
    return { account: user.aud, grant, defaults: this.#accounts.defaultPermissions(user.aud) };
  }
}
