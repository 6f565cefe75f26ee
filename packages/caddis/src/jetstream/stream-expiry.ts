import { Timer } from "../base/timer-queue.ts";
import { StoredMessage } from "../store/stored-message.ts";
import type { Filter } from "../store/stream-store.ts";
import { deleteMarkerHeaders, isDeleteMarker } from "./core/delete-marker.ts";
import { parseMessageTtl, TTL_NEVER } from "./core/message-ttl.ts";
import { PublishHeaders } from "./core/publish-headers.ts";
import type { Stream } from "./stream.ts";

const NS_PER_MS = 1e6;

/** Messages that are looked at in one go; then others get their turn. */
const EXPIRIES_PER_TURN = 4096;

/** The wall clock may be set while a timer runs: it is looked at that often at least. */
const WAIT_MS_MAX = 3_600_000;

/** A message is never looked at before it is due, in spite of clocks that tell whole milliseconds. */
const ROUNDING_MS = 1;

/**
 * What time takes from a stream: messages that are too old, or whose own time has come, and the ids of its duplicate
 * window. One timer, set to whatever falls due first.
 */
export class StreamExpiry {
  readonly #stream: Stream;
  readonly #timer = new Timer(() => this.#run());
  /** Wall-clock time for which the timer is set; Infinity: it is not. */
  #dueMs = Infinity;
  /** Messages before this sequence have been looked at and stay whatever their age. */
  #ageSeq = 0;
  /** All subjects; made when it is first needed. */
  #all: Filter | null = null;
  readonly #stored = new StoredMessage();
  readonly #headers = new PublishHeaders();

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  /** A message was stored that expires at `expiresMs`, 0: not on its own account. */
  onStored(expiresMs: number, hasMsgId: boolean): void {
    const { config } = this.#stream;
    if (expiresMs > 0 && expiresMs < this.#dueMs) this.#waitUntil(expiresMs);
    else if (this.#dueMs === Infinity && (hasMsgId || config.max_age > 0)) this.reset();
  }

  /** Looks anew for what falls due first: something that it depends on has changed. */
  reset(): void {
    const dueMs = Math.min(
      this.#ageDueMs(),
      this.#stream.store.nextExpiryMs(),
      this.#stream.duplicates.nextMs,
    );
    this.#waitUntil(dueMs);
  }

  /** As `reset`, after the configuration has changed. */
  onConfigChanged(): void {
    this.#ageSeq = 0;
    this.reset();
  }

  stop(): void {
    this.#waitUntil(Infinity);
  }

  get #broker() {
    return this.#stream.owner.account.broker;
  }

  #waitUntil(dueMs: number): void {
    const { timers, clock } = this.#broker;
    this.#dueMs = dueMs;
    if (dueMs === Infinity) timers.cancel(this.#timer);
    else timers.setIn(this.#timer, Math.min(Math.max(dueMs - clock.nowMs(), 0), WAIT_MS_MAX));
  }

  #run(): void {
    const nowMs = this.#broker.clock.nowMs();
    this.#dueMs = Infinity;
    const left = this.#expireOwn(nowMs, this.#expireAged(nowMs, EXPIRIES_PER_TURN));
    this.#stream.duplicates.forgetOld(nowMs);
    this.#stream.store.commit();
    if (left > 0) this.reset();
    else this.#waitUntil(nowMs);
  }

  /** When the oldest message that may go is too old; Infinity: there is none. */
  #ageDueMs(): number {
    const { store, config } = this.#stream;
    if (config.max_age <= 0 || store.state.messages === 0) return Infinity;
    const timeMs = this.#ageSeq <= store.state.firstSeq ? store.state.firstTime?.ms : this.#nextAgedMs();
    return timeMs === undefined ? Infinity : timeMs + config.max_age / NS_PER_MS + ROUNDING_MS;
  }

  #nextAgedMs(): number | undefined {
    const { store } = this.#stream;
    this.#all ??= store.filter([]);
    const seq = store.next(this.#all, this.#ageSeq);
    return seq > 0 && store.load(seq, this.#stored) === "loaded" ? this.#stored.timeMs : undefined;
  }

  /** Removes what is too old, `budget` messages at most where each has to be looked at; returns what is left of the budget. */
  #expireAged(nowMs: number, budget: number): number {
    const { store, config, removals } = this.#stream;
    if (config.max_age <= 0) return budget;
    const cutMs = nowMs - config.max_age / NS_PER_MS;
    if (!config.allow_msg_ttl) {
      const seq = store.firstSeqFrom({ ms: Math.floor(cutMs), ns: 0 });
      if (seq > store.state.firstSeq) removals.removeBefore(seq);
      return budget;
    }
    this.#all ??= store.filter([]);
    let left = budget;
    for (let seq = store.next(this.#all, this.#ageSeq); seq > 0 && left > 0; left--) {
      const isLoaded = this.#load(seq);
      if (isLoaded && this.#stored.timeMs >= cutMs) break;
      if (!this.#isForEver()) this.#expire(seq, isLoaded);
      this.#ageSeq = seq + 1;
      seq = store.next(this.#all, this.#ageSeq);
    }
    return left;
  }

  /** Removes those whose own time has come. */
  #expireOwn(nowMs: number, budget: number): number {
    const { store } = this.#stream;
    let left = budget;
    for (; left > 0; left--) {
      const seq = store.nextExpired(nowMs);
      if (seq === 0) break;
      this.#expire(seq, this.#load(seq));
    }
    return left;
  }

  /** Reads a message and its headers; false: it can't be read. */
  #load(seq: number): boolean {
    this.#headers.clear();
    if (this.#stream.store.load(seq, this.#stored) !== "loaded") return false;
    const { buf, headersStart, payloadStart } = this.#stored;
    this.#headers.read(buf, headersStart, payloadStart);
    return true;
  }

  #isForEver(): boolean {
    return this.#headers.isAny && parseMessageTtl(this.#headers.get("Nats-TTL")) === TTL_NEVER;
  }

  /**
   * Removes the message that was loaded last. The only one of its subject makes way for a marker, where the stream
   * has them: the marker's roll-up removes it.
   */
  #expire(seq: number, isLoaded: boolean): void {
    const { store, config, removals } = this.#stream;
    const { subject } = this.#stored;
    const isLast = isLoaded && config.subject_delete_marker_ttl > 0 && store.countOf(subject) === 1;
    if (isLast && !isDeleteMarker(this.#headers)) {
      const headers = deleteMarkerHeaders(config.subject_delete_marker_ttl);
      this.#stream.ingest.publish(subject, headers, NOTHING);
    }
    // A marker that could not be stored does not keep what is due.
    removals.remove(seq);
  }
}

const NOTHING = Buffer.alloc(0);
