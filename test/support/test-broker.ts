import assert from "node:assert/strict";
import { authenticationRules } from "../../packages/caddis/src/auth/authentication-rules.ts";
import { ConfiguredAuthenticator } from "../../packages/caddis/src/auth/configured-authenticator.ts";
import { Broker } from "../../packages/caddis/src/broker/broker.ts";
import type { Client } from "../../packages/caddis/src/broker/client.ts";
import { resolveOptions } from "../../packages/caddis/src/config/load.ts";
import type { OptionsInput } from "../../packages/caddis/src/config/options.ts";
import type { Log } from "../../packages/caddis/src/io/log.ts";
import { SeededRandom } from "../../packages/caddis/src/io/seeded-random.ts";
import { VirtualClock } from "../../packages/caddis/src/io/virtual-clock.ts";
import { FakePipe } from "./fake-pipe.ts";

/** Test brokers have plain passwords only. */
const NO_HASHER = { compare: () => Promise.resolve(false) };

/** CONNECT as most clients send it. */
export const QUIET = '{"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"protocol":1}';

/** What the broker told its embedder. */
export interface ToldEvent {
  readonly event: "connect" | "disconnect" | "auth error" | "slow consumer";
  readonly cid: number;
}

/** A broker in a world of the test's own: virtual time, seeded chance, fake pipes, a log that is kept. */
export class TestBroker {
  readonly clock = new VirtualClock((run) => setImmediate(run));
  readonly broker: Broker;
  /** Subscriptions of the server itself in the global account. */
  readonly ownInterest: number;
  readonly events: ToldEvent[] = [];
  readonly logLines: string[] = [];
  readonly peers: Peer[] = [];

  constructor(options: OptionsInput = {}, random = new SeededRandom(1)) {
    const note = (message: string): void => void this.logLines.push(message);
    const log: Log = {
      debugEnabled: true,
      traceEnabled: false,
      info: note,
      warn: note,
      error: note,
      fatal: note,
      debug: note,
      trace: note,
    };
    const resolved = resolveOptions(options);
    this.broker = new Broker(
      resolved,
      { clock: this.clock, random, log },
      new ConfiguredAuthenticator(authenticationRules(resolved), NO_HASHER),
      {
        onConnect: ({ cid }) => this.events.push({ event: "connect", cid }),
        onDisconnect: ({ cid }) => this.events.push({ event: "disconnect", cid }),
        onAuthError: ({ cid }) => this.events.push({ event: "auth error", cid }),
        onSlowConsumer: ({ cid }) => this.events.push({ event: "slow consumer", cid }),
      },
      "test",
    );
    this.ownInterest = this.broker.globalAccount.sublist.count;
  }

  /** A connection that has been greeted and has said nothing yet. */
  accept(): Peer {
    const pipe = new FakePipe();
    const client = this.broker.accept(pipe, "tcp");
    pipe.attach(client);
    const peer = new Peer(this, pipe, client);
    this.peers.push(peer);
    return peer;
  }

  /** A connection whose CONNECT was accepted; its INFO has been read. */
  connect(json: string = QUIET): Peer {
    const peer = this.accept();
    peer.say(`CONNECT ${json}\r\n`);
    assert.equal(peer.client.state, "connected");
    peer.read();
    return peer;
  }

  /** Checks everything that states its invariants, and that each closed connection is forgotten. */
  checkInvariants(): void {
    const { broker } = this;
    for (const account of broker.accounts) account.sublist.checkInvariants();
    broker.timers.checkInvariants();
    let subscriptions = 0;
    for (const { client } of this.peers) {
      client.checkInvariants();
      assert.equal(broker.clients.get(client.cid) === client, client.state !== "closed");
      subscriptions += client.subscriptions.size;
    }
    const interest = broker.globalAccount.sublist.count - this.ownInterest;
    assert.equal(interest, subscriptions, "subscriptions are those of the clients");
  }
}

/** The far end of one connection. */
export class Peer {
  readonly world: TestBroker;
  readonly pipe: FakePipe;
  readonly client: Client;

  constructor(world: TestBroker, pipe: FakePipe, client: Client) {
    this.world = world;
    this.pipe = pipe;
    this.client = client;
  }

  /** Sends a wire string, in one read. */
  say(text: string): void {
    this.pipe.say(text);
  }

  /** What arrived since the last call, as a wire string. */
  read(): string {
    this.world.broker.flusher.flush();
    return this.pipe.takeOutput();
  }

  /** As `read`, by protocol lines. */
  lines(): string[] {
    return this.read().split("\r\n").slice(0, -1);
  }

  /** Messages that arrived since the last call; fails when there is anything else. */
  messages(): { readonly subject: string; readonly sid: string; readonly payload: string }[] {
    const messages = [];
    for (let rest = this.read(); rest !== "";) {
      const match = /^MSG (\S+) (\S+) (?:\S+ )?(\d+)\r\n/.exec(rest);
      assert.ok(match !== null, `a message expected: ${JSON.stringify(rest.slice(0, 100))}`);
      const end = match[0].length + Number(match[3]);
      messages.push({ subject: match[1], sid: match[2], payload: rest.slice(match[0].length, end) });
      assert.equal(rest.slice(end, end + 2), "\r\n");
      rest = rest.slice(end + 2);
    }
    return messages;
  }
}
