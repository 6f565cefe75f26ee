import type { Broker } from "../../broker/broker.ts";
import { formatTime } from "../format.ts";

/** The answer of /gatewayz. There are no gateways yet, and the answer is that of a server without one. */
export interface Gatewayz {
  readonly server_id: string;
  readonly now: string;
  readonly outbound_gateways: Readonly<Record<string, never>>;
  readonly inbound_gateways: Readonly<Record<string, never>>;
}

/** Tells about connections to other clusters. */
export function gatewayz(broker: Broker): Gatewayz {
  return {
    server_id: broker.serverId,
    now: formatTime(broker.clock.nowMs()),
    outbound_gateways: {},
    inbound_gateways: {},
  };
}
