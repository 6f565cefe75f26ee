import assert from "node:assert/strict";
import { UNLIMITED_TIERS } from "../../packages/caddis/src/config/read-jetstream-account.ts";
import type { Disk } from "../../packages/caddis/src/io/disk.ts";
import { MemoryDisk } from "../../packages/caddis/src/io/memory-disk.ts";
import { JetStreamAccount } from "../../packages/caddis/src/jetstream/account.ts";
import type { StreamConfig } from "../../packages/caddis/src/jetstream/core/stream-config.ts";
import { JetStream } from "../../packages/caddis/src/jetstream/jetstream.ts";
import type { JetStreamSettings } from "../../packages/caddis/src/jetstream/settings.ts";
import { STREAM_DEFAULTS } from "../../packages/caddis/src/jetstream/stream-meta.ts";
import { Stream } from "../../packages/caddis/src/jetstream/stream.ts";
import { StoredMessage } from "../../packages/caddis/src/store/stored-message.ts";
import { type Peer, TestBroker } from "./test-broker.ts";

const GIB = 1024 ** 3;

const STAGE_SETTINGS: JetStreamSettings = {
  folder: "/data/jetstream",
  maxMemory: GIB,
  maxStore: GIB,
  domain: "",
  syncIntervalMs: 0,
  strict: true,
  encryption: null,
  limits: {
    maxAckPending: 0,
    maxHaAssets: 0,
    maxRequestBatch: 0,
    defaultMaxConsumers: -1,
    duplicateWindowMs: 0,
    batch: { maxInflightPerStream: 0, maxInflightTotal: 0, maxMsgs: 0, timeoutMs: 0 },
  },
  cacheBytes: 16 * 1024 * 1024,
  maxBufferedBytes: 128 * 1024 * 1024,
  maxBufferedMsgs: 100_000,
  requestQueueLimit: 10_000,
  infoQueueLimit: 10_000,
  acksNameAccount: false,
};

/** A configuration as it is once it has been checked, of a stream in memory unless it says otherwise. */
export function streamConfig(config: Partial<StreamConfig>): StreamConfig {
  const name = config.name ?? "S";
  return { ...STREAM_DEFAULTS, storage: "memory", subjects: [name], ...config, name };
}

/** What is stored, as a test compares it. Wire strings. */
export interface Kept {
  readonly seq: number;
  readonly subject: string;
  readonly headers: string;
  readonly payload: string;
}

/** JetStream of one account without a server: a broker in virtual time, and a client that publishes. */
export class StreamStage {
  readonly world: TestBroker;
  readonly disk: Disk;
  readonly settings: JetStreamSettings;
  readonly jetStream: JetStream;
  readonly owner: JetStreamAccount;
  readonly peer: Peer;
  #replies = 0;

  constructor(settings: Partial<JetStreamSettings> = {}, disk: Disk = new MemoryDisk()) {
    this.world = new TestBroker({ ping_interval: "1000h" });
    this.disk = disk;
    this.settings = { ...STAGE_SETTINGS, ...settings };
    this.jetStream = new JetStream(this.world.broker, disk, this.settings);
    this.owner = new JetStreamAccount(this.jetStream, this.world.broker.globalAccount, UNLIMITED_TIERS);
    this.jetStream.accounts.set(this.owner.account.name, this.owner);
    this.peer = this.world.connect();
    this.peer.say("SUB _INBOX.* 1\r\n");
  }

  /** A stream that is there. */
  async stream(config: Partial<StreamConfig> = {}): Promise<Stream> {
    const stream = await this.owner.createStream(streamConfig(config));
    if (stream instanceof Stream) return stream;
    assert.fail(JSON.stringify(stream));
  }

  /** Says a publish without reading anything; headers are lines such as `Nats-TTL: 1s`. Gives the reply subject. */
  say(subject: string, payload = "", headers: readonly string[] = []): string {
    const reply = `_INBOX.${++this.#replies}`;
    const block = headers.length === 0 ? "" : `NATS/1.0\r\n${headers.join("\r\n")}\r\n\r\n`;
    const total = block.length + payload.length;
    const line =
      block === "" ? `PUB ${subject} ${reply} ${total}` : `HPUB ${subject} ${reply} ${block.length} ${total}`;
    this.peer.say(`${line}\r\n${block}${payload}\r\n`);
    return reply;
  }

  /** Publishes and returns what is answered; empty: nothing. */
  async publish(subject: string, payload = "", headers: readonly string[] = []): Promise<string> {
    const reply = this.say(subject, payload, headers);
    await this.world.clock.settled();
    const answers = this.answers().filter(([to]) => to === reply);
    return answers.map(([, text]) => text).join("|");
  }

  /** What was answered since the last time: reply subject and text. */
  answers(): [string, string][] {
    const answers: [string, string][] = [];
    let rest = this.peer.read().replaceAll("PING\r\n", "");
    while (rest !== "") {
      const match = /^H?MSG (\S+) 1 (?:(\d+) )?(\d+)\r\n/.exec(rest);
      assert.ok(match !== null, `an answer expected: ${JSON.stringify(rest.slice(0, 100))}`);
      const end = match[0].length + Number(match[3]);
      answers.push([match[1], rest.slice(match[0].length, end)]);
      rest = rest.slice(end + 2);
    }
    return answers;
  }

  /** Lets time pass. */
  async advance(ms: number): Promise<void> {
    await this.world.clock.advance(ms);
  }

  /** All that a stream holds. */
  kept({ store }: Stream): Kept[] {
    const stored = new StoredMessage();
    const all = store.filter([]);
    const kept: Kept[] = [];
    for (let seq = store.next(all, 1); seq > 0; seq = store.next(all, seq + 1)) {
      assert.equal(store.load(seq, stored), "loaded");
      const { subject, buf, headersStart, payloadStart, payloadEnd } = stored;
      kept.push({
        seq,
        subject,
        headers: buf.latin1Slice(headersStart, payloadStart),
        payload: buf.latin1Slice(payloadStart, payloadEnd),
      });
    }
    return kept;
  }

  /** Sequences and subjects of all that a stream holds, `1:a 2:b`. */
  list(stream: Stream): string {
    return this.kept(stream)
      .map(({ seq, subject }) => `${seq}:${subject}`)
      .join(" ");
  }
}
