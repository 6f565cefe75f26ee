import { startWarnings } from "../config/load.ts";
import type { Options } from "../config/options.ts";
import type { Clock } from "../io/clock.ts";
import { MemoryDisk } from "../io/memory-disk.ts";
import { systemClock } from "../io/node/clock.ts";
import { postJson } from "../io/node/http-post.ts";
import { systemRandom } from "../io/node/random.ts";
import type { Random } from "../io/random.ts";
import { nodeStorage } from "../io/node/storage.ts";
import { memoryStorage, type StoragePort } from "../io/storage.ts";
import type { CaddisServer } from "./caddis-server.ts";
import { EmbeddedServer } from "./embedded-server.ts";
import { resolveEmbeddedOptions, type ServerOptions } from "./embedded-options.ts";
import { levelsReload, type Logger, logTo } from "./logger.ts";
import { nodePorts } from "./node-ports.ts";
import type { ServerPlugin } from "./plugin.ts";
import { brokerEvents, type ServerHandlers } from "./server-events.ts";
import { Server } from "./server.ts";

/** What an application hands to its server besides options. */
export interface ServerExtras extends ServerHandlers {
  /** Gets the server's log lines; `console` will do. Without it the server is silent. */
  readonly logger?: Logger;
  /** What lives beside the server, as `caddis/otel` does. */
  readonly plugins?: readonly ServerPlugin[];
}

/**
 * Starts a server inside this process. Resolves when clients can connect. Rejects with a `ConfigError`
 * that lists all that is wrong with the options, or with the reason why the address can't be had.
 */
export async function createServer(
  options: ServerOptions = {},
  extras: ServerExtras = {},
): Promise<CaddisServer> {
  const hasLogger = extras.logger !== undefined;
  const resolved = resolveEmbeddedOptions(options, hasLogger);
  const world = { clock: systemClock(), random: systemRandom, storage: embeddedStorage(resolved) };
  return new EmbeddedServer(await startServer(resolved, extras, world), hasLogger);
}

/** Without `store_dir` all that JetStream keeps is in memory: embedded servers share no folder by accident. */
function embeddedStorage({ store_dir }: Options): StoragePort {
  const memoryBytes = nodeStorage.memoryBytes();
  return store_dir === "" ? memoryStorage(new MemoryDisk(memoryBytes), memoryBytes) : nodeStorage;
}

/** What of a server's world is not always Node's. */
interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly storage: StoragePort;
}

/** Starts a server with Node's network and a clock, chance and storage of the caller's choice. */
export async function startServer(
  options: Options,
  extras: ServerExtras,
  { clock, random, storage }: World,
): Promise<Server> {
  const log = logTo(extras.logger, options);
  const ports = { ...nodePorts(log, { clock, random, storage }), followers: [levelsReload(log)] };
  const server = new Server(options, ports, brokerEvents(extras));
  for (const warning of startWarnings(options)) log.warn(warning);
  for (const plugin of extras.plugins ?? []) server.plugins.push(plugin.start({ server, post: postJson }));
  await server.start();
  return server;
}
