import { goJson } from "../broker/go-json.ts";
import type { S2Writer } from "../base/s2-frame.ts";
import { instantOf } from "../base/instant.ts";
import { fromWireString } from "../subject/subject.ts";
import { StoredMessage } from "../store/stored-message.ts";
import type { Filter } from "../store/stream-store.ts";
import { streamStateFields } from "./api/stream-info-fields.ts";
import type { ApiFields } from "./api/endpoint.ts";
import { ARCHIVE_MAGIC, ArchiveWriter, CONSUMER_ENTRIES, LAST_ENTRY, STATE_ENTRY } from "./core/archive.ts";
import { encodeConsumerConfig } from "./core/consumer-config-encode.ts";
import type { ConsumerConfig } from "./core/consumer-config.ts";
import { encodeProgress } from "./core/consumer-state-file.ts";
import { decodeConsumerState } from "./core/consumer-state.ts";
import { KeptMessages } from "./snapshot-kept.ts";
import type { Stream } from "./stream.ts";

/**
 * Memory for copies of messages that were replaced while a snapshot was taken. Where more are replaced the snapshot
 * fails: without them it would lack subjects that the stream never was without.
 */
const KEPT_BYTES_MAX = 64 * 1024 * 1024;

/** A consumer as it was when the snapshot began. */
interface CapturedConsumer {
  /** Wire string. */
  readonly name: string;
  readonly config: ConsumerConfig;
  readonly state: Uint8Array;
}

/**
 * The contents of a stream as they are when it is made, to be written out piece by piece while the stream goes on.
 * Messages that come later are left out. Those that are replaced by newer ones meanwhile (of a subject that keeps only
 * so many, or by a roll-up) are kept for it; those that are deleted, purged, acknowledged in a work queue, or too old or
 * too many, may be left out, as if that had happened before.
 */
export class Snapshot {
  /** As information about the stream shows it. */
  readonly state: ApiFields;
  readonly #stream: Stream;
  readonly #lastSeq: number;
  readonly #all: Filter;
  readonly #consumers: CapturedConsumer[];
  readonly #archive = new ArchiveWriter();
  readonly #stored = new StoredMessage();
  readonly #kept = new KeptMessages();
  readonly #keptBytesMax: number;
  #hasBegun = false;
  #isDone = false;
  /** The next consumer to be written. */
  #consumer = 0;
  /** Messages up to this sequence are written. */
  #writtenSeq: number;
  #failure = "";
  /** Told once it has failed in between. */
  onFailed: () => void = () => {};

  /** `keptBytesMax`: what replaced messages may take up. */
  constructor(stream: Stream, hasConsumers: boolean, keptBytesMax = KEPT_BYTES_MAX) {
    const { store } = stream;
    this.#stream = stream;
    this.#keptBytesMax = keptBytesMax;
    this.#lastSeq = store.state.lastSeq;
    this.#writtenSeq = Math.max(0, store.state.firstSeq - 1);
    this.#all = store.filter([]);
    const consumers = hasConsumers ? [...stream.consumers.values()] : [];
    this.#consumers = consumers
      .filter(({ config }) => !config.direct)
      .map((consumer) => ({ name: consumer.name, config: consumer.config, state: consumer.encodeState() }));
    this.state = streamStateFields(stream);
    stream.snapshots.add(this);
  }

  /** Whether all of it is written. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Why it can't be had any more; empty: it can. */
  get failure(): string {
    return this.#failure;
  }

  /** Writes on, about `bytes` of it. */
  writeSome(writer: S2Writer, bytes: number): void {
    if (!this.#hasBegun) this.#begin(writer);
    for (let left = bytes; left > 0 && !this.#isDone && this.#failure === "";)
      left -= this.#writeNext(writer);
  }

  /** A message is about to be replaced by a newer one. */
  keep(seq: number): void {
    if (seq <= this.#writtenSeq || seq > this.#lastSeq || this.#isDone) return;
    if (this.#stream.store.load(seq, this.#stored) !== "loaded") return;
    this.#kept.add(this.#stored);
    if (this.#kept.bytes > this.#keptBytesMax)
      this.stop("the stream changes faster than its snapshot is taken");
  }

  /** Lets go of the stream; not whole, for a reason that is not empty. */
  stop(failure = ""): void {
    this.#stream.snapshots.remove(this);
    if (failure === "" || this.#isDone || this.#failure !== "") return;
    this.#failure = failure;
    this.onFailed();
  }

  #begin(writer: S2Writer): void {
    this.#hasBegun = true;
    writer.write(ARCHIVE_MAGIC);
    this.#writeJson(writer, STATE_ENTRY, { ...this.state, consumer_count: this.#consumers.length });
  }

  /** Writes one consumer or message, or the end; returns how many bytes. */
  #writeNext(writer: S2Writer): number {
    if (this.#consumer < this.#consumers.length) return this.#writeConsumer(writer);
    const { store } = this.#stream;
    const next = store.next(this.#all, this.#writtenSeq + 1);
    const storedSeq = next === 0 ? Infinity : next;
    const seq = Math.min(storedSeq, this.#kept.firstSeq);
    if (seq > this.#lastSeq) {
      writer.write(this.#archive.entry(LAST_ENTRY));
      writer.end();
      this.#isDone = true;
      this.stop();
      return 0;
    }
    this.#writtenSeq = seq;
    return seq < storedSeq ? this.#writeKept(writer) : this.#writeStored(writer, seq);
  }

  #writeConsumer(writer: S2Writer): number {
    const { name, config, state: encoded } = this.#consumers[this.#consumer++];
    const state = decodeConsumerState(encoded, 0);
    const progress = state === null ? {} : encodeProgress(state, this.#lastSeq, 0);
    const shown = encodeConsumerConfig({ ...config, name });
    return this.#writeJson(writer, CONSUMER_ENTRIES + name, { config: shown, state: progress });
  }

  #writeJson(writer: S2Writer, name: string, value: unknown): number {
    const json = Buffer.from(goJson(value), "utf8");
    const time = instantOf(this.#stream.broker.clock.nowMs());
    writer.write(this.#archive.entry({ name, time, seq: 0, headerBytes: 0, payloadBytes: json.length }));
    writer.write(json);
    return json.length;
  }

  #writeStored(writer: S2Writer, seq: number): number {
    const stored = this.#stored;
    const loaded = this.#stream.store.load(seq, stored);
    if (loaded === "damaged") this.stop(`message ${seq} is damaged`);
    if (loaded !== "loaded") return 1;
    const { subject, timeMs, timeNs, buf, headersStart, payloadStart, payloadEnd } = stored;
    const headerBytes = payloadStart - headersStart;
    writer.write(this.#archive.message(subject, timeMs, timeNs, seq, headerBytes, payloadEnd - payloadStart));
    writer.write(buf.subarray(headersStart, payloadEnd));
    return subject.length + payloadEnd - headersStart;
  }

  #writeKept(writer: S2Writer): number {
    const { seq, subject, timeMs, timeNs, headerBytes, content } = this.#kept.takeFirst();
    writer.write(
      this.#archive.message(subject, timeMs, timeNs, seq, headerBytes, content.length - headerBytes),
    );
    writer.write(content);
    return subject.length + content.length;
  }

  /** For the log. */
  get streamName(): string {
    return `${this.#stream.owner.account.name} > ${fromWireString(this.#stream.name)}`;
  }
}
