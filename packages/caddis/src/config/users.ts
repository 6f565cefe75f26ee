import type { Permissions } from "./permissions.ts";

/** The ways to reach a server, as `allowed_connection_types` names them. */
export const CONNECTION_TYPES = [
  "STANDARD",
  "WEBSOCKET",
  "LEAFNODE",
  "LEAFNODE_WS",
  "MQTT",
  "MQTT_WS",
  "IN_PROCESS",
] as const;

export type ConnectionType = (typeof CONNECTION_TYPES)[number];

/** A user of the list in `authorization` or in an account. */
export interface UserConfig {
  /** The user's name, or with `nkey` its public key. Exactly one of `user` and `nkey` is not empty. */
  readonly user: string;
  /** Plain or a bcrypt hash; empty for a user that only a certificate stands for. */
  readonly password: string;
  readonly nkey: string;
  /** The account it belongs to; empty: the global one. */
  readonly account: string;
  /** Its own, or else the default of the account or the block it stands in. Null: everything. */
  readonly permissions: Permissions | null;
  /** Null: all. */
  readonly allowed_connection_types: readonly ConnectionType[] | null;
  readonly proxy_required: boolean;
}

/** `authorization.auth_callout`: a service decides who may connect. */
export interface AuthCalloutConfig {
  /** Public account nkey that signs the service's answers. */
  readonly issuer: string;
  /** The account the service runs in. */
  readonly account: string;
  /** Users (names or nkeys) that do not go through the callout: the service itself. */
  readonly auth_users: readonly string[];
  /** Public curve key of the service; empty: requests go unencrypted. */
  readonly xkey: string;
  /** Accounts whose configured users are delegated to the callout; empty: none but those without credentials here. */
  readonly allowed_accounts: readonly string[];
}
