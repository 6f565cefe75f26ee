import { type JwtAccount, limitOf } from "./account-claims.ts";
import type { UserScope } from "./claims/account.ts";
import type { UserClaims } from "./claims/claims.ts";
import { isProblem, type Problem } from "./claims/fields.ts";
import { permissionsOf } from "./claims/permissions-config.ts";
import { expiresMs, isRevoked } from "./claims/times.ts";
import type { AuthRequest, Denial, Identity, Verdict } from "./identity.ts";
import { decodeClaims } from "./jwt.ts";
import { verifyNonce } from "./nkey-pair.ts";
import type { TrustedOperators } from "./operator.ts";
import { userProblemsAt } from "./user-claims-check.ts";
import { grantUser, isGrantedFor, type UserGrant } from "./user-claims-grant.ts";
import { isFromNetworks } from "./user-claims-source.ts";
import { endOfTimes } from "./user-claims-times.ts";

/** What users of operator mode are judged by, besides their account. */
export interface UserRules {
  readonly operators: Pick<TrustedOperators, "isTrusted">;
  /** The only accounts that may be used; null: all. */
  readonly pinnedAccounts: ReadonlySet<string> | null;
  /** Somebody was turned away for that reason; for monitoring. */
  readonly onUnpinned?: () => void;
  /** The token of clients that bring none; empty: they are turned away. */
  readonly defaultSentinel: string;
  /** IANA name of the zone that time ranges without one are in: the server's. */
  readonly localZone: string;
}

/** What is so when one connects. */
export interface UserMoment {
  /** Wall-clock. */
  readonly nowMs: number;
  /** Public key of the trusted proxy that brought the connection; empty: none. */
  readonly proxyKey: string;
}

/** A user's token that holds, so far as that can be told without its account. */
export interface UserToken {
  readonly jwt: string;
  readonly claims: UserClaims;
  /** Public key of the account to look up. */
  readonly accountId: string;
}

/** Someone let in by a token. What it has beyond an identity is asked when the account changes: `reviewUser`. */
export interface JwtIdentity extends Identity {
  /** Unix seconds. */
  readonly issuedAt: number;
  readonly isBearer: boolean;
  /** What the signing key's scope was; null: it had none. */
  readonly scope: UserScope | null;
  /** The permissions are the account's default. */
  readonly hasDefaultPermissions: boolean;
}

/** Someone turned away. */
export type UserRefusal = Extract<Verdict, { readonly allowed: false }>;

/** A `Verdict` about a user with a token. */
export type UserVerdict = { readonly allowed: true; readonly identity: JwtIdentity } | UserRefusal;

/**
 * The first half of letting a user in: all that needs no account. The token comes from CONNECT, over MQTT perhaps
 * as the password; whoever has none is taken for the default sentinel.
 */
export function readUserToken(
  request: AuthRequest,
  rules: UserRules,
  { nowMs, proxyKey }: UserMoment,
): UserToken | UserRefusal {
  const found = findToken(request, rules.defaultSentinel);
  if (isProblem(found)) return refuse(`the user's JWT is not valid: ${found.problem}`);
  const { jwt, claims } = found;
  if (claims.nats.proxy_required && proxyKey === "") return refuseWithoutProxy();
  const problems = userProblemsAt(claims, nowMs);
  if (problems.length > 0) return refuse(`the user's JWT is not valid: ${problems[0]}`);
  const accountId = claims.nats.issuer_account || claims.iss;
  const isPinned = rules.pinnedAccounts === null || rules.pinnedAccounts.has(accountId);
  if (isPinned) return { jwt, claims, accountId };
  rules.onUnpinned?.();
  return refuse("the account is not listed as pinned");
}

/**
 * The second half, when the account is there (null: it could not be had). The steps and their order are the
 * reference's.
 */
export function admitUser(
  request: AuthRequest,
  token: UserToken,
  account: JwtAccount | null,
  rules: UserRules,
  { nowMs, proxyKey }: UserMoment,
): UserVerdict {
  if (account === null || account.config.name !== token.accountId) {
    return refuse("the account's JWT could not be looked up");
  }
  if (!rules.operators.isTrusted(account.issuer)) {
    return refuse("the account's JWT is not signed by a trusted operator");
  }
  const { claims } = token;
  const grant = grantUser(claims, account);
  if (isProblem(grant)) return refuse(grant.problem);
  const { limits } = grant;
  if (limits.proxy_required && proxyKey === "") return refuseWithoutProxy();
  if (account.expiresMs !== 0 && account.expiresMs <= nowMs) return refuse("the account's JWT has expired");
  if (limits.bearer_token && account.disallowsBearer) return refuse("the account allows no bearer tokens");
  if (!isGrantedFor(grant, request.connectionType)) return refuse("connections of this type are not allowed");
  if (!limits.bearer_token && !verifyNonce(claims.sub, request.nonce, request.connect.sig)) {
    return refuse("the nonce is not signed by the user");
  }
  if (isRevoked(account.revocations, claims.sub, claims.iat)) return refuse("the user was revoked");
  if (!isFromNetworks(limits.src, request.host)) return refuse("the address is not in the user's networks");
  const end = endOfTimes(limits.times, zoneOf(limits.times_location, rules.localZone), nowMs);
  if (end === null) return refuse("outside of the times to connect");
  const identity = identityOf(token, grant, account);
  return { allowed: true, identity: { ...identity, proxyKey, expiresMs: earliest(identity.expiresMs, end) } };
}

/** The zone of a user's time ranges. */
export function zoneOf(location: string, localZone: string): string {
  return location === "" || location === "Local" ? localZone : location;
}

/** The earlier of two ends, of which 0 is never. */
export function earliest(one: number, other: number): number {
  return one === 0 || other === 0 ? one + other : Math.min(one, other);
}

function findToken(
  { connect, connectionType }: AuthRequest,
  sentinel: string,
): { readonly jwt: string; readonly claims: UserClaims } | Problem {
  const isMqtt = connectionType === "MQTT" || connectionType === "MQTT_WS";
  const given = isMqtt && connect.jwt === "" ? connect.pass : connect.jwt;
  const claims = decodeClaims("user", given);
  if (!isProblem(claims)) return { jwt: given, claims };
  if (sentinel === "") return claims;
  const standIn = decodeClaims("user", sentinel);
  return isProblem(standIn) ? standIn : { jwt: sentinel, claims: standIn };
}

function identityOf(
  { jwt, claims }: UserToken,
  { limits, scope }: UserGrant,
  account: JwtAccount,
): JwtIdentity {
  const { config } = account;
  const permissions = permissionsOf(limits);
  return {
    user: claims.sub,
    account: config.name,
    permissions: permissions ?? config.default_permissions,
    limits: { subscriptions: limitOf(limits.subs), payload: limitOf(limits.payload) },
    expiresMs: expiresMs(claims),
    nkey: claims.sub,
    jwt: limits.bearer_token ? "" : jwt, // who has a bearer token is that user
    issuerKey: claims.iss,
    nameTag: claims.name,
    tags: claims.tags,
    proxyKey: "",
    issuedAt: claims.iat,
    isBearer: limits.bearer_token,
    scope,
    hasDefaultPermissions: permissions === null,
  };
}

function refuseWithoutProxy(): UserRefusal {
  return refuse("the user has to come through a trusted proxy", "proxyRequired");
}

function refuse(detail: string, denial: Denial = "authenticationViolation"): UserRefusal {
  return { allowed: false, denial, detail };
}
