import type { Instant } from "../base/instant.ts";
import type { StoredMessage } from "./stored-message.ts";

/**
 * Where the messages of one stream lie: the interface of the memory store and of the file store, which one
 * suite of tests holds to the same behaviour (`test/contract`). All but becoming durable is synchronous: what was
 * appended, removed or purged is seen by the next read.
 *
 * Sequence numbers are safe integers, ascending, never used twice. Subjects are wire strings. The store enforces
 * no limits: whoever owns it decides what to remove (`jetstream/core/limits.ts`).
 */
export interface StreamStore {
  /** The figures as they are now; the same object always. */
  readonly state: StreamState;

  /**
   * Adds a message and returns its sequence, `state.lastSeq + 1`. `buf[headersStart, payloadStart)` is the header
   * block (may be empty), `buf[payloadStart, payloadEnd)` the payload; they are copied. `expiresMs`: when a message
   * with a TTL of its own falls due, in wall-clock milliseconds; 0: never on its own account.
   * The caller has checked `failure`.
   */
  append(
    subject: string,
    buf: Buffer,
    headersStart: number,
    payloadStart: number,
    payloadEnd: number,
    timeMs: number,
    timeNs: number,
    expiresMs: number,
  ): number;
  /** The next `count` messages appended are there after a crash all together, or none of them is: a batch. */
  together(count: number): void;
  /** The next sequence to be given out becomes `seq`, which is past the last one; what is left out counts as deleted. */
  skipTo(seq: number): void;
  /** Removes a message; `erase` overwrites its content on the disk as well. False: there is none. */
  remove(seq: number, erase: boolean): boolean;
  /**
   * Removes every message before `seq`; returns how many. `firstSeq` becomes the next one left, or `lastSeq + 1`
   * (where `seq` is beyond the end: `seq`, and `lastSeq` follows as `seq - 1`).
   */
  removeBefore(seq: number): number;
  /** Removes the messages that `filter` takes with a sequence below `beforeSeq`, all but the last `keep` of them; returns how many. */
  purge(filter: Filter, beforeSeq: number, keep: number): number;

  /** A filter over this store, to be kept and used often. Empty: every subject; else subjects that may have wildcards. */
  filter(subjects: readonly string[]): Filter;
  /** The sequence of the first message from `fromSeq` on that `filter` takes; 0: none. */
  next(filter: Filter, fromSeq: number): number;
  /** The sequence of the last message up to `toSeq` that `filter` takes; 0: none. */
  previous(filter: Filter, toSeq: number): number;
  /** How many messages from `fromSeq` on `filter` takes; with `lastPerSubject` only those that are the last of their subject. */
  count(filter: Filter, fromSeq: number, lastPerSubject: boolean): number;
  /** Brings the message `seq` into `into`. `damaged`: it was stored and can't be read; it counts as lost. */
  load(seq: number, into: StoredMessage): "loaded" | "absent" | "damaged";
  /** The sequence of the first message that is not older than this; `lastSeq + 1` when there is none. */
  firstSeqFrom(time: Instant): number;
  /** Sequences of messages that came with headers and are not older than this, ascending: free where none did. */
  withHeaders(since: Instant): IterableIterator<number>;

  /** The last sequence of a literal subject; 0: no message has it. */
  lastSeqOf(subject: string): number;
  /** How many messages a literal subject has. */
  countOf(subject: string): number;
  /** The first sequence of a literal subject; 0: no message has it. */
  firstSeqOf(subject: string): number;
  /** Subjects that `filter` takes and how many messages each has, in no particular order. */
  subjects(filter: Filter): IterableIterator<SubjectCount>;
  /** Sequences between the first and the last that have no message, ascending. */
  deleted(): IterableIterator<number>;
  /** What was stored and is damaged or missing, ascending; without what is known only by how many there were. */
  lost(): IterableIterator<number>;

  /** When the next message with a TTL of its own falls due, wall-clock milliseconds; Infinity: none. */
  nextExpiryMs(): number;
  /** The sequence of one that is due at `nowMs`, soonest first; 0: none. It stays until it is removed, or `postpone`d. */
  nextExpired(nowMs: number): number;
  /** Takes back the due time of `seq`: it does not expire on its own account. */
  keep(seq: number): void;

  /**
   * Counts appends, removals and purges: what was done so far is durable once `durablePosition` has reached it. In a
   * memory store the two are equal always.
   */
  readonly position: number;
  readonly durablePosition: number;
  /** The last sequence that is durable, and so may be shown to consumers. */
  readonly durableSeq: number;
  /** Has what was done so far made durable soon: within the turn, together with what else comes in it. Costs nothing when nothing is new. */
  commit(): void;
  /** Called after each time `durablePosition` has advanced, and when `failure` has come; one listener. */
  onDurable: () => void;
  /** Why nothing can be stored any more, in words; null: all is well. Some failures end by themselves: see `kind`. */
  readonly failure: StoreFailure | null;

  /** Bytes on the disk, or in memory: all that is held, not only what counts as `state.bytes`. */
  usedBytes(): number;
  /** Files of messages that are not encrypted as new ones would be: plain ones, or with another key. */
  readonly outdatedFiles: number;
  /** Writes such files anew, as far as they can be read. Resolves when it has come to its end; does not reject. */
  renew(): Promise<void>;
  /** Makes all durable and lets go of the files. */
  close(): Promise<void>;
  /** Lets go of the files and removes them. */
  destroy(): Promise<void>;
}

/** What monitoring, the API and limits need of a store. Plain numbers, kept up with each operation. */
export interface StreamState {
  readonly messages: number;
  /** As the reference counts: subject, headers, payload and its 22 (file; with headers 26) or 16 (memory) bytes of overhead. */
  readonly bytes: number;
  /** The first message's; `lastSeq + 1` when there is none. 0 before the first message, unless a first sequence was set. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Null: there is none, or never was. */
  readonly firstTime: Instant | null;
  readonly lastTime: Instant | null;
  readonly subjectCount: number;
  /** Sequences between first and last without a message. */
  readonly deletedCount: number;
  /** Of those, what was stored and is damaged. */
  readonly lostCount: number;
  readonly lostBytes: number;
}

export interface SubjectCount {
  readonly subject: string;
  readonly count: number;
}

/** Made by a store for itself; what it knows about its subjects is the store's. */
export interface Filter {
  readonly subjects: readonly string[];
  /** Whether it takes a literal subject. */
  takes(subject: string): boolean;
}

export interface StoreFailure {
  /**
   * `full` and `busy`, as a disk says it: nothing was written, and it is tried again. When that works `failure` goes back
   * to null and `onDurable` is called. `failed`: nothing is written any more.
   */
  readonly kind: "full" | "busy" | "failed";
  readonly reason: string;
}

/** How a stream's messages become durable. */
export interface SyncPolicy {
  /**
   * 0: an operation is durable once it is synced (many share one sync). Else so many milliseconds may pass between
   * syncs, and `durablePosition` only means that it was handed to the system.
   */
  readonly intervalMs: number;
}
