import { assert } from "../../base/assert.ts";
import type { Instant } from "../../base/instant.ts";
import type { TimerQueue } from "../../base/timer-queue.ts";
import type { Clock } from "../../io/clock.ts";
import type { Disk } from "../../io/disk.ts";
import type { Random } from "../../io/random.ts";
import type { StoredMessage } from "../stored-message.ts";
import type {
  Filter,
  StoreFailure,
  StreamState,
  StreamStore,
  SubjectCount,
  SyncPolicy,
} from "../stream-store.ts";
import type { Block } from "./block.ts";
import type { BlockCache } from "./block-cache.ts";
import { viewOf } from "./checksum.ts";
import type { StoreKeys } from "./cipher.ts";
import { BLOCK_BYTES_MIN, CHUNK_BYTES, KIND_FRONT, KIND_KEPT, KIND_SKIP } from "./format.ts";
import { withHeaders } from "./header-search.ts";
import { type FlushedStore, LogFlusher } from "./log-flusher.ts";
import { LogWriter } from "./log-writer.ts";
import { PendingRemovals } from "./pending-removals.ts";
import { RecordReader } from "./record-reader.ts";
import { eraseRecord, NewMessage } from "./records.ts";
import { recover } from "./recovery.ts";
import { StoreData } from "./store-data.ts";
import { FileFilter } from "./store-filter.ts";
import { StoreSearch } from "./store-search.ts";
import { type KeptUpStore, type StoreBounds, Upkeep } from "./upkeep.ts";
import { type Segment, WriteBuffer } from "./write-buffer.ts";

export interface FileStoreOptions {
  readonly sync: SyncPolicy;
  /** Null: nothing is encrypted. What is there and is not stays readable. */
  readonly keys: StoreKeys | null;
  /** Memory for what is read, of all stores together. */
  readonly cache: BlockCache;
  readonly clock: Clock;
  readonly timers: TimerQueue;
  readonly random: Random;
  /** Is told of damage, one sentence each. */
  readonly report: (damage: string) => void;
  /** What the first message of a new store gets; 0: 1. */
  readonly firstSeq: number;
  /** Blocks are compressed once they are complete. */
  readonly compresses?: boolean;
  /** All blocks are read, whatever the checkpoint says. */
  readonly ignoresCheckpoint?: boolean;
  /** For tests: other bounds than the usual ones. */
  readonly bounds?: StoreBounds;
}

const BOUNDS: StoreBounds = {
  blockBytesMin: BLOCK_BYTES_MIN,
  garbageBytesMin: 512 * 1024,
  checkpointLagMin: 32 * 1024 * 1024,
};

/**
 * Opens the store in `folder`, or makes one; there may be only one at a time. Damage is reported and does not keep it
 * from opening. Rejects with a `DiskError`, or with a `KeyError` where it was encrypted with another key: then
 * nothing was changed.
 */
export async function openFileStore(
  disk: Disk,
  folder: string,
  options: FileStoreOptions,
): Promise<FileStreamStore> {
  const store = new FileStreamStore(disk, folder, options);
  await store.open();
  return store;
}

/** A stream's messages in files; see `format.ts`. Made by `openFileStore`. */
export class FileStreamStore implements StreamStore, FlushedStore, KeptUpStore {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #options: FileStoreOptions;
  readonly #buffer: WriteBuffer;
  readonly #reader: RecordReader;
  readonly #data: StoreData;
  readonly #search: StoreSearch;
  readonly #removals = new PendingRemovals();
  readonly #message = new NewMessage();
  #writer: LogWriter;
  /** Why the disk did not give what it has; empty: it always did. */
  #refusal = "";
  #upkeep: Upkeep;
  readonly #flusher: LogFlusher;
  /** A front that is to be written; 0: none. */
  #newFront = 0;
  /** How many messages of a batch are still to come. */
  #batchLeft = 0;
  #position = 0;
  #committed = 0;
  #isCommitting = false;
  onDurable: () => void = () => {};
  /** Whether blocks are compressed once they are complete. */
  compresses: boolean;

  constructor(disk: Disk, folder: string, options: FileStoreOptions) {
    this.#disk = disk;
    this.#folder = folder;
    this.#options = options;
    this.compresses = options.compresses === true;
    const { cache, random, timers, sync } = options;
    this.#buffer = new WriteBuffer(cache);
    this.#reader = new RecordReader(disk, cache, this.#buffer);
    this.#data = new StoreData(disk, cache, this.#reader, random.below(2 ** 32), options.report);
    this.#search = new StoreSearch(this.#data);
    this.#writer = this.#newWriter(Buffer.from(random.bytes(16)), 1, 0);
    this.#upkeep = this.#newUpkeep([], false);
    this.#flusher = new LogFlusher(disk, timers, this.#buffer, this, sync.intervalMs, 0, 0);
    this.#reader.onRefused = (reason) => this.#onRefused(reason);
    this.#data.onRefused = this.#reader.onRefused;
    this.#data.isRefused = () => this.#refusal !== "";
  }

  /**
   * What is there is not known any more. Nothing is written from now on, so that nothing that could not be read is taken
   * for lost and given up; the next start reads all of it anew.
   */
  #onRefused(reason: string): void {
    this.#refusal ||= reason;
    this.#flusher.giveUp(`what is stored can't be read: ${reason}`);
  }

  /** Reads what is there; once, before anything else. */
  async open(): Promise<void> {
    const { keys, report, firstSeq } = this.#options;
    const found = await recover(
      this.#disk,
      this.#folder,
      keys,
      this.#data,
      this.#options.ignoresCheckpoint !== true,
      report,
    );
    const { state } = this.#data;
    // Whoever put something in had it made.
    if (found.storeId === null) await this.#disk.makeFolder(this.#folder);
    if (found.storeId !== null) {
      this.#writer = this.#newWriter(found.storeId, found.nextNumber, found.previousLength);
      this.#upkeep = this.#newUpkeep(found.superseded, found.isUntouched);
      if (found.open !== null && this.#writer.canContinue(found.open)) this.#continue(found.open);
    } else if (firstSeq > 0) {
      state.firstSeq = firstSeq;
      state.lastSeq = firstSeq - 1;
      // A block says so, from the start.
      this.#begin();
    }
    if (found.open === null) await this.#syncLast();
    this.#flusher.durableSeq = state.lastSeq;
    if (found.storeId === null && firstSeq > 0) {
      this.#position++;
      this.commit();
    }
  }

  /** Whoever wrote the end of the log may not have come to sync it; from now on it counts as valid. */
  async #syncLast(): Promise<void> {
    const { last } = this.#data.blocks;
    if (last === null) return;
    try {
      const file = await this.#disk.openToWrite(last.path);
      await file.sync();
      await file.close();
    } catch (error) {
      this.#flusher.giveUp(error instanceof Error ? error.message : String(error));
    }
  }

  get state(): StreamState {
    return this.#data.state;
  }

  append(
    subject: string,
    buf: Buffer,
    headersStart: number,
    payloadStart: number,
    payloadEnd: number,
    timeMs: number,
    timeNs: number,
    expiresMs: number,
  ): number {
    const seq = this.#data.state.lastSeq + 1;
    const block = this.#writer.isFullFor(seq) ? this.#begin() : this.#openBlock();
    const message = this.#message;
    message.seq = seq;
    message.subject = subject;
    message.buf = buf;
    message.headersStart = headersStart;
    message.payloadStart = payloadStart;
    message.payloadEnd = payloadEnd;
    message.timeMs = timeMs;
    message.timeNs = timeNs;
    message.expiresMs = expiresMs;
    message.following = this.#batchLeft === 0 ? -1 : --this.#batchLeft;
    this.#writer.message(block, message);
    this.#data.add(block, message, this.#writer.offset, this.#writer.length);
    this.#position++;
    return seq;
  }

  together(count: number): void {
    assert(this.#batchLeft === 0, "the batch before is complete");
    this.#batchLeft = count > 1 ? count : 0;
  }

  skipTo(seq: number): void {
    const { state } = this.#data;
    assert(seq > state.lastSeq, "sequences are skipped forwards");
    const isNews = seq > state.lastSeq + 1 || (state.messages === 0 && state.firstSeq !== seq);
    if (isNews) this.#writer.number(this.#openBlock(), KIND_SKIP, seq);
    state.lastSeq = seq - 1;
    if (state.messages === 0) state.firstSeq = seq;
    this.#position++;
  }

  remove(seq: number, erase: boolean): boolean {
    const block = erase ? this.#data.blocks.holder(seq) : null;
    const bytes = erase ? this.#erased(seq) : null;
    if (!this.#data.forget(seq)) return false;
    if (block !== null && block.frames !== null) this.#upkeep.rewrite(block);
    if (erase) this.#upkeep.spoil();
    if (bytes !== null) this.#flusher.overwrite(bytes.block, bytes.offset, bytes.bytes);
    this.#position++;
    if (seq === this.#data.state.firstSeq) this.#moveFront();
    else this.#removals.add(seq);
    return true;
  }

  removeBefore(seq: number): number {
    const { state } = this.#data;
    if (seq <= state.firstSeq) return 0;
    this.#position++;
    const before = state.messages;
    if (seq > state.lastSeq) {
      this.#data.forgetAll();
      state.lastSeq = seq - 1;
      state.firstSeq = seq;
    } else {
      this.#data.forgetRange(state.firstSeq, seq - 1);
    }
    this.#moveFront();
    return before - state.messages;
  }

  purge(filter: Filter, beforeSeq: number, keep: number): number {
    const own = this.#own(filter);
    const { state } = this.#data;
    if (state.messages === 0) return 0;
    let end = beforeSeq;
    for (let kept = 0; kept < keep; kept++) {
      end = this.#search.previous(own, end - 1);
      if (end === 0) return 0;
    }
    if (own.isAll) return this.removeBefore(Math.min(end, state.lastSeq + 1));
    const first = state.firstSeq;
    let count = 0;
    for (const seq of this.#search.taken(own, end)) {
      if (!this.#data.forget(seq)) continue;
      this.#removals.add(seq);
      count++;
    }
    if (count === 0) return 0;
    this.#position++;
    if (this.#data.blocks.holder(first) === null) this.#moveFront();
    return count;
  }

  filter(subjects: readonly string[]): Filter {
    return new FileFilter(this.#data.table, subjects);
  }

  next(filter: Filter, fromSeq: number): number {
    return this.#search.next(this.#own(filter), fromSeq);
  }

  previous(filter: Filter, toSeq: number): number {
    return this.#search.previous(this.#own(filter), toSeq);
  }

  count(filter: Filter, fromSeq: number, lastPerSubject: boolean): number {
    return this.#search.count(this.#own(filter), fromSeq, lastPerSubject);
  }

  load(seq: number, into: StoredMessage): "loaded" | "absent" | "damaged" {
    const block = this.#data.blocks.holder(seq);
    if (block === null) return "absent";
    const index = this.#data.indexOf(block);
    const place = index.placeOf(seq - block.firstSeq);
    if (place < 0) return "damaged";
    if (!this.#data.readAt(block, index, place, true)) {
      this.#data.lose(block, seq, "the record can't be read");
      return "damaged";
    }
    this.#data.record.copyTo(into, seq);
    return "loaded";
  }

  firstSeqFrom(time: Instant): number {
    const found = this.#search.firstFrom(time);
    return found === 0 ? this.#data.state.lastSeq + 1 : found;
  }

  withHeaders(since: Instant): IterableIterator<number> {
    return withHeaders(this.#data, this.#search, since);
  }

  lastSeqOf(subject: string): number {
    const id = this.#data.table.idOf(subject);
    return id === 0 ? 0 : this.#search.lastOf(id);
  }

  countOf(subject: string): number {
    const id = this.#data.table.idOf(subject);
    return id === 0 ? 0 : this.#data.table.count(id);
  }

  firstSeqOf(subject: string): number {
    const id = this.#data.table.idOf(subject);
    return id === 0 ? 0 : this.#search.firstOf(id);
  }

  *subjects(filter: Filter): IterableIterator<SubjectCount> {
    const { table } = this.#data;
    const ids: number[] = [];
    this.#own(filter).forEachId((id) => ids.push(id));
    for (const id of ids) {
      const count = table.count(id);
      if (count > 0) yield { subject: table.subject(id), count };
    }
  }

  *deleted(): IterableIterator<number> {
    const { state, blocks } = this.#data;
    if (state.messages === 0) return;
    for (let seq = state.firstSeq; seq <= state.lastSeq;) {
      const next = blocks.next(seq);
      const end = next === 0 ? state.lastSeq + 1 : next;
      for (; seq < end; seq++) yield seq;
      seq = end + 1;
    }
  }

  lost(): IterableIterator<number> {
    return this.#data.lost.seqs();
  }

  nextExpiryMs(): number {
    return this.#data.expiries.nextMs();
  }

  nextExpired(nowMs: number): number {
    return this.#data.expiries.nextSeq(nowMs);
  }

  keep(seq: number): void {
    if (!this.#data.keep(seq)) return;
    this.#writer.number(this.#openBlock(), KIND_KEPT, seq);
    this.#position++;
  }

  get position(): number {
    return this.#position;
  }

  get durablePosition(): number {
    return this.#flusher.durablePosition;
  }

  get durableSeq(): number {
    return this.#flusher.durableSeq;
  }

  /** The last sequence given out; for the flusher. */
  get lastSeq(): number {
    return this.#data.state.lastSeq;
  }

  /** The write begins with the event loop's next turn: what other connections bring in this one goes with it. */
  commit(): void {
    if (this.#committed === this.#position || this.#isCommitting) return;
    this.#isCommitting = true;
    this.#options.clock.nextTurn(() => {
      this.#isCommitting = false;
      this.#committed = this.#position;
      this.#flusher.request();
    });
  }

  get failure(): StoreFailure | null {
    return this.#flusher.failure;
  }

  usedBytes(): number {
    const { fileBytes, savedBytes } = this.#data;
    return fileBytes - savedBytes + this.#writer.loggedBytes + this.#upkeep.goneBytes;
  }

  get outdatedFiles(): number {
    return this.#upkeep.outdatedFiles;
  }

  renew(): Promise<void> {
    return this.#upkeep.renew();
  }

  async close(): Promise<void> {
    const isDurable = await this.#stop();
    // Only a service to the next start: without it that takes longer.
    if (isDurable) await this.#upkeep.writeLast().catch(() => {});
    this.#release();
  }

  async destroy(): Promise<void> {
    await this.#stop();
    this.#release();
    await this.#disk.removeFolder(this.#folder);
  }

  /** False: not all is durable. */
  async #stop(): Promise<boolean> {
    const upkeepIsOver = this.#upkeep.close();
    // What waits there for something to become durable is told that it does not.
    const isDurable = await this.#flusher.close();
    await upkeepIsOver;
    return isDurable;
  }

  prepare(): void {
    if (this.#newFront > 0) this.#writer.number(this.#openBlock(), KIND_FRONT, this.#newFront);
    if (!this.#removals.isEmpty) {
      const block = this.#openBlock();
      this.#removals.flush(this.#data.state.firstSeq, (ranges) => this.#writer.removed(block, ranges));
    }
    this.#newFront = 0;
  }

  mark(): void {
    this.#writer.mark(this.#openBlock());
  }

  onFlushed(): void {
    this.onDurable();
    this.#upkeep.poke();
  }

  noteFront(): void {
    this.#newFront = this.#data.state.firstSeq;
    this.#position++;
  }

  begin(): void {
    this.#begin();
    this.#position++;
  }

  settle(): Promise<boolean> {
    return this.#flusher.durable();
  }

  get nextNumber(): number {
    return this.#writer.nextNumber;
  }

  get loggedBytes(): number {
    return this.#writer.loggedBytes;
  }

  /** What was written last is wanted first: it goes to the cache where it is a whole piece of the file. */
  onSegmentDone(segment: Segment): void {
    this.#buffer.drop(segment);
    const { block, base, buf } = segment;
    const isPiece = base % CHUNK_BYTES === 0 && buf.length === CHUNK_BYTES;
    if (isPiece && !block.isGone) this.#reader.keep(block, base / CHUNK_BYTES, buf);
  }

  #newWriter(storeId: Buffer, nextNumber: number, previousLength: number): LogWriter {
    const { keys, random } = this.#options;
    const facts = (): { frontSeq: number; timeMs: number; timeNs: number; liveBytes: number } => {
      const { state, liveBytes } = this.#data;
      return {
        frontSeq: state.firstSeq,
        timeMs: state.hasLast ? state.lastMs : NaN,
        timeNs: state.lastNs,
        liveBytes,
      };
    };
    return new LogWriter(
      this.#folder,
      keys,
      random,
      storeId,
      this.#buffer,
      facts,
      nextNumber,
      previousLength,
      (this.#options.bounds ?? BOUNDS).blockBytesMin,
    );
  }

  #newUpkeep(superseded: readonly string[], isUntouched: boolean): Upkeep {
    const { storeId } = this.#writer;
    const { bounds, keys, random, clock } = this.#options;
    const compresses = (): boolean => this.compresses;
    const context = {
      disk: this.#disk,
      folder: this.#folder,
      data: this.#data,
      keys,
      random,
      clock,
      compresses,
    };
    return new Upkeep(context, this, storeId, bounds ?? BOUNDS, superseded, isUntouched);
  }

  #continue(block: Block): void {
    this.#writer.continue(block, this.#data.liveBytes);
    this.#data.openBlock = block;
  }

  #openBlock(): Block {
    return this.#writer.block ?? this.#begin();
  }

  #begin(): Block {
    const block = this.#writer.begin(this.#data.state.lastSeq + 1);
    this.#data.openNext(block);
    this.#upkeep.noteSealed();
    return block;
  }

  #moveFront(): void {
    this.#data.moveFront();
    this.#newFront = this.#data.state.firstSeq;
  }

  /** What is to stand in the place of a message that is erased; in memory it does so at once. Null: it can't be read. */
  #erased(seq: number): { block: Block; offset: number; bytes: Buffer } | null {
    const block = this.#data.blocks.holder(seq);
    if (block === null || block.frames !== null) return null;
    const index = this.#data.indexOf(block);
    const place = index.placeOf(seq - block.firstSeq);
    if (place < 0 || !this.#data.readAt(block, index, place, false)) return null;
    const { buf, view, at } = this.#reader;
    const offset = index.offsets[place];
    const length = index.lengthAt(place);
    eraseRecord(buf, view, at, length, offset, block.seed);
    const bytes = Buffer.from(buf.subarray(at, at + length));
    assert(viewOf(bytes).getUint32(0, true) === length, "what is overwritten keeps its length");
    return { block, offset, bytes };
  }

  #own(filter: Filter): FileFilter {
    assert(filter instanceof FileFilter, "a filter is used with the store that made it");
    return filter;
  }

  #release(): void {
    this.#buffer.clear();
    for (const block of this.#data.blocks) block.release(this.#options.cache);
  }

  /** Throws where a stated invariant does not hold. For tests. */
  checkInvariants(): void {
    this.#data.checkInvariants();
    assert(this.durablePosition <= this.#position, "nothing is durable before it was done");
  }
}
