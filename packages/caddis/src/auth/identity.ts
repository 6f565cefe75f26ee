import type { Permissions } from "../config/permissions.ts";
import type { ConnectionType } from "../config/users.ts";
import type { TlsSession } from "../io/tls.ts";
import type { ConnectOptions } from "../wire/connect.ts";
import type { UserClaims } from "./claims/claims.ts";
import type { Proof } from "./proof.ts";

/** What a connection shows of itself when it wants in. */
export interface AuthRequest {
  readonly connect: ConnectOptions;
  /** What the client had to sign; empty when INFO had none. */
  readonly nonce: string;
  readonly connectionType: ConnectionType;
  readonly cid: number;
  /** Of the peer; empty inside the process. */
  readonly host: string;
  /** Null without TLS. */
  readonly tls: TlsSession | null;
  /** Whether nobody waits for the answer any more. Absent: somebody does. */
  readonly isGone?: () => boolean;
  /** Who came with the same CONNECT, when a connection that is in is asked about again. Absent: it wants in. */
  readonly previous?: Identity;
}

/** Limits of one connection; -1: none. The account's and the server's hold besides. */
export interface ConnectionLimits {
  readonly subscriptions: number;
  readonly payload: number;
}

const NO_CONNECTION_LIMITS: ConnectionLimits = { subscriptions: -1, payload: -1 };

/** Who was let in, and as what. */
export interface Identity {
  /** How monitoring, logs and events name it; never a secret. Empty without authentication. */
  readonly user: string;
  /** Name of its account. */
  readonly account: string;
  /** Null: everything. */
  readonly permissions: Permissions | null;
  readonly limits: ConnectionLimits;
  /** When it has to leave, wall-clock milliseconds; 0: never. */
  readonly expiresMs: number;
  /** Its public nkey; empty: none. */
  readonly nkey: string;
  /** Its JWT, for monitoring; empty: none, or one that is as good as a password. */
  readonly jwt: string;
  /** The key that signed the JWT; empty: none. */
  readonly issuerKey: string;
  readonly nameTag: string;
  readonly tags: readonly string[];
  /** Public key of the trusted proxy that brought it; empty: none. */
  readonly proxyKey: string;
  /** What it need not prove again. Absent: nothing. */
  readonly proof?: Proof;
  /** The service that let it in, and what that said about it. Absent: the server decided by itself. */
  readonly calledOut?: CalledOut;
}

/** The word of an auth callout's service about a client. */
export interface CalledOut {
  /** The account the service runs in, and what it was asked about (`sub`). */
  readonly account: string;
  readonly sub: string;
  readonly user: UserClaims;
}

/** Why someone was turned away. The client only learns "Authorization Violation". */
export type Denial = "authenticationViolation" | "proxyNotTrusted" | "proxyRequired";

/** What came of an attempt to get in. `detail` is for the log, and says nothing secret. */
export type Verdict =
  | { readonly allowed: true; readonly identity: Identity }
  | { readonly allowed: false; readonly denial: Denial; readonly detail: string };

/** Whoever comes where nobody is asked. */
export const ANYBODY: Identity = {
  user: "",
  account: "$G",
  permissions: null,
  limits: NO_CONNECTION_LIMITS,
  expiresMs: 0,
  nkey: "",
  jwt: "",
  issuerKey: "",
  nameTag: "",
  tags: [],
  proxyKey: "",
};

/** Turned away for `detail`. */
export function denied(detail: string, denial: Denial = "authenticationViolation"): Verdict {
  return { allowed: false, denial, detail };
}

/** Decides who gets in: the one place all connections of all kinds go through. */
export interface Authenticator {
  /** Whether nothing but CONNECT is taken from a client that was not let in yet, and that in `authorization.timeout`. */
  readonly expectsConnect: boolean;
  /** Whether INFO says `auth_required`: not with a `no_auth_user`, who stands for clients without credentials. */
  readonly isRequired: boolean;
  /** Whether INFO carries a nonce to sign. */
  readonly needsNonce: boolean;
  /** Whether a client may begin with another operation than CONNECT: then `authenticate` is asked about an empty one. */
  readonly takesUnannounced: boolean;
  /** Never rejects. A verdict is a promise only where something had to be asked or computed elsewhere. */
  authenticate(request: AuthRequest): Verdict | Promise<Verdict>;
}
