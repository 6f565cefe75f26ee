import { Fields } from "./fields.ts";

/** Which server asks. Absent texts are empty, here and below. */
export interface RequestingServer {
  readonly name: string;
  readonly host: string;
  readonly id: string;
  readonly version: string;
  readonly cluster: string;
  readonly tags: readonly string[];
  readonly xkey: string;
}

/** Who wants to connect. */
export interface RequestingClient {
  readonly host: string;
  readonly id: number;
  readonly user: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly name_tag: string;
  readonly kind: string;
  readonly type: string;
  readonly mqtt_id: string;
  readonly nonce: string;
}

/** What it gave in CONNECT. */
export interface RequestedConnect {
  readonly jwt: string;
  readonly nkey: string;
  readonly sig: string;
  readonly auth_token: string;
  readonly user: string;
  readonly pass: string;
  readonly name: string;
  readonly lang: string;
  readonly version: string;
  readonly protocol: number;
}

export interface RequestingTls {
  readonly version: string;
  readonly cipher: string;
  /** PEM, unverified. */
  readonly certs: readonly string[];
  readonly verified_chains: readonly (readonly string[])[];
}

/** What a server asks a callout service. */
export interface AuthorizationRequest {
  readonly server_id: RequestingServer;
  /** Made for this request: the user in the answer has to be this one. */
  readonly user_nkey: string;
  readonly client_info: RequestingClient;
  readonly connect_opts: RequestedConnect;
  readonly client_tls: RequestingTls | null;
  readonly request_nonce: string;
}

/** What the service answers: one of `jwt` and `error`. */
export interface AuthorizationResponse {
  /** A user's token. */
  readonly jwt: string;
  readonly error: string;
  readonly issuer_account: string;
}

export function readAuthorizationRequest(nats: Fields): AuthorizationRequest {
  const tls = nats.objectOrNull("client_tls");
  return {
    server_id: readServer(nats.object("server_id")),
    user_nkey: nats.string("user_nkey"),
    client_info: readClient(nats.object("client_info")),
    connect_opts: readConnect(nats.object("connect_opts")),
    client_tls: tls === null ? null : readTls(tls),
    request_nonce: nats.string("request_nonce"),
  };
}

export function readAuthorizationResponse(nats: Fields): AuthorizationResponse {
  return {
    jwt: nats.string("jwt"),
    error: nats.string("error"),
    issuer_account: nats.string("issuer_account"),
  };
}

function readServer(fields: Fields): RequestingServer {
  return {
    name: fields.string("name"),
    host: fields.string("host"),
    id: fields.string("id"),
    version: fields.string("version"),
    cluster: fields.string("cluster"),
    tags: fields.strings("tags"),
    xkey: fields.string("xkey"),
  };
}

function readClient(fields: Fields): RequestingClient {
  return {
    host: fields.string("host"),
    id: fields.int("id"),
    user: fields.string("user"),
    name: fields.string("name"),
    tags: fields.strings("tags"),
    name_tag: fields.string("name_tag"),
    kind: fields.string("kind"),
    type: fields.string("type"),
    mqtt_id: fields.string("mqtt_id"),
    nonce: fields.string("nonce"),
  };
}

function readConnect(fields: Fields): RequestedConnect {
  return {
    jwt: fields.string("jwt"),
    nkey: fields.string("nkey"),
    sig: fields.string("sig"),
    auth_token: fields.string("auth_token"),
    user: fields.string("user"),
    pass: fields.string("pass"),
    name: fields.string("name"),
    lang: fields.string("lang"),
    version: fields.string("version"),
    protocol: fields.int("protocol"),
  };
}

function readTls(fields: Fields): RequestingTls {
  return {
    version: fields.string("version"),
    cipher: fields.string("cipher"),
    certs: fields.strings("certs"),
    verified_chains: fields.list("verified_chains", readStrings),
  };
}

function readStrings(value: unknown, where: string): readonly string[] {
  return new Fields({ list: value }, where).strings("list");
}
