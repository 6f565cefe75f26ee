import { fromWireString, toWireString } from "../subject/subject.ts";
import type { Broker } from "./broker.ts";
import { CLIENT_TYPES } from "./arrival.ts";
import type { Client } from "./client.ts";
import { shownUser } from "./client-summary.ts";
import { goJson, goTime, nanoseconds } from "./go-json.ts";

/** The header field in which a service reads who asks. Only the server sets it. */
export const REQUEST_INFO_FIELD = "Nats-Request-Info";

/** Who asks, field by field as it stands in JSON, in the reference's order. Durations are nanoseconds. */
export interface RequestInfo {
  readonly start?: string | undefined;
  readonly host?: string | undefined;
  readonly id?: number | undefined;
  readonly acc: string;
  /** The account in between, of a request that came through several. */
  readonly svc?: string | undefined;
  readonly user?: string | undefined;
  readonly name?: string | undefined;
  readonly lang?: string | undefined;
  readonly ver?: string | undefined;
  readonly rtt?: number | undefined;
  readonly server?: string | undefined;
  readonly jwt?: string | undefined;
  readonly issuer_key?: string | undefined;
  readonly name_tag?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly kind?: string | undefined;
  readonly client_type?: string | undefined;
  /** Where the client waits for the answer, if that says more than where to; see `withTellingReply`. */
  readonly reply?: string | undefined;
}

/** How reply subjects end that say all about a message of a fast batch: a stream has to see them. As in the reference. */
const FAST_BATCH_SUFFIX = ".$FI";

/** What a service may know of `client`: its account and round trip, and the rest if `isDetailed`. */
export function requestInfoOf(client: Client, isDetailed: boolean): RequestInfo {
  const brief = { acc: client.account.name, rtt: nanoseconds(client.pings.roundTripMs) || undefined };
  if (!isDetailed) return brief;
  const { connect, identity, broker } = client;
  return {
    start: goTime(client.startMs),
    host: client.pipe.remoteHost || undefined,
    id: client.cid,
    acc: brief.acc,
    user: shownUser(client) || undefined,
    name: connect.name || undefined,
    lang: connect.lang || undefined,
    ver: connect.version || undefined,
    rtt: brief.rtt,
    server: broker.serverName,
    jwt: identity.jwt || undefined,
    issuer_key: identity.issuerKey || undefined,
    name_tag: identity.nameTag || undefined,
    tags: identity.tags.length > 0 ? identity.tags : undefined,
    kind: "Client",
    client_type: CLIENT_TYPES[client.transport],
  };
}

/** `info` with the server's name, for those who have a right to know it. */
export function withServer(info: RequestInfo, { serverName }: Broker): RequestInfo {
  return ordered({ ...info, server: serverName });
}

/** `info` with the reply subject `reply`, a wire string, of a request whose service has to know it. */
export function withTellingReply(info: RequestInfo, reply: string): RequestInfo {
  return reply.endsWith(FAST_BATCH_SUFFIX) ? { ...info, reply: fromWireString(reply) } : info;
}

/** `info` of a request that goes on from the account `service`. */
export function throughService(info: RequestInfo, service: string): RequestInfo {
  return ordered({ ...info, svc: service });
}

/** The field's value, a wire string. */
export function encodeRequestInfo(info: RequestInfo): string {
  return toWireString(goJson(info));
}

/** The fields in their order, whatever order they were set in. */
function ordered(info: RequestInfo): RequestInfo {
  const { start, host, id, acc, svc, user, name, lang, ver, rtt, server, ...rest } = info;
  return { start, host, id, acc, svc, user, name, lang, ver, rtt, server, ...rest };
}
