import type { Came } from "../snapshot-peer.ts";
import type { ConsumerLedger } from "./consumer-ledger.ts";
import { compare, type Finding, type Moment } from "./compare.ts";
import type { Found } from "./found.ts";
import { StreamLedger } from "./stream-ledger.ts";

/** A message as a consumer delivered it. */
export interface Delivery {
  readonly consumer: ConsumerLedger | null;
  readonly text: string;
  /** Where to acknowledge it. */
  readonly reply: string;
  /** Of the stream. */
  readonly seq: number;
}

/** `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.…` */
const ACK_PREFIX = "$JS.ACK.";
const MARKER = /^Nats-Marker-Reason:/m;

/** All that a server was asked for and all that it promised, over as many lives as it has. */
export class Ledger {
  readonly streams = new Map<string, StreamLedger>();
  readonly #consumers = new Map<string, ConsumerLedger>();
  /** What was wrong with answers and deliveries. */
  readonly findings: Finding[] = [];

  /** The same, to go on with apart. */
  copy(): Ledger {
    const copy = new Ledger();
    for (const [name, stream] of this.streams) copy.streams.set(name, stream.copy());
    for (const consumer of this.consumers()) copy.addConsumer(consumer.copy(consumer.stream));
    return copy;
  }

  stream(name: string): StreamLedger {
    let stream = this.streams.get(name);
    if (stream === undefined) {
      stream = new StreamLedger(name);
      this.streams.set(name, stream);
    }
    return stream;
  }

  consumer(stream: string, name: string): ConsumerLedger | null {
    return this.#consumers.get(`${stream}.${name}`) ?? null;
  }

  addConsumer(consumer: ConsumerLedger): void {
    this.#consumers.set(`${consumer.stream}.${consumer.name}`, consumer);
  }

  /** Those of a stream, or all. */
  consumers(stream = ""): ConsumerLedger[] {
    return [...this.#consumers.values()].filter((one) => stream === "" || one.stream === stream);
  }

  forgetConsumers(stream: string): void {
    for (const { name } of this.consumers(stream)) this.#consumers.delete(`${stream}.${name}`);
  }

  dropConsumer({ stream, name }: ConsumerLedger): void {
    this.#consumers.delete(`${stream}.${name}`);
  }

  /** Writes down deliveries among `messages`, and gives them. */
  deliveries(messages: readonly Came[]): Delivery[] {
    const deliveries: Delivery[] = [];
    for (const { reply, payload, headers } of messages) {
      if (!reply.startsWith(ACK_PREFIX)) continue;
      const [, , stream, name, , seq] = reply.split(".");
      const consumer = this.consumer(stream, name);
      const delivery = { consumer, text: payload, reply, seq: Number(seq) };
      deliveries.push(delivery);
      consumer?.received.add(payload);
      this.#checkDelivery(stream, delivery, headers);
    }
    return deliveries;
  }

  compare(found: Found, moment: Moment): Finding[] {
    return compare(this.streams, found, moment);
  }

  /** What is there now is what is promised from here on, and the rest is not to come back. */
  adopt(found: Found): void {
    for (const [name, stream] of this.streams) {
      const there = found.get(name);
      if (there === undefined || there === null) {
        stream.presence = there === undefined ? "no" : "maybe";
        if (there === undefined) this.forgetConsumers(name);
        continue;
      }
      stream.presence = "yes";
      stream.descriptions = new Set([there.description]);
      stream.lastSeq = there.state.last_seq;
      const seqs = new Map(there.messages.map(({ text, seq }) => [text, seq]));
      for (const sent of stream.sent.values()) {
        const seq = seqs.get(sent.text);
        sent.gone = seq === undefined ? "yes" : "no";
        sent.seq = seq ?? sent.seq;
      }
      for (const [subject, count] of stream.counts) {
        const last = there.messages.findLast((message) => message.subject === subject);
        const value = last === undefined ? 0 : Number((JSON.parse(last.text) as { val: string }).val);
        count.certain = value;
        count.possible = value;
      }
    }
  }

  /** What is delivered is what was sent, at its sequence. */
  #checkDelivery(name: string, { text, seq }: Delivery, headers: string): void {
    const ledger = this.streams.get(name);
    if (ledger === undefined || ledger.terms.isCounter || ledger.terms.copies !== "" || MARKER.test(headers))
      return;
    const sent = ledger.sent.get(text);
    const shown = `${seq} (${text.slice(0, 20)}) was delivered and`;
    const tell = (what: string): void =>
      void this.findings.push({ stream: name, kind: "wrong", text: `${shown} ${what}` });
    if (sent === undefined) tell("never sent");
    else if (sent.seq > 0 && sent.seq !== seq) tell(`acknowledged as ${sent.seq}`);
  }
}
