import { StoredMessage } from "../store/stored-message.ts";
import { PublishHeaders } from "./core/publish-headers.ts";
import { keyText, parseSourceHeader, type SourcedFrom } from "./core/source-header.ts";
import { oldOriginOf } from "./origin-names.ts";
import type { Source } from "./source.ts";
import type { Stream } from "./stream.ts";

/** Messages that are looked at in one turn; then others get theirs. */
const MESSAGES_PER_TURN = 2_048;

/**
 * Finds out from the messages of a stream how far it is with its sources: the last message of each says so. Looks at
 * them from the last to the first, some each turn, and no further than it has to.
 */
export class SourceScan {
  readonly #stream: Stream;
  /** Sources that were not found yet, by key. */
  readonly #left = new Map<string, Source>();
  readonly #stored = new StoredMessage();
  readonly #headers = new PublishHeaders();
  readonly #firstSeq: number;
  readonly #onEnd: () => void;
  #nextSeq: number;
  #isStopped = false;

  /** Messages before `firstSeq` say nothing new. Calls `onEnd` once it is done, in a later turn when there is much to do. */
  constructor(stream: Stream, sources: Iterable<Source>, firstSeq: number, onEnd: () => void) {
    this.#stream = stream;
    for (const source of sources) this.#left.set(keyText(source.key), source);
    this.#firstSeq = Math.max(1, firstSeq);
    this.#nextSeq = stream.store.state.lastSeq;
    this.#onEnd = onEnd;
  }

  start(): void {
    this.#scanSome();
  }

  /** `onEnd` is not called any more. */
  stop(): void {
    this.#isStopped = true;
  }

  #scanSome(): void {
    if (this.#isStopped) return;
    const { store, broker } = this.#stream;
    const all = store.filter([]);
    for (let count = 0; count < MESSAGES_PER_TURN; count++) {
      const seq = this.#left.size === 0 ? 0 : store.previous(all, this.#nextSeq);
      if (seq < this.#firstSeq) {
        this.#onEnd();
        return;
      }
      this.#look(seq);
      this.#nextSeq = seq - 1;
    }
    broker.clock.nextTurn(() => this.#scanSome());
  }

  #look(seq: number): void {
    const stored = this.#stored;
    if (this.#stream.store.load(seq, stored) !== "loaded" || stored.headersStart === stored.payloadStart)
      return;
    this.#headers.read(stored.buf, stored.headersStart, stored.payloadStart);
    const value = this.#headers.get("Nats-Stream-Source");
    const from = value === "" ? null : parseSourceHeader(value);
    if (from !== null) this.#found(from);
  }

  #found(from: SourcedFrom): void {
    if (from.key !== "") this.#place(this.#left.get(from.key), from);
    // The header of an older server means every source of that stream.
    else
      for (const source of this.#left.values())
        if (oldOriginOf(source.source) === from.origin) this.#place(source, from);
  }

  #place(source: Source | undefined, { seq, identity }: SourcedFrom): void {
    if (source === undefined) return;
    const { cursor } = source;
    // What was kept may be further than what is stored: messages that were left out, say.
    if (!(cursor.isKnown && cursor.identity === identity && cursor.seq >= seq))
      cursor.set(seq, seq, identity);
    this.#left.delete(keyText(source.key));
  }
}
