import { Timer, type TimerQueue } from "../../base/timer-queue.ts";
import { type Disk, DiskError, type WritableFile } from "../../io/disk.ts";
import type { StoreFailure } from "../stream-store.ts";
import type { Block } from "./block.ts";
import { RECORDS_AT } from "./format.ts";
import type { Segment, WriteBuffer } from "./write-buffer.ts";

/** How often it is tried again where nothing could be written: the disk is full, or no file can be opened. */
const RETRY_MS = 1_000;

/** What the flusher needs of the store that it writes for. */
export interface FlushedStore {
  /** Operations so far. */
  readonly position: number;
  /** The last sequence given out. */
  readonly lastSeq: number;
  /** Puts into the buffer what was not yet: removals, which wait to be written together. */
  prepare(): void;
  /** Puts a record into the buffer that says what is durable. */
  mark(): void;
  /** `durablePosition` has advanced, or `failure` has changed. */
  onFlushed(): void;
  /** A segment has been written and nothing more comes into it. */
  onSegmentDone(segment: Segment): void;
}

/** Bytes that are put in the place of others, of a message that is to be erased. */
interface Overwrite {
  readonly block: Block;
  readonly offset: number;
  readonly bytes: Buffer;
}

/** Bytes of one block that are written together. */
interface Run {
  readonly block: Block;
  readonly from: number;
  to: number;
  readonly chunks: Buffer[];
  readonly segments: Segment[];
}

/**
 * Writes what is in the buffer to the disk: one write at a time, and all that comes meanwhile goes with the next. What is
 * in the buffer stays there until it is durable, so that a disk that was full can be written to again, and a file be opened
 * that could not be for want of descriptors; after any other failure nothing is written any more.
 */
export class LogFlusher {
  readonly #disk: Disk;
  readonly #timers: TimerQueue;
  readonly #buffer: WriteBuffer;
  readonly #store: FlushedStore;
  /** 0: each write is synced. */
  intervalMs: number;
  #file: { block: Block; file: WritableFile } | null = null;
  #isWanted = false;
  #running: Promise<void> | null = null;
  #needsSync = false;
  #isSyncDue = false;
  #isClosed = false;
  #overwrites: Overwrite[] = [];
  #waiters: { position: number; done: (isDurable: boolean) => void }[] = [];
  readonly #syncTimer = new Timer(() => {
    this.#isSyncDue = true;
    this.request();
  });
  readonly #retryTimer = new Timer(() => this.request());
  durablePosition: number;
  durableSeq: number;
  failure: StoreFailure | null = null;

  constructor(
    disk: Disk,
    timers: TimerQueue,
    buffer: WriteBuffer,
    store: FlushedStore,
    intervalMs: number,
    position: number,
    seq: number,
  ) {
    this.#disk = disk;
    this.#timers = timers;
    this.#buffer = buffer;
    this.#store = store;
    this.intervalMs = intervalMs;
    this.durablePosition = position;
    this.durableSeq = seq;
  }

  /** Starts to write, or has the write that runs followed by another. */
  request(): void {
    this.#isWanted = true;
    if (this.#running === null && !this.#isClosed && this.failure?.kind !== "failed") {
      this.#running = this.#run();
    }
  }

  /** Bytes to be put over others once all that was done so far is durable. */
  overwrite(block: Block, offset: number, bytes: Buffer): void {
    this.#overwrites.push({ block, offset, bytes });
  }

  /** Resolves once all that was done so far is durable; false: it will never be. */
  durable(): Promise<boolean> {
    const { position } = this.#store;
    if (this.durablePosition >= position && !this.#needsSync) return Promise.resolve(true);
    if (this.failure?.kind === "failed" || this.#isClosed) return Promise.resolve(false);
    return new Promise((done) => {
      this.#waiters.push({ position, done });
      this.request();
    });
  }

  /** Nothing is written any more, as after a write that failed. Who waits hears of it at the end of the turn. */
  giveUp(reason: string): void {
    if (this.failure?.kind === "failed") return;
    this.failure = { kind: "failed", reason };
    queueMicrotask(() => {
      this.#tellWaiters();
      this.#store.onFlushed();
    });
  }

  /** Writes and syncs what is left and lets go of the file. False: something is not durable. */
  async close(): Promise<boolean> {
    const isDurable = this.failure === null && (await this.durable());
    this.#isClosed = true;
    this.#timers.cancel(this.#syncTimer);
    this.#timers.cancel(this.#retryTimer);
    this.#tellWaiters();
    await this.#running;
    const open = this.#file;
    this.#file = null;
    await open?.file.close().catch(() => {});
    return isDurable;
  }

  /** Runs as long as there is something to write; there is when it begins. */
  async #run(): Promise<void> {
    while (this.#isWanted && this.failure?.kind !== "failed" && !this.#isClosed) {
      this.#isWanted = false;
      try {
        await this.#flush();
      } catch (error) {
        this.#fail(error);
      }
      this.#tellWaiters();
      this.#store.onFlushed();
    }
    this.#running = null;
  }

  async #flush(): Promise<void> {
    this.#store.prepare();
    const { position, lastSeq } = this.#store;
    // Those that are asked for from now on are of messages whose removal is not written yet.
    const overwrites = this.#overwrites.length;
    for (const run of this.#runs()) await this.#write(run);
    if (overwrites > 0) {
      // They go over what was removed: only once that is certain, and once the log says that what lies behind is valid,
      // or a write of them that is cut short would look as if the log ended there.
      await this.#sync();
      this.#store.mark();
      for (const run of this.#runs()) await this.#write(run);
      await this.#sync();
      for (const overwrite of this.#overwrites.slice(0, overwrites)) await this.#overwriteNow(overwrite);
      this.#overwrites.splice(0, overwrites);
    }
    if (this.#isSyncDue || this.intervalMs === 0 || this.#waiters.length > 0) {
      this.#isSyncDue = false;
      await this.#sync();
    }
    this.durablePosition = position;
    this.durableSeq = lastSeq;
    if (this.failure?.kind !== "failed") this.failure = null;
  }

  #runs(): Run[] {
    const runs: Run[] = [];
    for (const segment of this.#buffer.segments.slice()) {
      if (segment.written === segment.end) {
        // It was the last one when it was written.
        if (segment !== this.#buffer.current) this.#store.onSegmentDone(segment);
        continue;
      }
      let run = runs.at(-1);
      if (run?.block !== segment.block) {
        run = { block: segment.block, from: segment.written, to: 0, chunks: [], segments: [] };
        runs.push(run);
      }
      run.to = segment.end;
      run.segments.push(segment);
      run.chunks.push(segment.buf.subarray(segment.written - segment.base, segment.end - segment.base));
    }
    return runs;
  }

  async #write({ block, from, to, chunks, segments }: Run): Promise<void> {
    const file = await this.#fileOf(block);
    if (from === 0) {
      // A file whose header can't be read and that has more was damaged; one that has no more was never used.
      await file.writeDurably(0, [chunks[0].subarray(0, RECORDS_AT)]);
    }
    // What is in the segments now: more may be added behind it while this waits.
    const ends = segments.map((segment) => segment.end);
    ends[ends.length - 1] = to;
    if (this.intervalMs === 0) {
      await file.writeDurably(from, chunks);
      block.durableEnd = to;
    } else {
      await file.write(from, chunks);
      this.#needsSync = true;
      if (!this.#syncTimer.isSet) this.#timers.setIn(this.#syncTimer, this.intervalMs);
    }
    block.writtenEnd = to;
    for (let i = 0; i < segments.length; i++) {
      segments[i].written = ends[i];
      // More may have come into the last of them meanwhile, and another have taken its place since.
      const isDone = segments[i].written === segments[i].end && segments[i] !== this.#buffer.current;
      if (isDone) this.#store.onSegmentDone(segments[i]);
    }
  }

  async #fileOf(block: Block): Promise<WritableFile> {
    if (this.#file?.block === block) return this.#file.file;
    await this.#sync();
    const open = this.#file;
    this.#file = null;
    await open?.file.close();
    const file = await this.#disk.openToWrite(block.path);
    this.#file = { block, file };
    return file;
  }

  async #sync(): Promise<void> {
    if (!this.#needsSync) return;
    const open = this.#file;
    this.#timers.cancel(this.#syncTimer);
    try {
      await open?.file.sync();
    } catch (error) {
      // Even a full disk: what was lost on the way is in no buffer any more.
      throw new DiskError("failed", error instanceof Error ? error.message : String(error));
    }
    this.#needsSync = false;
    if (open !== null) open.block.durableEnd = open.block.writtenEnd;
  }

  async #overwriteNow({ block, offset, bytes }: Overwrite): Promise<void> {
    if (block.isGone) return;
    if (this.#file?.block === block) {
      await this.#file.file.writeDurably(offset, [bytes]);
      return;
    }
    const file = await this.#disk.openToWrite(block.path);
    try {
      await file.writeDurably(offset, [bytes]);
    } finally {
      await file.close();
    }
  }

  #fail(error: unknown): void {
    // Given up meanwhile: that stays.
    if (this.failure?.kind === "failed") return;
    const reason = error instanceof Error ? error.message : String(error);
    const kind = kindOf(error);
    this.failure = { kind, reason };
    if (kind !== "failed" && !this.#isClosed) this.#timers.setIn(this.#retryTimer, RETRY_MS);
  }

  #tellWaiters(): void {
    if (this.#waiters.length === 0) return;
    const isOver = this.failure?.kind === "failed" || this.#isClosed;
    const isSynced = !this.#needsSync;
    this.#waiters = this.#waiters.filter(({ position, done }) => {
      const isDurable = isSynced && this.durablePosition >= position;
      if (isDurable || isOver) done(isDurable);
      return !isDurable && !isOver;
    });
  }
}

function kindOf(error: unknown): StoreFailure["kind"] {
  if (!(error instanceof DiskError)) return "failed";
  return error.fault === "full" || error.fault === "busy" ? error.fault : "failed";
}
