import { startWarnings } from "../config/load.ts";
import type { Options } from "../config/options.ts";
import type { Clock } from "../io/clock.ts";
import { systemClock } from "../io/node/clock.ts";
import { nodeHttp } from "../io/node/http.ts";
import { systemRandom } from "../io/node/random.ts";
import { processResources } from "../io/node/resources.ts";
import { tcpNet } from "../io/node/tcp.ts";
import type { Random } from "../io/random.ts";
import type { CaddisServer } from "./caddis-server.ts";
import { EmbeddedServer } from "./embedded-server.ts";
import { resolveEmbeddedOptions, type ServerOptions } from "./embedded-options.ts";
import { type Logger, logTo } from "./logger.ts";
import { brokerEvents, type ServerHandlers } from "./server-events.ts";
import { Server } from "./server.ts";

/** What an application hands to its server besides options. */
export interface ServerExtras extends ServerHandlers {
  /** Gets the server's log lines; `console` will do. Without it the server is silent. */
  readonly logger?: Logger;
}

/**
 * Starts a server inside this process. Resolves when clients can connect. Rejects with a `ConfigError`
 * that lists all that is wrong with the options, or with the reason why the address can't be had.
 */
export async function createServer(
  options: ServerOptions = {},
  extras: ServerExtras = {},
): Promise<CaddisServer> {
  const resolved = resolveEmbeddedOptions(options, extras.logger !== undefined);
  return new EmbeddedServer(await startServer(resolved, extras, systemClock(), systemRandom));
}

/** Starts a server with Node's network and a clock and chance of the caller's choice. */
export async function startServer(
  options: Options,
  extras: ServerExtras,
  clock: Clock,
  random: Random,
): Promise<Server> {
  const log = logTo(extras.logger, options);
  const ports = {
    clock,
    random,
    log,
    net: tcpNet(),
    http: nodeHttp,
    resources: processResources(),
    runtime: `node ${process.version}`,
  };
  const server = new Server(options, ports, brokerEvents(extras));
  for (const warning of startWarnings(options)) log.warn(warning);
  await server.start();
  return server;
}
