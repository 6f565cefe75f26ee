import { ALL_SUBJECTS, type Permissions } from "../config/permissions.ts";
import type { Random } from "../io/random.ts";
import { calloutClaims, shownUser } from "./callout-request.ts";
import type { CalloutPolicy, Delegation, Placement } from "./callout-policy.ts";
import { readCalloutAnswer } from "./callout-response.ts";
import type { RequestingServer } from "./claims/authorization.ts";
import type { UserClaims } from "./claims/claims.ts";
import { isProblem } from "./claims/fields.ts";
import { permissionsOf } from "./claims/permissions-config.ts";
import { expiresMs } from "./claims/times.ts";
import {
  ANYBODY,
  type Authenticator,
  type AuthRequest,
  type CalledOut,
  denied,
  type Identity,
  type Verdict,
} from "./identity.ts";
import { encodeJwt } from "./jwt.ts";
import type { KeyPair } from "./nkey-pair.ts";
import { publicNkey } from "./nkey.ts";
import type { TrustedProxies } from "./trusted-proxies.ts";
import { userProblemsAt } from "./user-claims-check.ts";
import { isGrantedFor } from "./user-claims-grant.ts";
import { isFromNetworks } from "./user-claims-source.ts";
import { earliest, zoneOf } from "./user-claims.ts";
import { endOfTimes } from "./user-claims-times.ts";
import { type CurveKeyPair, SEAL_NONCE_BYTES } from "./xkey.ts";

/** Where services listen, in their account. */
export const CALLOUT_SUBJECT = "$SYS.REQ.USER.AUTH";

/** Header of a sealed request: the server's public curve key, that opens it. */
export const CALLOUT_XKEY_HEADER = "Nats-Server-Xkey";

/**
 * Callouts under way at a time: each holds some KiB until its answer or the time-out, and a crowd that comes back
 * after a restart must not be turned away.
 */
export const CALLOUTS_IN_FLIGHT_MAX = 8_192;

/** What is asked of the world. */
export interface CalloutDeps {
  readonly policy: CalloutPolicy;
  /** As requests show it; without its curve key. */
  readonly server: Omit<RequestingServer, "xkey">;
  /** Signs requests: the pair of `server.id`. */
  readonly keys: KeyPair;
  readonly curve: CurveKeyPair;
  readonly proxies: TrustedProxies;
  readonly random: Random;
  /** IANA name of the zone that time ranges without one are in. */
  readonly localZone: string;
  /** How long an answer may take. */
  readonly timeoutMs: number;
  /** Wall-clock. */
  nowMs(): number;
  /**
   * Publishes `payload` on `CALLOUT_SUBJECT` in `account`, with `xkey` in the header of that name unless it is
   * empty, and resolves with the first answer's payload; with null if none comes in time. Never rejects.
   */
  request(account: string, payload: Uint8Array, xkey: string): Promise<Uint8Array | null>;
}

/** Authentication by a service, where the policy says so; by another authenticator otherwise. */
export class CalloutAuthenticator implements Authenticator {
  /** Nobody comes in without having been asked about. */
  readonly expectsConnect = true;
  readonly #inner: Authenticator;
  readonly #deps: CalloutDeps;
  #inFlight = 0;

  constructor(inner: Authenticator, deps: CalloutDeps) {
    this.#inner = inner;
    this.#deps = deps;
  }

  get isRequired(): boolean {
    return this.#inner.isRequired;
  }

  get needsNonce(): boolean {
    return this.#inner.needsNonce;
  }

  get takesUnannounced(): boolean {
    return this.#inner.takesUnannounced;
  }

  async authenticate(request: AuthRequest): Promise<Verdict> {
    const verdict = await this.#inner.authenticate(request);
    // A service has no say about proxies.
    if (!verdict.allowed && verdict.denial !== "authenticationViolation") return verdict;
    const delegation = await this.#deps.policy.delegate(request, verdict);
    if (delegation === null) return verdict;
    if (delegation.isBypassed) return guarded(verdict, delegation);
    const known = request.previous?.calledOut;
    // What the service said of a client that is in holds until somebody else is to be asked.
    if (known !== undefined && known.account === delegation.account && known.sub === delegation.sub) {
      return guarded(await this.#judge(request, verdict, known.user, delegation), delegation);
    }
    if (this.#inFlight >= CALLOUTS_IN_FLIGHT_MAX) return denied("too many auth callouts are under way");
    this.#inFlight++;
    try {
      return guarded(await this.#ask(request, verdict, delegation), delegation);
    } finally {
      this.#inFlight--;
    }
  }

  async #ask(request: AuthRequest, verdict: Verdict, delegation: Delegation): Promise<Verdict> {
    const { curve, random, server } = this.#deps;
    const secret = random.bytes(32);
    const userNkey = publicNkey("user", secret);
    secret.fill(0);
    const payload = this.#payload(request, verdict, delegation, userNkey);
    if (payload === null) return denied("auth callout: the service's xkey is none");
    const isSealed = delegation.xkey !== "";
    const answer = await this.#deps.request(delegation.account, payload, isSealed ? curve.publicKey : "");
    if (answer === null) return denied("auth callout: no answer in time");
    const user = readCalloutAnswer(answer, {
      userNkey,
      serverId: server.id,
      seal: isSealed ? { curve, sender: delegation.xkey } : null,
      isSigner: (iss, issuerAccount) => delegation.isSigner(iss, issuerAccount),
      nowMs: this.#deps.nowMs(),
    });
    if (isProblem(user)) return denied(`auth callout: ${user.problem}`);
    return this.#judge(request, verdict, user, delegation);
  }

  /** What comes of a service's word about a user. */
  async #judge(
    request: AuthRequest,
    verdict: Verdict,
    user: UserClaims,
    delegation: Delegation,
  ): Promise<Verdict> {
    const problems = userProblemsAt(user, this.#deps.nowMs());
    if (problems.length > 0) return denied(`auth callout: the user's JWT is not valid: ${problems[0]}`);
    const placement = await delegation.place(user);
    if (isProblem(placement)) return denied(`auth callout: ${placement.problem}`);
    const { account, sub } = delegation;
    return this.#admit(request, verdict, { account, sub, user }, placement);
  }

  /** The request as it goes out; null if it can't be sealed. */
  #payload(
    request: AuthRequest,
    verdict: Verdict,
    delegation: Delegation,
    userNkey: string,
  ): Uint8Array | null {
    const { curve, keys, random, server, timeoutMs } = this.#deps;
    const { sub, xkey, jwt } = delegation;
    const nowMs = this.#deps.nowMs();
    const claims = calloutClaims(request, {
      sub,
      server: { ...server, xkey: xkey === "" ? "" : curve.publicKey },
      userNkey,
      identity: verdict.allowed ? verdict.identity : null,
      jwt,
      exp: Math.floor((nowMs + timeoutMs) / 1_000),
    });
    const token = Buffer.from(encodeJwt("authorization_request", claims, keys, nowMs), "latin1");
    return xkey === "" ? token : curve.seal(token, xkey, random.bytes(SEAL_NONCE_BYTES));
  }

  /** Holds what the service allowed against how the client came. */
  #admit(request: AuthRequest, verdict: Verdict, calledOut: CalledOut, placement: Placement): Verdict {
    const { user } = calledOut;
    const { limits } = placement.grant;
    const proxy = this.#deps.proxies.check(request);
    const proxyKey = proxy.kind === "trusted" ? proxy.key : "";
    if (limits.proxy_required && proxyKey === "")
      return denied("a trusted proxy is required", "proxyRequired");
    if (!isGrantedFor(placement.grant, request.connectionType)) {
      return denied("auth callout: connection type not allowed");
    }
    if (!isFromNetworks(limits.src, request.host)) return denied("auth callout: address not allowed");
    const zone = zoneOf(limits.times_location, this.#deps.localZone);
    const end = endOfTimes(limits.times, zone, this.#deps.nowMs());
    if (end === null) return denied("auth callout: outside of the allowed times");
    const identity: Identity = {
      ...ANYBODY,
      user: user.name || shownUser(request, verdict.allowed ? verdict.identity : null),
      account: placement.account,
      permissions: permissionsOf(limits) ?? placement.defaults,
      limits: { subscriptions: limitOf(limits.subs), payload: limitOf(limits.payload) },
      expiresMs: earliest(expiresMs(user), end),
      issuerKey: user.nats.issuer_account === "" ? placement.account : user.iss,
      nameTag: user.name,
      tags: user.tags,
      proxyKey,
      calledOut,
    };
    return { allowed: true, identity };
  }
}

/** Services leave limits out that they do not mean, which reads as 0. */
function limitOf(limit: number): number {
  return limit > 0 ? limit : -1;
}

/** Whoever is in the service's account can't ask it: requests come from servers only. */
function guarded(verdict: Verdict, { account }: Delegation): Verdict {
  if (!verdict.allowed || verdict.identity.account !== account) return verdict;
  const { permissions } = verdict.identity;
  return { allowed: true, identity: { ...verdict.identity, permissions: withoutCallout(permissions) } };
}

/** The same without the right to publish requests; `permissions` null: everything else. */
export function withoutCallout(permissions: Permissions | null): Permissions {
  if (permissions?.publish.deny.includes(CALLOUT_SUBJECT) === true) return permissions;
  const { publish, subscribe, responses } = permissions ?? {
    publish: ALL_SUBJECTS,
    subscribe: ALL_SUBJECTS,
    responses: null,
  };
  return { publish: { ...publish, deny: [...publish.deny, CALLOUT_SUBJECT] }, subscribe, responses };
}
