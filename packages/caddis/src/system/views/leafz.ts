import type { Broker } from "../../broker/broker.ts";
import { formatTime } from "../format.ts";

/** The answer of /leafz. There are no leaf nodes yet, and the answer is that of a server without any. */
export interface Leafz {
  readonly server_id: string;
  readonly now: string;
  readonly leafnodes: 0;
  readonly leafs: readonly never[];
}

/** Tells about connections of leaf nodes. */
export function leafz(broker: Broker): Leafz {
  return { server_id: broker.serverId, now: formatTime(broker.clock.nowMs()), leafnodes: 0, leafs: [] };
}
