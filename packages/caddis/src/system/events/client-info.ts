import { CLIENT_TYPES } from "../../broker/arrival.ts";
import type { Client } from "../../broker/client.ts";
import { shownUser } from "../../broker/client-summary.ts";
import { formatTime } from "../format.ts";

/** A connection in events. Fields stand in the reference's order; one that is undefined is left out. */
export interface EventClient {
  readonly start: string;
  readonly host: string | undefined;
  readonly id: number;
  readonly acc: string;
  readonly user: string | undefined;
  readonly name: string | undefined;
  readonly lang: string | undefined;
  readonly ver: string | undefined;
  /** Nanoseconds; of one that has left. */
  readonly rtt: number | undefined;
  readonly stop: string | undefined;
  readonly jwt: string | undefined;
  readonly issuer_key: string | undefined;
  readonly name_tag: string;
  readonly tags: readonly string[] | undefined;
  readonly kind: "Client";
  readonly client_type: "nats" | "websocket";
}

/** `stopMs` is the wall-clock time at which it left; null: it is there. Its JWT is never one that is as good as a password. */
export function eventClient(client: Client, account: string, stopMs: number | null): EventClient {
  const { connect, identity } = client;
  return {
    start: formatTime(client.startMs),
    host: client.pipe.remoteHost || undefined,
    id: client.cid,
    acc: account,
    user: shownUser(client) || undefined,
    name: connect.name || undefined,
    lang: connect.lang || undefined,
    ver: connect.version || undefined,
    rtt: stopMs === null ? undefined : roundTripNs(client) || undefined,
    stop: stopMs === null ? undefined : formatTime(stopMs),
    jwt: identity.jwt || undefined,
    issuer_key: identity.issuerKey || undefined,
    name_tag: client.broker.accounts.get(account)?.shownName ?? account,
    tags: identity.tags.length === 0 ? undefined : identity.tags,
    kind: "Client",
    client_type: CLIENT_TYPES[client.transport],
  };
}

/** Whole microseconds below a millisecond, as the reference measures it. */
function roundTripNs(client: Client): number {
  const ms = client.pings.roundTripMs;
  return ms > 0.001 && ms < 1 ? Math.floor(ms * 1e3) * 1e3 : Math.round(ms * 1e6);
}
