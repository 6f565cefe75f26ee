import { resolveOptions } from "../../packages/caddis/src/config/load.ts";
import type { OptionsInput } from "../../packages/caddis/src/config/options.ts";
import { type Log, SILENT_LOG } from "../../packages/caddis/src/io/log.ts";
import type { Listener, UnattachedPipe } from "../../packages/caddis/src/io/pipe.ts";
import type { OpenTlsContext } from "../../packages/caddis/src/io/security.ts";
import { SeededRandom } from "../../packages/caddis/src/io/seeded-random.ts";
import { VirtualClock } from "../../packages/caddis/src/io/virtual-clock.ts";
import type { ReloadPart, ReloadStep } from "../../packages/caddis/src/server/reload-part.ts";
import { nodePorts } from "../../packages/caddis/src/server/node-ports.ts";
import { Server } from "../../packages/caddis/src/server/server.ts";

/** The port that the fake network gives. */
export const PORT = 4_999;

/** Compares when the test says so. */
class HeldHasher {
  isMissing = false;
  readonly asked: {
    readonly given: string;
    readonly hash: string;
    readonly answer: (isMatch: boolean) => void;
  }[] = [];

  load(): Promise<void> {
    return this.isMissing ? Promise.reject(new Error("no bcrypt here")) : Promise.resolve();
  }

  compare(given: string, hash: string): Promise<boolean> {
    return new Promise((answer) => this.asked.push({ given, hash, answer }));
  }

  /** Answers all that is asked, and what is asked then. */
  async answerAll(isMatch: boolean): Promise<number> {
    let count = 0;
    for (let next = this.asked.shift(); next !== undefined; next = this.asked.shift()) {
      count++;
      next.answer(isMatch);
      await new Promise(setImmediate);
    }
    return count;
  }
}

/** A part of the server's surroundings that notes what becomes of it. */
class NotingPart implements ReloadPart {
  readonly notes: string[] = [];
  problem: string | null = null;
  held: Promise<void> = Promise.resolve();

  async prepare(): Promise<ReloadStep> {
    this.notes.push("prepare");
    await this.held;
    if (this.problem !== null) throw new Error(this.problem);
    return {
      commit: () => void this.notes.push("commit"),
      finish: async () => void this.notes.push("finish"),
      abandon: async () => void this.notes.push("abandon"),
    };
  }
}

/** TLS contexts without any files, which notes how many are in use. */
class CountingTls {
  openCount = 0;
  problem: string | null = null;

  open(): Promise<OpenTlsContext> {
    if (this.problem !== null) return Promise.reject(new Error(this.problem));
    this.openCount++;
    return Promise.resolve({
      timeoutMs: 2_000,
      notAfterMs: Infinity,
      admit: () => true,
      reload: () => Promise.resolve(null),
      close: () => void this.openCount--,
    });
  }
}

/** A client in the process. */
export class Peer {
  text = "";
  isClosed = false;
  readonly #pipe: UnattachedPipe;

  constructor(server: Server) {
    this.#pipe = server.connectInProcess();
    this.#pipe.attach({
      onData: ({ buf }, length) => void (this.text += buf.latin1Slice(0, length)),
      onWritten: () => {},
      onClosed: () => void (this.isClosed = true),
      onSecured: () => {},
    });
  }

  say(text: string): void {
    const bytes = Buffer.from(text, "latin1");
    this.#pipe.write(bytes, bytes.length);
  }

  take(): string {
    const { text } = this;
    this.text = "";
    return text;
  }
}

/** A server in a world of the test's own: virtual time, no sockets, no files. */
export class World {
  readonly clock = new VirtualClock((run) => setImmediate(run));
  readonly hasher = new HeldHasher();
  readonly tls = new CountingTls();
  readonly lines: string[] = [];
  readonly first = new NotingPart();
  readonly second = new NotingPart();
  readonly server: Server;

  constructor(options: OptionsInput) {
    const note = (message: string): void => void this.lines.push(message);
    const listener: Listener = {
      host: "",
      addresses: ["127.0.0.1"],
      port: PORT,
      close: () => Promise.resolve(),
    };
    const log: Log = { ...SILENT_LOG, info: note, warn: note, error: note };
    const ports = nodePorts(log, { clock: this.clock, random: new SeededRandom(1) });
    this.server = new Server(
      resolveOptions({ host: "127.0.0.1", port: 0, ...options }),
      {
        ...ports,
        net: { listen: () => Promise.resolve(listener) },
        security: { ...ports.security, hasher: this.hasher, openTls: () => this.tls.open() },
        followers: [this.first, this.second],
      },
      {},
    );
  }

  static async started(options: OptionsInput): Promise<World> {
    const world = new World(options);
    await world.server.start();
    return world;
  }

  reload(options: OptionsInput, digest?: string): Promise<void> {
    return this.server.reload(resolveOptions({ host: "127.0.0.1", port: 0, ...options }), digest);
  }

  /** A client that has said nothing. */
  open(): Peer {
    return new Peer(this.server);
  }

  /** A client that has said `connect`. */
  async connect(connect: object, more = ""): Promise<Peer> {
    const peer = new Peer(this.server);
    await this.clock.settled();
    peer.say(`CONNECT ${JSON.stringify({ verbose: false, pedantic: false, ...connect })}\r\n${more}`);
    await this.clock.settled();
    return peer;
  }

  /** What a client got since the last time, and whether it still gets answers. */
  async see(peer: Peer): Promise<string> {
    peer.say("PING\r\n");
    await this.clock.settled();
    return peer.take().replaceAll(/INFO .*?\r\n/g, "");
  }
}

/** Users by name and password. */
export const users = (...list: readonly (readonly [string, string])[]): OptionsInput => ({
  authorization: { users: list.map(([user, password]) => ({ user, password })) },
});
/** What a client that is in gets for a PING. */
export const IN = "PONG\r\n";
export const VIOLATION = "-ERR 'Authorization Violation'\r\n";
