import type { Options } from "../config/options.ts";
import { systemClock } from "../io/node/clock.ts";
import { nodeHttp } from "../io/node/http.ts";
import type { LineLog } from "../io/node/line-log.ts";
import { systemRandom } from "../io/node/random.ts";
import { processResources } from "../io/node/resources.ts";
import { tcpNet } from "../io/node/tcp.ts";
import { Server } from "../server/server.ts";
import type { ProgramServer } from "./program.ts";

/** The server of the program, with the ports of production. `configDigest` is that of its file; empty without one. */
export function createProgramServer(options: Options, log: LineLog, configDigest: string): ProgramServer {
  const ports = {
    clock: systemClock(),
    random: systemRandom,
    net: tcpNet(),
    http: nodeHttp,
    resources: processResources(),
    log,
    runtime: `node ${process.version}`,
  };
  const server = new Server(options, ports, {
    onConnect: ignore,
    onDisconnect: ignore,
    onSlowConsumer: ignore,
  });
  server.configDigest = configDigest;
  return {
    serverId: server.broker.serverId,
    start: (onListening) => server.start(onListening),
    lameDuck: () => server.lameDuck(),
    shutdown: () => server.shutdown(),
    closed: server.closed,
    get clientUrls() {
      return server.clientUrls;
    },
    get monitoringUrls() {
      return server.monitoringUrls;
    },
  };
}

function ignore(): void {}
