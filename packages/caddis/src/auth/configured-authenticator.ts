import type { Permissions } from "../config/permissions.ts";
import type { ConnectionType, UserConfig } from "../config/users.ts";
import type { Hasher } from "../io/hasher.ts";
import { type ConfiguredUser, ConfiguredUsers } from "./configured-users.ts";
import { isConnectionTypeAllowed } from "./connection-types.ts";
import {
  ANYBODY,
  type Authenticator,
  type AuthRequest,
  denied,
  type Identity,
  type Verdict,
} from "./identity.ts";
import { verifyNonce } from "./nkey-pair.ts";
import { type PasswordAnswer, PasswordChecker, sameSecret } from "./password.ts";
import { Proof } from "./proof.ts";
import { TrustedProxies } from "./trusted-proxies.ts";

/** Whom one listener lets in, as its configuration says. */
export interface AuthenticationRules {
  /** Single user; empty: none. */
  readonly user: string;
  readonly password: string;
  /** Empty: none. */
  readonly token: string;
  /** Of `authorization` (with no account) and of all accounts. */
  readonly users: readonly UserConfig[];
  /** User or nkey that clients without credentials are; empty: none. */
  readonly no_auth_user: string;
  /** Whether clients without credentials are let into the global account, because only system users exist. */
  readonly opens_global_account: boolean;
  /** For users that name no account. */
  readonly default_permissions: Permissions | null;
  /** `default_permissions` of accounts, by name. */
  readonly account_permissions: ReadonlyMap<string, Permissions>;
  /** Whether this listener takes the user from the client's certificate (`verify_and_map`). */
  readonly maps_certificates: boolean;
  /** The connection types of all listeners that do: for their users an empty password is none. */
  readonly certificate_types: readonly ConnectionType[];
  /** Public nkeys of trusted proxies. */
  readonly proxies: readonly string[];
  /** Whether the single user, or who has the token, has to come through one. */
  readonly proxy_required: boolean;
  /** Whether INFO carries a nonce though nobody here signs it. */
  readonly always_nonce: boolean;
}

/** Rules that let everybody in. */
export const NO_RULES: AuthenticationRules = {
  user: "",
  password: "",
  token: "",
  users: [],
  no_auth_user: "",
  opens_global_account: false,
  default_permissions: null,
  account_permissions: new Map(),
  maps_certificates: false,
  certificate_types: [],
  proxies: [],
  proxy_required: false,
  always_nonce: false,
};

/** How monitoring names who came with a token. */
const REDACTED = "[REDACTED]";

/**
 * Authentication against a configuration. What a client shows is taken in this order: proxy, nkey, certificate or
 * name and password, token, single user. The first that applies decides, whether or not a later one would let it in.
 */
export class ConfiguredAuthenticator implements Authenticator {
  readonly #rules: AuthenticationRules;
  readonly #users: ConfiguredUsers;
  readonly #proxies: TrustedProxies;
  readonly #passwords: PasswordChecker;

  constructor(rules: AuthenticationRules, hasher: Hasher) {
    this.#rules = rules;
    this.#users = new ConfiguredUsers(rules.users, rules.default_permissions, rules.account_permissions);
    this.#proxies = new TrustedProxies(rules.proxies);
    this.#passwords = new PasswordChecker([rules.password, rules.token, ...this.#users.passwords], hasher);
  }

  get expectsConnect(): boolean {
    return this.#takesNames || this.#users.hasNkeys || this.#rules.user !== "" || this.#rules.token !== "";
  }

  get isRequired(): boolean {
    return this.expectsConnect && this.#rules.no_auth_user === "";
  }

  get needsNonce(): boolean {
    return this.#rules.always_nonce || this.#users.hasNkeys || this.#proxies.needsNonce;
  }

  /** As in the reference only a named user stands in for who says nothing at all, not an nkey. */
  get takesUnannounced(): boolean {
    return this.#rules.opens_global_account || this.#users.named(this.#rules.no_auth_user) !== null;
  }

  /** Whether passwords or tokens are given as bcrypt hashes, so that the hasher will be needed. */
  get usesBcrypt(): boolean {
    return this.#passwords.usesBcrypt;
  }

  authenticate(request: AuthRequest): Verdict | Promise<Verdict> {
    const proxy = this.#proxies.check(request);
    if (proxy.kind === "untrusted") return denied("the proxy is not trusted", "proxyNotTrusted");
    const attempt = { request, proxyKey: proxy.kind === "trusted" ? proxy.key : "" };
    if (!this.expectsConnect) return allowed(attempt, ANYBODY);
    const nkey = this.#users.hasNkeys ? this.#claimedNkey(request) : "";
    if (nkey !== "") return this.#byNkey(attempt, nkey);
    if (this.#takesNames) {
      if (this.#rules.maps_certificates) return this.#byCertificate(attempt);
      if (this.#opensFor(request)) return allowed(attempt, ANYBODY);
      const name = this.#claimedName(request);
      if (name !== "") return this.#byPassword(attempt, this.#users.named(name));
    }
    return this.#bySingleSecret(attempt);
  }

  get #takesNames(): boolean {
    return this.#users.hasNames || this.#rules.opens_global_account;
  }

  #opensFor({ connect }: AuthRequest): boolean {
    return this.#rules.opens_global_account && !hasPasswordOrToken(connect);
  }

  #claimedNkey({ connect }: AuthRequest): string {
    if (connect.nkey !== "" || hasPasswordOrToken(connect)) return connect.nkey;
    return this.#users.withNkey(this.#rules.no_auth_user) === null ? "" : this.#rules.no_auth_user;
  }

  #claimedName({ connect }: AuthRequest): string {
    if (hasPasswordOrToken(connect)) return connect.user;
    return this.#users.named(this.#rules.no_auth_user) === null ? "" : this.#rules.no_auth_user;
  }

  #byNkey(attempt: Attempt, nkey: string): Verdict {
    const { connect, nonce, connectionType } = attempt.request;
    const user = this.#users.withNkey(nkey);
    if (user === null) return denied("unknown nkey");
    if (!isConnectionTypeAllowed(user.config.allowed_connection_types, connectionType)) {
      return denied("connection type not allowed");
    }
    if (user.config.proxy_required && attempt.proxyKey === "") return PROXY_REQUIRED;
    if (nkey === this.#rules.no_auth_user) return allowed(attempt, identityOf(user));
    const isProven = attempt.request.previous?.proof?.covers("nkey", nkey) === true;
    if (!isProven && !verifyNonce(nkey, nonce, connect.sig)) {
      return denied(connect.sig === "" ? "signature missing" : "signature not verified");
    }
    return allowed(attempt, { ...identityOf(user), proof: new Proof("nkey", nkey) });
  }

  #byCertificate(attempt: Attempt): Verdict | Promise<Verdict> {
    const { tls, connectionType } = attempt.request;
    const certificate = tls?.isVerified === true ? tls.certificates[0] : undefined;
    if (certificate === undefined) return denied("user required in certificate, none shown");
    const user = this.#users.ofCertificate(certificate, connectionType);
    if (user === null) return denied("user in certificate not found");
    return this.#byPassword(attempt, user);
  }

  /** `user`: null if there is none of that name. Being refused takes the same time whatever the reason is. */
  #byPassword(attempt: Attempt, user: ConfiguredUser | null): Verdict | Promise<Verdict> {
    const refusal = this.#refusal(attempt, user);
    if (user === null || refusal !== null)
      return this.#prove(attempt, "password", null, refusal ?? WRONG_PASSWORD);
    const { config } = user;
    const isNoAuth = config.user === this.#rules.no_auth_user && !hasPasswordOrToken(attempt.request.connect);
    if (isNoAuth && !this.#rules.maps_certificates) return allowed(attempt, identityOf(user));
    const claim = { secret: config.password, identity: identityOf(user) };
    return this.#prove(attempt, "password", claim, WRONG_PASSWORD);
  }

  /** Why `user` can't come this way, whatever its password; null: it can. */
  #refusal({ request, proxyKey }: Attempt, user: ConfiguredUser | null): Verdict | null {
    if (user === null) return WRONG_PASSWORD;
    const { config } = user;
    if (!isConnectionTypeAllowed(config.allowed_connection_types, request.connectionType)) {
      return denied("connection type not allowed");
    }
    if (config.proxy_required && proxyKey === "") return PROXY_REQUIRED;
    const isCertificateOnly =
      config.password === "" && !this.#rules.maps_certificates && this.#canBeMapped(config);
    return isCertificateOnly && config.user !== this.#rules.no_auth_user
      ? denied("user requires a client certificate")
      : null;
  }

  /** Whether a certificate stands for this user at some listener. */
  #canBeMapped({ allowed_connection_types: types }: UserConfig): boolean {
    return this.#rules.certificate_types.some((type) => isConnectionTypeAllowed(types, type));
  }

  #bySingleSecret(attempt: Attempt): Verdict | Promise<Verdict> {
    const { user, password, token, proxy_required: isProxyRequired } = this.#rules;
    if (isProxyRequired && attempt.proxyKey === "") return PROXY_REQUIRED;
    const { connect } = attempt.request;
    if (token !== "") {
      const claim = { secret: token, identity: { ...ANYBODY, user: REDACTED } };
      return this.#prove(attempt, "token", claim, denied("wrong token"));
    }
    if (user === "") return denied("no credentials");
    const claim = sameSecret(user, connect.user)
      ? { secret: password, identity: { ...ANYBODY, user } }
      : null;
    return this.#prove(attempt, "password", claim, WRONG_PASSWORD);
  }

  /** Lets in who knows the secret of `claim`. A claim that is null can't be made good, which takes as long to say. */
  #prove(
    attempt: Attempt,
    kind: "password" | "token",
    claim: Claim | null,
    refusal: Verdict,
  ): Verdict | Promise<Verdict> {
    const { connect, isGone, previous } = attempt.request;
    const given = kind === "token" ? connect.auth_token : connect.pass;
    const admitted = (): Verdict => {
      if (claim === null) return refusal;
      return allowed(attempt, { ...claim.identity, proof: new Proof(kind, claim.secret) });
    };
    if (claim !== null && previous?.proof?.covers(kind, claim.secret) === true) return admitted();
    const secret = claim?.secret ?? null;
    const answer =
      previous === undefined
        ? this.#passwords.check(secret, given, isGone)
        : this.#passwords.recheck(secret, given);
    return whenAnswered(answer, (isMatch) => (isMatch ? admitted() : refusal));
  }
}

/** Who somebody would be, and what it has to know for that. */
interface Claim {
  /** As configured. */
  readonly secret: string;
  readonly identity: Identity;
}

interface Attempt {
  readonly request: AuthRequest;
  /** Of the trusted proxy; empty: none. */
  readonly proxyKey: string;
}

const PROXY_REQUIRED = denied("a trusted proxy is required", "proxyRequired");
/** The same whether there is such a user or not. */
const WRONG_PASSWORD = denied("unknown user or wrong password");

function allowed({ proxyKey }: Attempt, identity: Identity): Verdict {
  return { allowed: true, identity: { ...identity, proxyKey } };
}

function identityOf({ config, account, permissions }: ConfiguredUser): Identity {
  const user = config.nkey === "" ? config.user : config.nkey;
  // Monitoring shows the account as the issuer of keys that nobody else signed for.
  const issuerKey = config.nkey === "" ? "" : account;
  return { ...ANYBODY, user, account, permissions, nkey: config.nkey, issuerKey };
}

/** JWTs don't count: they mean nothing to a server that has no operator. */
function hasPasswordOrToken(connect: AuthRequest["connect"]): boolean {
  return connect.user !== "" || connect.pass !== "" || connect.auth_token !== "";
}

function whenAnswered(
  answer: PasswordAnswer | Promise<PasswordAnswer>,
  decide: (isMatch: boolean) => Verdict,
): Verdict | Promise<Verdict> {
  if (typeof answer !== "string") return answer.then((settled) => whenAnswered(settled, decide));
  return answer === "busy" ? denied("too many passwords are being checked") : decide(answer === "match");
}
