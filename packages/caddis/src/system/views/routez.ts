import type { Broker } from "../../broker/broker.ts";
import { formatTime } from "../format.ts";

/** The answer of /routez. There are no routes yet, and the answer is that of a server without a cluster. */
export interface Routez {
  readonly server_id: string;
  readonly server_name: string;
  readonly now: string;
  readonly num_routes: 0;
  readonly routes: readonly never[];
}

/** Tells about connections to the other servers of the cluster. */
export function routez(broker: Broker): Routez {
  return {
    server_id: broker.serverId,
    server_name: broker.serverName,
    now: formatTime(broker.clock.nowMs()),
    num_routes: 0,
    routes: [],
  };
}
