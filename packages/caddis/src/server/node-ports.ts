import type { Clock } from "../io/clock.ts";
import type { Log } from "../io/log.ts";
import { systemClock } from "../io/node/clock.ts";
import { zlibCompression } from "../io/node/compression.ts";
import { nodeHttp } from "../io/node/http.ts";
import { systemRandom } from "../io/node/random.ts";
import { processResources } from "../io/node/resources.ts";
import { nodeSecurity } from "../io/node/security.ts";
import { nodeStorage } from "../io/node/storage.ts";
import { nodeSurroundings } from "../io/node/surroundings.ts";
import { type ReadMode, tcpNet } from "../io/node/tcp.ts";
import type { Random } from "../io/random.ts";
import type { StoragePort } from "../io/storage.ts";
import type { ServerPorts } from "./server-ports.ts";

/** What can be other than production has it. */
export interface PortChoices {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly readMode?: ReadMode;
  readonly storage?: StoragePort;
}

/** The world as Node gives it, for a server that says to `log` what happens. */
export function nodePorts(log: Log, { clock, random, readMode, storage }: PortChoices = {}): ServerPorts {
  return {
    clock: clock ?? systemClock(),
    random: random ?? systemRandom,
    log,
    net: tcpNet(readMode),
    http: nodeHttp,
    // Most servers do without it.
    websocket: {
      listen: async (options, events) =>
        (await import("../io/node/websocket.ts")).nodeWebsocket.listen(options, events),
    },
    resources: processResources(),
    surroundings: nodeSurroundings(),
    compression: zlibCompression,
    storage: storage ?? nodeStorage,
    security: nodeSecurity(),
    runtime: `node ${process.version}`,
  };
}
