import { StoredMessage } from "../store/stored-message.ts";
import { hasWildcard } from "../subject/subject.ts";
import type { ApiError } from "./core/api-error.ts";
import { storedSize } from "./core/stored-size.ts";
import type { StreamConfig } from "./core/stream-config.ts";
import type { StreamView } from "./core/stream-view.ts";
import type { Stream } from "./stream.ts";

/** What decisions about messages ask of a stream that is at work: its store, its account and its server answer. */
export class StreamFacts implements StreamView {
  readonly #stream: Stream;
  readonly #stored = new StoredMessage();
  /** `Nats-Msg-Id` of the last message; who stores messages keeps it up. */
  lastMsgId = "";

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  get config(): StreamConfig {
    return this.#stream.config;
  }

  get lastSeq(): number {
    return this.#stream.store.state.lastSeq;
  }

  get messages(): number {
    return this.#stream.store.state.messages;
  }

  get bytes(): number {
    return this.#stream.store.state.bytes;
  }

  get maxPayload(): number {
    return this.#stream.owner.account.broker.options.max_payload;
  }

  lastSeqOf(subject: string): number {
    const { store } = this.#stream;
    if (!hasWildcard(subject)) return store.lastSeqOf(subject);
    return store.previous(store.filter([subject]), store.state.lastSeq);
  }

  countOf(subject: string): number {
    return this.#stream.store.countOf(subject);
  }

  sizeOfFirst(subject: string): number {
    const { store } = this.#stream;
    const stored = this.#stored;
    const seq = store.firstSeqOf(subject);
    if (seq === 0 || store.load(seq, stored) !== "loaded") return 0;
    const { headersStart, payloadStart, payloadEnd } = stored;
    return storedSize(
      this.config.storage,
      subject.length,
      payloadStart - headersStart,
      payloadEnd - payloadStart,
    );
  }

  loadLast(subject: string, into: StoredMessage): boolean {
    const { store } = this.#stream;
    const seq = store.lastSeqOf(subject);
    return seq > 0 && store.load(seq, into) === "loaded";
  }

  seqOfId(msgId: string): number {
    return this.#stream.duplicates.seqOf(msgId, this.#stream.owner.account.broker.clock.nowMs());
  }

  hasInterest(subject: string): boolean {
    return this.#stream.interest.hasInterest(subject);
  }

  isServerFull(): boolean {
    return this.#stream.owner.jetStream.isFull(this.config.storage);
  }

  refusalOfAccount(bytes: number): ApiError | null {
    return this.#stream.owner.refusalOf(this.config, bytes);
  }
}
