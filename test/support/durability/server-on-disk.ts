import assert from "node:assert/strict";
import type { Disk } from "../../../packages/caddis/src/io/disk.ts";
import { SeededRandom } from "../../../packages/caddis/src/io/seeded-random.ts";
import { memoryStorage } from "../../../packages/caddis/src/io/storage.ts";
import type { VirtualClock } from "../../../packages/caddis/src/io/virtual-clock.ts";
import { startServer } from "../../../packages/caddis/src/server/create-server.ts";
import {
  resolveEmbeddedOptions,
  type ServerOptions,
} from "../../../packages/caddis/src/server/embedded-options.ts";
import { EmbeddedServer } from "../../../packages/caddis/src/server/embedded-server.ts";
import { InProcessPeer } from "../in-process-peer.ts";
import { type Came, messagesIn } from "../snapshot-peer.ts";

const MEMORY_BYTES = 16 * 1024 ** 3;
/** Longer than any test's time: nobody is asked whether he is still there. */
const PING_INTERVAL = "100000h";
const HELLO = { verbose: false, headers: true, no_responders: true, protocol: 1 };

/** A whole server in virtual time, whose store lies on a disk of the test's own, and one client without a library. */
export class ServerOnDisk {
  readonly clock: VirtualClock;
  /** What the log warned of, in order. */
  readonly warnings: string[];
  readonly #server: EmbeddedServer;
  readonly #peer: InProcessPeer;
  #inboxes = 0;
  /** The first one is for answers. */
  #subscriptions = 1;
  readonly #answers = new Map<string, Came[]>();
  /** What came to subjects that `subscribe` named, and was not taken. */
  #others: Came[] = [];

  private constructor(clock: VirtualClock, server: EmbeddedServer, warnings: string[]) {
    this.clock = clock;
    this.warnings = warnings;
    this.#server = server;
    this.#peer = new InProcessPeer(server);
  }

  /** Starts a server; rejects when it does not start. */
  static async start(
    disk: Disk,
    clock: VirtualClock,
    seed: number,
    options: ServerOptions = {},
  ): Promise<ServerOnDisk> {
    const warnings: string[] = [];
    const note = (line: string): void => void warnings.push(line);
    const resolved = resolveEmbeddedOptions(
      { dont_listen: true, jetstream: true, ping_interval: PING_INTERVAL, ...options },
      true,
    );
    const server = await startServer(
      resolved,
      { logger: { info: () => {}, warn: note, error: note, fatal: note } },
      { clock, random: new SeededRandom(seed), storage: memoryStorage(disk, MEMORY_BYTES) },
    );
    const started = new ServerOnDisk(clock, new EmbeddedServer(server, true), warnings);
    started.#peer.send(`CONNECT ${JSON.stringify(HELLO)}\r\nSUB _R.* 1\r\n`);
    await clock.settled();
    started.#peer.take();
    return started;
  }

  subscribe(subject: string): void {
    this.#peer.send(`SUB ${subject} ${++this.#subscriptions}\r\n`);
  }

  /** Publishes; empty `reply`: without one. Headers are lines such as `Nats-TTL: 1s`. Wire strings. */
  publish(subject: string, reply: string, body: string, headers: readonly string[] = []): void {
    const block = headers.length === 0 ? "" : `NATS/1.0\r\n${headers.join("\r\n")}\r\n\r\n`;
    const address = reply === "" ? subject : `${subject} ${reply}`;
    const sizes = block === "" ? body.length : `${block.length} ${block.length + body.length}`;
    this.#peer.send(`${block === "" ? "PUB" : "HPUB"} ${address} ${sizes}\r\n${block}${body}\r\n`);
  }

  /** Publishes with an inbox for the answer; returns that. */
  say(subject: string, body: string, headers: readonly string[] = []): string {
    const inbox = `_R.${++this.#inboxes}`;
    this.publish(subject, inbox, body, headers);
    return inbox;
  }

  /** All that came to `inbox`, once everything is at rest. */
  async heard(inbox: string): Promise<Came[]> {
    await this.#receive();
    const heard = this.#answers.get(inbox) ?? [];
    this.#answers.delete(inbox);
    return heard;
  }

  /** Asks and resolves with what came first, once everything is at rest; null: nothing. */
  async ask(subject: string, body: string, headers: readonly string[] = []): Promise<Came | null> {
    const [first] = await this.heard(this.say(subject, body, headers));
    return first ?? null;
  }

  /** Asks the API; null: no answer. */
  async api(subject: string, body: object | null = null): Promise<ApiAnswer | null> {
    const answer = await this.ask(`$JS.API.${subject}`, body === null ? "" : JSON.stringify(body));
    return answer === null || answer.payload === "" ? null : (JSON.parse(answer.payload) as ApiAnswer);
  }

  /** As `api`, of what is not to fail. */
  async need(subject: string, body: object | null = null): Promise<ApiAnswer> {
    const answer = await this.api(subject, body);
    assert.ok(answer !== null && answer.error === undefined, `${subject}: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** What came to subjects that were subscribed, once everything is at rest. */
  async take(): Promise<Came[]> {
    await this.#receive();
    return this.#others.splice(0);
  }

  /** Lets time pass. */
  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms);
  }

  /** Ends it in good order, as far as its disk lets it. */
  async stop(): Promise<void> {
    this.#peer.connection.destroy();
    await this.clock.settled();
    const down = this.#server.shutdown();
    await this.clock.settled();
    await down;
  }

  async #receive(): Promise<void> {
    await this.clock.settled();
    for (const came of messagesIn(this.#peer.take())) {
      if (!came.subject.startsWith("_R.")) this.#others.push(came);
      else if (this.#answers.get(came.subject)?.push(came) === undefined)
        this.#answers.set(came.subject, [came]);
    }
  }
}

/** An answer of the API, as far as the proofs look at it. */
export interface ApiAnswer {
  readonly error?: { readonly code: number; readonly err_code: number; readonly description: string };
  readonly [field: string]: unknown;
}
