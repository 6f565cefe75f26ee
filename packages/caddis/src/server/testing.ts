import { CLOSE_LINGER_MS } from "../base/limits.ts";
import { MemoryDisk } from "../io/memory-disk.ts";
import { nextTurn } from "../io/node/clock.ts";
import { SeededRandom } from "../io/seeded-random.ts";
import { memoryStorage } from "../io/storage.ts";
import { VirtualClock } from "../io/virtual-clock.ts";
import type { CaddisServer } from "./caddis-server.ts";
import { type ServerExtras, startServer } from "./create-server.ts";
import { EmbeddedServer } from "./embedded-server.ts";
import { resolveEmbeddedOptions, type ServerOptions } from "./embedded-options.ts";
import type { Server } from "./server.ts";

/** For tests: a server whose time is in the hands of the test. */
export { MemoryDisk, SeededRandom, VirtualClock };

/** Where a test says nothing about chance. */
const DEFAULT_SEED = 1;

/** What JetStream takes the machine's memory to be: a figure that is the same everywhere. */
const MEMORY_BYTES = 16 * 1024 ** 3;

/** What a test hands to its server besides options. */
export interface TestServerExtras extends ServerExtras {
  /** A clock to share with other servers; see `virtualClock`. Each server has its own otherwise. */
  readonly clock?: VirtualClock;
  /** Seed of everything the server leaves to chance: queue members, jitter, its id. 1 unless said otherwise. */
  readonly seed?: number;
  /**
   * Where JetStream keeps what it keeps: nothing is written to the system's disk, whatever `store_dir` says. Handed to
   * another server later, it has all that was kept. Each server has one of its own otherwise.
   */
  readonly disk?: MemoryDisk;
}

/** A server for tests: its timers run only when `clock.advance` lets time pass, and its chance repeats. */
export interface TestServer extends CaddisServer {
  /** The server's time. Clients of in-process connections keep the real one for their own timers. */
  readonly clock: VirtualClock;
  /** As `clock.settled()`: resolves once in-process connections have come to rest. */
  settled(): Promise<void>;
}

/** A clock that several test servers may share. `startMs`: wall-clock time at its start, in Unix milliseconds. */
export function virtualClock(startMs?: number): VirtualClock {
  return new VirtualClock(nextTurn, startMs);
}

/**
 * Starts a server for tests, with a virtual clock and seeded chance; otherwise as `createServer`. Pings,
 * stale connections, authentication timeouts, write deadlines and lame duck mode come when the test lets
 * their time pass.
 */
export async function createTestServer(
  options: ServerOptions = {},
  extras: TestServerExtras = {},
): Promise<TestServer> {
  const hasLogger = extras.logger !== undefined;
  const resolved = resolveEmbeddedOptions(options, hasLogger);
  const clock = extras.clock ?? virtualClock();
  const random = new SeededRandom(extras.seed ?? DEFAULT_SEED);
  const storage = memoryStorage(extras.disk ?? new MemoryDisk(), MEMORY_BYTES);
  const server = await startServer(resolved, extras, { clock, random, storage });
  return new EmbeddedTestServer(server, hasLogger, clock);
}

class EmbeddedTestServer extends EmbeddedServer implements TestServer {
  readonly clock: VirtualClock;
  readonly #server: Server;

  constructor(server: Server, hasLogger: boolean, clock: VirtualClock) {
    super(server, hasLogger);
    this.#server = server;
    this.clock = clock;
  }

  settled(): Promise<void> {
    return this.clock.settled();
  }

  /** As in production, but a peer that takes nothing would hold it up: time passes until it is dropped. */
  override async shutdown(): Promise<void> {
    const down = super.shutdown();
    await this.clock.settled();
    if (this.#server.broker.clients.size > 0) {
      await this.clock.advance(this.#server.options.write_deadline + CLOSE_LINGER_MS);
    }
    return down;
  }
}
