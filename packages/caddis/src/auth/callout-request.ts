import type { ConnectionType } from "../config/users.ts";
import type { TlsSession } from "../io/tls.ts";
import type { RequestingServer } from "./claims/authorization.ts";
import type { AuthRequest, Identity } from "./identity.ts";
import type { ClaimsToEncode } from "./jwt.ts";

/** Whom requests are for, in their `aud`. */
const AUDIENCE = "nats-authorization-request";

/** What clients of each type are called in requests and in monitoring. */
const CLIENT_KINDS: Readonly<Record<ConnectionType, { readonly kind: string; readonly type: string }>> = {
  STANDARD: { kind: "Client", type: "nats" },
  IN_PROCESS: { kind: "Client", type: "nats" },
  WEBSOCKET: { kind: "Client", type: "websocket" },
  MQTT: { kind: "Client", type: "mqtt" },
  MQTT_WS: { kind: "Client", type: "mqtt" },
  LEAFNODE: { kind: "Leafnode", type: "" },
  LEAFNODE_WS: { kind: "Leafnode", type: "" },
};

const REDACTED = "[REDACTED]";

/** What a request is made of, besides the client's own words. */
export interface CalloutSubject {
  /** The account or key that the service answers for. */
  readonly sub: string;
  readonly server: RequestingServer;
  /** Made for this request. */
  readonly userNkey: string;
  /** As whom the server itself would let the client in; null: it would not. */
  readonly identity: Identity | null;
  /** The user's token that a client stands for without giving one: a default sentinel. Empty: none. */
  readonly jwt: string;
  /** Unix seconds. */
  readonly exp: number;
}

/** The claims that ask a callout service about `request`. */
export function calloutClaims(request: AuthRequest, subject: CalloutSubject): ClaimsToEncode {
  const { sub, server, userNkey, identity, exp } = subject;
  const { connect, connectionType, tls } = request;
  const client = {
    host: request.host,
    id: request.cid,
    user: shownUser(request, identity),
    name: connect.name,
    tags: identity?.tags ?? [],
    name_tag: identity?.nameTag ?? "",
    ...CLIENT_KINDS[connectionType],
    // The nonce is of use only to check a signature.
    nonce: connect.sig === "" ? "" : request.nonce,
  };
  const nats = {
    server_id: { ...withoutEmpty(server), name: server.name, host: server.host, id: server.id },
    user_nkey: userNkey,
    client_info: withoutEmpty(client),
    connect_opts: connectOptions(request, identity, subject.jwt),
    ...(tls === null ? {} : { client_tls: clientTls(tls) }),
  };
  return { sub, aud: AUDIENCE, exp, nats };
}

/** Whom the client says it is, or the server takes it for; never a secret. */
export function shownUser({ connect }: AuthRequest, identity: Identity | null): string {
  const named = connect.nkey || connect.user || identity?.user;
  if (named !== undefined && named !== "") return named;
  return connect.auth_token === "" ? "" : REDACTED;
}

/** What it gave in CONNECT, secrets and all: the service is there to judge them. */
function connectOptions({ connect }: AuthRequest, identity: Identity | null, sentinel: string): object {
  const { nkey, sig, auth_token, pass, name, lang, version, protocol } = connect;
  const jwt = connect.jwt === "" ? sentinel : connect.jwt;
  // A certificate or `no_auth_user` may have named who gave no name.
  const isNamed = connect.user !== "" || connect.nkey !== "" || jwt !== "" || auth_token !== "";
  const user = isNamed ? connect.user : (identity?.user ?? "");
  return { ...withoutEmpty({ jwt, nkey, sig, auth_token, user, pass, name, lang, version }), protocol };
}

function clientTls({ version, cipherSuite, certificates, isVerified }: TlsSession): object {
  const pems = certificates.map(pem);
  const chains = isVerified && pems.length > 0 ? { verified_chains: [pems] } : { certs: pems };
  return withoutEmpty({ version, cipher: cipherSuite, ...chains });
}

function pem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** Without the members that say nothing: texts and lists that are empty, zeros. */
function withoutEmpty(members: object): object {
  return Object.fromEntries(
    Object.entries(members).filter(
      ([, value]) => value !== "" && value !== 0 && !(Array.isArray(value) && value.length === 0),
    ),
  );
}
