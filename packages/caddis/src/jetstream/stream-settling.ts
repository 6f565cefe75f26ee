import type { StreamStore } from "../store/stream-store.ts";
import type { Batches } from "./batches.ts";
import { apiError } from "./core/api-error.ts";
import type { JetStream } from "./jetstream.ts";
import type { PubAcks } from "./pub-acks.ts";
import type { StoreFaultLog } from "./store-fault-log.ts";
import { DurabilityWaits } from "./stream-durability.ts";
import type { StreamInterest } from "./stream-interest.ts";
import type { StreamOrigins } from "./stream-origins.ts";
import { StreamVisibility } from "./stream-visibility.ts";

/** The parts of a stream that hear of what is durable. */
export interface SettledParts {
  readonly store: StreamStore;
  readonly acks: PubAcks;
  readonly batches: Batches;
  readonly origins: StreamOrigins;
  readonly interest: StreamInterest;
  readonly faults: StoreFaultLog;
  /** Says how much may wait for the disk. */
  readonly jetStream: Pick<JetStream, "settings">;
}

/**
 * What of a stream is durable, and what follows from that: acknowledgements are sent, consumers are shown messages, who
 * waits goes on. What is not durable is counted, and too much of it keeps more from coming in.
 */
export class StreamSettling {
  readonly #parts: SettledParts;
  readonly #store: StreamStore;
  readonly #visibility: StreamVisibility;
  readonly #waits: DurabilityWaits;
  #settlesSoon = false;
  #isStopped = false;
  readonly #settle = (): void => this.#onSettled();

  constructor(parts: SettledParts) {
    const { store } = parts;
    this.#parts = parts;
    this.#store = store;
    this.#visibility = new StreamVisibility(store.durableSeq);
    this.#waits = new DurabilityWaits(store, () => this.#fatalFailure());
    store.onDurable = this.#settle;
  }

  /** The last sequence that consumers may see. */
  get visibleSeq(): number {
    return this.#visibility.visibleSeq;
  }

  /** A message was appended; `subject` is a wire string, `bytes` are those of headers and payload. */
  onStored(seq: number, subject: string, bytes: number): void {
    this.#visibility.add(seq, subject, bytes);
    const store = this.#store;
    if (store.durablePosition === store.position) this.settleSoon();
  }

  /** Messages were purged: what is durable can be seen at once, without waiting for the end of the turn. */
  onPurged(): void {
    this.#visibility.visibleSeq = Math.max(this.visibleSeq, this.#store.durableSeq);
  }

  /** Has acknowledgements sent and messages shown at the end of the turn: for what is durable already. */
  settleSoon(): void {
    if (this.#settlesSoon) return;
    this.#settlesSoon = true;
    queueMicrotask(this.#settle);
  }

  /** Whether so much waits for the disk that no more is to be taken. */
  isBackedUp(): boolean {
    const { maxBufferedBytes, maxBufferedMsgs } = this.#parts.jetStream.settings;
    const { position, durablePosition } = this.#store;
    return position - durablePosition >= maxBufferedMsgs || this.#visibility.waitingBytes >= maxBufferedBytes;
  }

  /** Resolves once all that the store was told so far is durable; rejects when it never will be. */
  whenDurable(): Promise<void> {
    return this.#waits.wait();
  }

  /** Shows consumers nothing more. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Does at once what is due: the store has been closed, and tells nothing any more. */
  finish(): void {
    this.#onSettled();
  }

  #onSettled(): void {
    this.#settlesSoon = false;
    const store = this.#store;
    const { acks, batches, origins, interest, faults } = this.#parts;
    const { durablePosition } = store;
    faults.note(store.failure);
    acks.send(durablePosition);
    batches.onDurable(durablePosition);
    origins.onDurable(durablePosition);
    if (!this.#isStopped) this.#visibility.advance(store.durableSeq, interest);
    const failure = this.#fatalFailure();
    if (failure !== null) acks.refuseAll(apiError("streamStoreFailed", { err: failure }));
    this.#waits.settle();
  }

  /** Why nothing can be stored any more; a full disk is not meant. */
  #fatalFailure(): string | null {
    const { failure } = this.#store;
    return failure !== null && failure.kind === "failed" ? failure.reason : null;
  }
}
