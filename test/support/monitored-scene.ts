import assert from "node:assert/strict";
import { resolveOptions } from "../../packages/caddis/src/config/load.ts";
import type { OptionsInput } from "../../packages/caddis/src/config/options.ts";
import { SILENT_LOG } from "../../packages/caddis/src/io/log.ts";
import { nextTurn } from "../../packages/caddis/src/io/node/clock.ts";
import { nodeHttp } from "../../packages/caddis/src/io/node/http.ts";
import { nodeSecurity } from "../../packages/caddis/src/io/node/security.ts";
import { tcpNet } from "../../packages/caddis/src/io/node/tcp.ts";
import type { UnattachedPipe } from "../../packages/caddis/src/io/pipe.ts";
import type { Resources } from "../../packages/caddis/src/io/resources.ts";
import { SeededRandom } from "../../packages/caddis/src/io/seeded-random.ts";
import { VirtualClock } from "../../packages/caddis/src/io/virtual-clock.ts";
import { Monitor } from "../../packages/caddis/src/monitor/monitor.ts";
import { Server } from "../../packages/caddis/src/server/server.ts";
import { answerNow } from "./answer-now.ts";

const START_MS = Date.UTC(2026, 10, 20, 5, 0, 0);
export const MINUTE_MS = 60_000;

/** A JSON object. */
export type Fields = Record<string, unknown>;

/** JSON as it comes back; an answer has the lists that its view has. */
export interface Json extends Fields {
  connections: Fields[];
  subscriptions_list: Fields[];
}

/** A server without a port on a clock of its own, and what its monitoring says. */
export class MonitoredScene {
  readonly clock = new VirtualClock(nextTurn, START_MS);
  readonly server: Server;
  /** What the log warned of. */
  readonly warnings: string[] = [];
  /** …and what was worse. */
  readonly errors: string[] = [];
  readonly monitor: Monitor;

  private constructor(options: OptionsInput, resources: Partial<Resources>) {
    const ignore = (): void => {};
    this.server = new Server(
      resolveOptions({ dont_listen: true, server_name: "n1", ...options }),
      {
        clock: this.clock,
        random: new SeededRandom(1),
        log: {
          ...SILENT_LOG,
          warn: (message) => this.warnings.push(message),
          error: (message) => this.errors.push(message),
        },
        net: tcpNet(),
        http: nodeHttp,
        websocket: { listen: () => Promise.reject(new Error("no WebSocket here")) },
        compression: { gzip: (bytes) => Promise.resolve(bytes) },
        resources: {
          coreCount: 3,
          residentBytes: () => 1000,
          cpuPercent: () => 12.5,
          heap: () => ({ usedBytes: 2, totalBytes: 5, limitBytes: 9 }),
          activity: () => ["Timeout", "TCPSocketWrap", "Timeout"],
          ...resources,
        },
        security: nodeSecurity(),
        runtime: "node test",
      },
      { onConnect: ignore, onDisconnect: ignore, onAuthError: () => {}, onSlowConsumer: ignore },
    );
    this.monitor = new Monitor(this.server);
  }

  /** One that has not started. */
  static make(options: OptionsInput = {}): MonitoredScene {
    return new MonitoredScene(options, {});
  }

  static async start(
    options: OptionsInput = {},
    resources: Partial<Resources> = {},
  ): Promise<MonitoredScene> {
    const scene = new MonitoredScene(options, resources);
    await scene.server.start();
    return scene;
  }

  /** Connects and says `text`, a wire string. */
  async connect(text: string): Promise<UnattachedPipe> {
    const pipe = this.server.connectInProcess();
    pipe.attach({ onData() {}, onWritten() {}, onClosed() {} });
    await this.say(pipe, text);
    return pipe;
  }

  async say(pipe: UnattachedPipe, text: string): Promise<void> {
    const bytes = Buffer.from(text, "latin1");
    pipe.write(bytes, bytes.length);
    await this.clock.settled();
  }

  /** Asks and takes the answer for JSON of status 200. */
  ask(target: string): Json {
    const { status, text } = this.askText(target);
    assert.equal(status, 200, text);
    return JSON.parse(text) as Json;
  }

  askText(target: string): { status: number; text: string } {
    const [path, query = ""] = target.split("?");
    const { status, body } = answerNow(this.monitor, { path, query });
    return { status, text: [...body].join("") };
  }

  cids(target: string): unknown[] {
    return this.ask(target).connections.map(({ cid }) => cid);
  }

  async stop(): Promise<void> {
    const down = this.server.shutdown();
    await this.clock.settled();
    await this.clock.advance(MINUTE_MS);
    await down;
  }
}
