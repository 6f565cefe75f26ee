import type { Broker } from "../../broker/broker.ts";
import { formatTime } from "../format.ts";

/** What is asked of /jsz. The rest of it chooses among what is not there. */
export interface JszQuery {
  /** Only the leader is to answer. */
  readonly leaderOnly: boolean;
}

/**
 * The answer of /jsz: that of a server on which JetStream is off. Fields stand in the reference's order.
 * Sizes are bytes.
 */
export interface Jsz {
  readonly memory: 0;
  readonly storage: 0;
  readonly reserved_memory: 0;
  readonly reserved_storage: 0;
  readonly accounts: 0;
  readonly ha_assets: 0;
  readonly api: { readonly level: 0; readonly total: 0; readonly errors: 0 };
  readonly server_id: string;
  readonly now: string;
  readonly disabled: true;
  readonly config: { readonly max_memory: 0; readonly max_storage: 0 };
  readonly streams: 0;
  readonly consumers: 0;
  readonly messages: 0;
  readonly bytes: 0;
  readonly total: 0;
}

/** Tells about JetStream; a server without it leads nothing, and says so where only the leader is asked. */
export function jsz(broker: Broker, { leaderOnly }: JszQuery): Jsz | { readonly problem: string } {
  if (leaderOnly) return { problem: "filtered response: not leader" };
  return {
    memory: 0,
    storage: 0,
    reserved_memory: 0,
    reserved_storage: 0,
    accounts: 0,
    ha_assets: 0,
    api: { level: 0, total: 0, errors: 0 },
    server_id: broker.serverId,
    now: formatTime(broker.clock.nowMs()),
    disabled: true,
    config: { max_memory: 0, max_storage: 0 },
    streams: 0,
    consumers: 0,
    messages: 0,
    bytes: 0,
    total: 0,
  };
}
