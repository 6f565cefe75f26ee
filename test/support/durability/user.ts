import type { VirtualClock } from "../../../packages/caddis/src/io/virtual-clock.ts";
import { ConsumerLedger } from "./consumer-ledger.ts";
import type { Delivery, Ledger } from "./ledger.ts";
import type { ApiAnswer, ServerOnDisk } from "./server-on-disk.ts";
import { type Sent, type StreamLedger, type StreamTerms, PLAIN_TERMS } from "./stream-ledger.ts";

/** Where what consumers push goes. Only who subscribes to exactly this makes them deliver. */
export const PUSHED = "_P";
const PULLED = "_F.1";
const NS_PER_MS = 1e6;
/** Of an acknowledgement that is refused for what it asks, and not for what the disk does: from here on. */
const DISK_ERROR = 10077;

/** How a delivered message is answered. */
export type AckWay = "nothing" | "ack" | "confirmed" | "nak" | "term";

export interface PublishPlan {
  readonly count?: number;
  /** Bytes of each payload, at least. */
  readonly size?: number;
  readonly hasId?: boolean;
  /** Whole seconds; 0: none. */
  readonly ttlSeconds?: number;
  readonly headers?: readonly string[];
}

/** A client that uses a server in every way and writes down what it was promised. */
export class User {
  readonly server: ServerOnDisk;
  readonly ledger: Ledger;
  readonly #clock: VirtualClock;
  #batches = 0;

  constructor(server: ServerOnDisk, ledger: Ledger) {
    this.server = server;
    this.ledger = ledger;
    this.#clock = server.clock;
    server.subscribe(PUSHED);
    server.subscribe("_F.>");
  }

  async createStream(config: StreamRequest, terms: Partial<StreamTerms> = {}): Promise<void> {
    const stream = this.ledger.stream(config.name);
    const before = stream.presence;
    const description = config.description ?? "";
    if (before === "no") {
      stream.presence = "maybe";
      stream.descriptions = new Set([description]);
      stream.begin({ ...PLAIN_TERMS, ...terms });
    }
    const answer = await this.server.api(`STREAM.CREATE.${config.name}`, config);
    if (!isDone(answer)) return;
    if (before === "maybe" && answer["did_create"] === true) {
      this.ledger.forgetConsumers(config.name);
      stream.begin({ ...PLAIN_TERMS, ...terms });
    }
    stream.presence = "yes";
  }

  /** Changes the description of a stream. */
  async updateStream(config: StreamRequest): Promise<void> {
    const stream = this.ledger.stream(config.name);
    const description = config.description ?? "";
    stream.descriptions.add(description);
    const answer = await this.server.api(`STREAM.UPDATE.${config.name}`, config);
    if (isDone(answer)) stream.descriptions = new Set([description]);
  }

  async deleteStream(name: string): Promise<void> {
    const stream = this.ledger.stream(name);
    if (stream.presence === "yes") stream.presence = "maybe";
    const answer = await this.server.api(`STREAM.DELETE.${name}`);
    if (!isDone(answer)) return;
    stream.presence = "no";
    this.ledger.forgetConsumers(name);
  }

  /** Publishes messages, all of them before it waits for an answer. */
  async publish(name: string, subject: string, plan: PublishPlan = {}): Promise<void> {
    const { count = 1, size = 0, hasId = false, ttlSeconds = 0, headers = [] } = plan;
    const stream = this.ledger.stream(name);
    const nowMs = this.#clock.nowMs();
    const dueMs = ttlSeconds === 0 ? Infinity : nowMs + 1000 * ttlSeconds;
    const waiting: [Sent, string][] = [];
    for (let i = 0; i < count; i++) {
      const msgId = hasId ? `id-${name}-${stream.sent.size}-${nowMs}` : "";
      const sent = stream.send(subject, size, nowMs, { msgId, dueMs });
      const lines = [...headers];
      if (hasId) lines.push(`Nats-Msg-Id: ${msgId}`);
      if (ttlSeconds > 0) lines.push(`Nats-TTL: ${ttlSeconds}s`);
      waiting.push([sent, this.server.say(subject, sent.text, lines)]);
    }
    for (const [sent, inbox] of waiting) await this.#settle(stream, sent, inbox);
  }

  /** Publishes a message that takes the place of all others of its subject. */
  async rollup(name: string, subject: string): Promise<void> {
    const stream = this.ledger.stream(name);
    const before = stream.live.filter((sent) => sent.subject === subject);
    const takes = (sent: Sent): boolean => before.includes(sent);
    stream.remove(takes, "maybe");
    await this.publish(name, subject, { headers: ["Nats-Rollup: sub"] });
    if (stream.live.some((sent) => sent.subject === subject)) stream.remove(takes, "yes");
  }

  /** Publishes messages that are there all together or not at all. */
  async publishBatch(name: string, subject: string, count: number): Promise<void> {
    const stream = this.ledger.stream(name);
    const batch = ++this.#batches + this.#clock.nowMs();
    const sent: Sent[] = [];
    let inbox = "";
    for (let i = 1; i <= count; i++) {
      sent.push(stream.send(subject, 0, this.#clock.nowMs(), { batch }));
      const lines = [`Nats-Batch-Id: b${batch}`, `Nats-Batch-Sequence: ${i}`];
      if (i === count) lines.push("Nats-Batch-Commit: 1");
      const { text } = sent[i - 1];
      if (i < count) this.server.publish(subject, "", text, lines);
      else inbox = this.server.say(subject, text, lines);
    }
    const [came] = await this.server.heard(inbox);
    const { seq } = ackIn(came?.payload ?? "");
    if (seq > 0) sent.forEach((one, i) => stream.acknowledge(one, seq - count + 1 + i));
  }

  /** Adds to a counter. */
  async count(name: string, subject: string, by: number): Promise<void> {
    const count = this.ledger.stream(name).countOf(subject);
    count.possible += by;
    const came = await this.server.ask(subject, "", [`Nats-Incr: +${by}`]);
    const { val } = ackIn(came?.payload ?? "");
    if (val !== undefined) count.certain = Number(val);
  }

  async deleteMessage(name: string, seq: number, erases: boolean): Promise<void> {
    const stream = this.ledger.stream(name);
    const takes = (sent: Sent): boolean => sent.seq === seq;
    stream.remove(takes, "maybe");
    const answer = await this.server.api(`STREAM.MSG.DELETE.${name}`, { seq, no_erase: !erases });
    if (isDone(answer)) stream.remove(takes, "yes");
  }

  /** Removes what is before `seq` (0: all) for `filter` (empty: all). */
  async purge(name: string, filter: string, seq: number): Promise<void> {
    const stream = this.ledger.stream(name);
    const takes = (sent: Sent): boolean =>
      (filter === "" || sent.subject === filter) && (seq === 0 || sent.seq < seq);
    stream.remove(takes, "maybe");
    const answer = await this.server.api(`STREAM.PURGE.${name}`, {
      ...(filter === "" ? {} : { filter }),
      ...(seq === 0 ? {} : { seq }),
    });
    if (isDone(answer)) stream.remove((sent) => takes(sent) && sent.seq > 0, "yes");
  }

  /** A durable consumer; one with a `deliver_subject` is to deliver to `PUSHED`. */
  async createConsumer(stream: string, config: ConsumerRequest): Promise<void> {
    const name = config.durable_name;
    const known = this.ledger.consumer(stream, name);
    const subject = config.filter_subject ?? "";
    const consumer = known ?? new ConsumerLedger(stream, name, config.ack_policy !== "none", subject);
    if (known === null) this.ledger.addConsumer(consumer);
    if (consumer.presence !== "yes") {
      // It may be another one than the one which confirmed them.
      consumer.confirmed.clear();
      consumer.presence = "maybe";
    }
    const description = config.description ?? "";
    consumer.descriptions.add(description);
    const answer = await this.server.api(`CONSUMER.DURABLE.CREATE.${stream}.${name}`, {
      stream_name: stream,
      config: { ...config, ack_wait: (config.ack_wait ?? 2000) * NS_PER_MS },
    });
    if (!isDone(answer)) return;
    consumer.presence = "yes";
    consumer.descriptions = new Set([description]);
  }

  async deleteConsumer(stream: string, name: string): Promise<void> {
    const consumer = this.ledger.consumer(stream, name);
    if (consumer === null) return;
    consumer.presence = "maybe";
    const answer = await this.server.api(`CONSUMER.DELETE.${stream}.${name}`);
    if (isDone(answer)) this.ledger.dropConsumer(consumer);
  }

  /** Takes up to `batch` messages that a consumer has now, and answers each. */
  async fetch(stream: string, name: string, batch: number, way: AckWay): Promise<Delivery[]> {
    const request = JSON.stringify({ batch, no_wait: true });
    this.server.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`, PULLED, request);
    const deliveries = await this.received();
    const mine = deliveries.filter(({ consumer }) => consumer?.stream === stream && consumer.name === name);
    await this.answer(mine, way);
    return mine;
  }

  /** What consumers have sent. */
  async received(): Promise<Delivery[]> {
    return this.ledger.deliveries(await this.server.take());
  }

  async answer(deliveries: readonly Delivery[], way: AckWay): Promise<void> {
    if (way === "nothing") return;
    const waiting: [Delivery, string][] = [];
    for (const delivery of deliveries) {
      const { reply, consumer, text } = delivery;
      if (way === "nak") {
        this.server.publish(reply, "", "-NAK");
        continue;
      }
      consumer?.acked.add(text);
      if (consumer !== null) this.#noteTaken(consumer, text, "maybe");
      if (way === "confirmed") waiting.push([delivery, this.server.say(reply, "+ACK")]);
      else this.server.publish(reply, "", way === "term" ? "+TERM" : "+ACK");
    }
    await this.received();
    for (const [{ consumer, text }, inbox] of waiting) {
      if (consumer === null || (await this.server.heard(inbox)).length === 0) continue;
      consumer.confirmed.add(text);
      this.#noteTaken(consumer, text, "yes");
    }
  }

  /** What a consumer acknowledges leaves a work queue. */
  #noteTaken(consumer: ConsumerLedger, text: string, certainty: "maybe" | "yes"): void {
    const stream = this.ledger.stream(consumer.stream);
    if (stream.terms.isWorkQueue) stream.remove((sent) => sent.text === text, certainty);
  }

  async #settle(stream: StreamLedger, sent: Sent, inbox: string): Promise<void> {
    const [came] = await this.server.heard(inbox);
    if (came === undefined) return;
    const { seq, error, duplicate } = ackIn(came.payload);
    if (seq > 0 && duplicate !== true) stream.acknowledge(sent, seq);
    else stream.refuse(sent, error !== undefined && error.err_code !== DISK_ERROR);
  }
}

/** A stream's configuration as it is asked for. */
export interface StreamRequest {
  readonly name: string;
  readonly description?: string;
  readonly [field: string]: unknown;
}

/** A consumer's; `ack_wait` in milliseconds. */
export interface ConsumerRequest {
  readonly durable_name: string;
  readonly ack_policy: "none" | "all" | "explicit";
  readonly ack_wait?: number;
  readonly filter_subject?: string;
  readonly description?: string;
  readonly [field: string]: unknown;
}

interface PubAck {
  readonly seq: number;
  readonly duplicate?: boolean;
  readonly val?: string;
  readonly error?: { readonly err_code: number };
}

/** Nothing said counts as nothing promised. */
function ackIn(payload: string): PubAck {
  if (payload === "") return { seq: 0 };
  return { seq: 0, ...(JSON.parse(payload) as Partial<PubAck>) };
}

function isDone(answer: ApiAnswer | null): answer is ApiAnswer {
  return answer !== null && answer.error === undefined;
}
