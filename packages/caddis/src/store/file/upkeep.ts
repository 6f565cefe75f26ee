import type { StoreFailure } from "../stream-store.ts";
import type { Block } from "./block.ts";
import { CHECKPOINT_NAME, encodeCheckpoint } from "./checkpoint.ts";
import { type CompactionRun, compact, nextRun, type StoreContext } from "./compaction.ts";
import type { StoreData } from "./store-data.ts";

/** Bytes of files that hold nothing any more, before they are removed: at most. */
const GARBAGE_BYTES_MAX = 64 * 1024 * 1024;
/** Up to that: this share of what is live. */
const GARBAGE_SHARE = 0.25;
/** Bytes of the log that a checkpoint may be behind, as a multiple of its own size. */
const CHECKPOINT_LAG = 4;
/** With more subjects than that copying them would hold up everything else for longer than 15 ms: only done when the store is closed. */
const CHECKPOINT_SUBJECTS_MAX = 250_000;

/** After a failure. */
const RETRY_MS = 10_000;

/** Bounds that tests set lower. */
export interface StoreBounds {
  /** A block is filled so far at least before the next one is begun. */
  readonly blockBytesMin: number;
  /** Bytes that nothing live takes up are looked for from here on. */
  readonly garbageBytesMin: number;
  /** Bytes of the log that a checkpoint may be behind at least. */
  readonly checkpointLagMin: number;
}

/** What upkeep needs of its store. */
export interface KeptUpStore {
  /** Writes into the log that all before the first message is gone. */
  noteFront(): void;
  /** Begins another block. */
  begin(): void;
  /** Resolves once all that was done is durable. False: it never will be. */
  settle(): Promise<boolean>;
  readonly failure: StoreFailure | null;
  /** Of the block that would be begun next. */
  readonly nextNumber: number;
  /** Bytes that were put into the log since the store was opened. */
  readonly loggedBytes: number;
}

/**
 * Gives back disk space that nothing live takes up, and writes checkpoints. One thing at a time, in the background; each
 * is in an order that leaves, wherever it stops, either the old files or the new ones in force:
 * copies are written, a checkpoint names them (or there is none), then what they replace is removed.
 */
export class Upkeep {
  readonly #context: StoreContext;
  readonly #data: StoreData;
  readonly #store: KeptUpStore;
  readonly #storeId: Buffer;
  readonly #bounds: StoreBounds;
  #running: Promise<void> | null = null;
  #isClosed = false;
  /** Files that are no longer part of the store and are still there. */
  readonly #leftovers: string[] = [];
  /** Blocks that can't be copied since something in them can't be read. */
  readonly #unreadable = new WeakSet<Block>();
  /** Blocks that nothing refers to any more but the checkpoint. */
  readonly #gone: Block[] = [];
  #isSpoiled = false;
  /** Something is to be looked for that is not a matter of garbage. */
  #isWanted = false;
  readonly #wanted = new WeakSet<Block>();
  /** Idle bytes that the last look left. */
  #idleFloor = 0;
  #notBeforeMs = -Infinity;
  #checkpointBytes = 0;
  #checkpointAt = 0;
  /** There may be one. */
  #hasCheckpoint = true;
  /** The checkpoint that is there was the last one, as of an end in good order. */
  #isUntouched: boolean;
  /** Messages that there were then: what is found to be lost since is no part of the log. */
  readonly #messagesBefore: number;

  /** `leftovers`: names of files to be removed. `isUntouched`: the checkpoint says all there is, as one written now would. */
  constructor(
    context: StoreContext,
    store: KeptUpStore,
    storeId: Buffer,
    bounds: StoreBounds,
    leftovers: readonly string[],
    isUntouched: boolean,
  ) {
    this.#context = context;
    this.#data = context.data;
    this.#store = store;
    this.#storeId = storeId;
    this.#bounds = bounds;
    this.#leftovers.push(...leftovers);
    this.#isUntouched = isUntouched;
    this.#messagesBefore = context.data.state.messages;
  }

  /** Looks whether there is something to do, and begins with it. Costs next to nothing where there is not. */
  poke(): void {
    if (this.#running !== null || this.#isClosed || this.#store.failure !== null || !this.#isDue()) return;
    if (this.#context.clock.monotonicMs() < this.#notBeforeMs) return;
    this.#running = this.#run().finally(() => (this.#running = null));
  }

  /** A block is complete: time to compress it, if that is asked for. */
  noteSealed(): void {
    this.#isWanted ||= this.#context.compresses();
  }

  /** Blocks that are not encrypted as new ones would be. */
  get outdatedFiles(): number {
    let count = 0;
    for (const block of this.#data.blocks) if (this.#isOutdated(block)) count++;
    return count;
  }

  /** Copies such blocks to new files, as far as they can be read. Does not reject. */
  async renew(): Promise<void> {
    // What runs has looked for them already, or not.
    await this.#running;
    this.#isWanted ||= this.outdatedFiles > 0;
    this.poke();
    await this.#running;
  }

  /** A block is to be copied without what was removed from it: there is no other way to erase that. */
  rewrite(block: Block): void {
    this.#wanted.add(block);
    this.#isWanted = true;
  }

  /** What is copied at present must not be used: something in it is to be erased. */
  spoil(): void {
    this.#isSpoiled = true;
  }

  /** Bytes of files that are no longer part of the store and still there. */
  get goneBytes(): number {
    let bytes = 0;
    for (const block of this.#gone) bytes += block.end - block.savedBytes;
    return bytes + this.#checkpointBytes;
  }

  /** Lets what is being done come to its end; nothing more is begun. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
  }

  /** The last checkpoint: all is durable and nothing more is written. */
  async writeLast(): Promise<void> {
    const isLess = this.#data.state.messages < this.#messagesBefore;
    const isNews = !this.#isUntouched || this.#store.loggedBytes > 0 || isLess;
    if (isNews && this.#data.blocks.length > 0) await this.#writeCheckpoint(true);
  }

  #isDue(): boolean {
    if (this.#isWanted || this.#leftovers.length > 0 || this.#gone.length > 0 || this.#isCheckpointDue())
      return true;
    return this.#idleBytes() - this.#idleFloor >= this.#garbageMax();
  }

  /** Bytes of files that nothing live takes up; not all of them are worth giving back. */
  #idleBytes(): number {
    return this.#data.fileBytes + this.#store.loggedBytes - this.#data.liveBytes;
  }

  #isCheckpointDue(): boolean {
    const lag = this.#store.loggedBytes - this.#checkpointAt;
    return (
      lag >= Math.max(this.#bounds.checkpointLagMin, CHECKPOINT_LAG * this.#checkpointBytes) &&
      this.#data.table.size <= CHECKPOINT_SUBJECTS_MAX
    );
  }

  #garbageMax(): number {
    const share = Math.min(GARBAGE_BYTES_MAX, this.#data.liveBytes * GARBAGE_SHARE);
    return Math.max(this.#bounds.garbageBytesMin, share, this.#checkpointBytes);
  }

  async #run(): Promise<void> {
    this.#isUntouched = false;
    try {
      // Before anything else, since a new copy may get the name of one that was not put in force.
      while (this.#leftovers.length > 0) {
        await this.#context.disk.remove(`${this.#context.folder}/${this.#leftovers[0]}`);
        this.#leftovers.shift();
      }
      const isGarbage = this.#idleBytes() - this.#idleFloor >= this.#garbageMax();
      const isWanted = this.#isWanted;
      this.#isWanted = false;
      if (isGarbage || isWanted) await this.#collect();
      const isWorthIt = isGarbage || isWanted || this.#gone.length > 0 || this.#isCheckpointDue();
      if (isWorthIt && this.#store.failure === null) await this.#writeCheckpoint(false);
    } catch {
      // A disk that is full or broken: what is in the way stays there for now. Who appends hears of it.
      this.#notBeforeMs = this.#context.clock.monotonicMs() + RETRY_MS;
    }
  }

  #isStable(block: Block): boolean {
    const { last } = this.#data.blocks;
    return block !== last && block.writtenEnd === block.end && !this.#unreadable.has(block);
  }

  async #collect(): Promise<void> {
    const { blocks } = this.#data;
    const { last } = blocks;
    const isEmpty = last !== null && last.live.count === 0 && last.end > this.#bounds.blockBytesMin;
    if (last !== null && (isEmpty || this.#isOutdated(last))) {
      this.#store.begin();
      if (!(await this.#store.settle()) || this.#isClosed) return;
    }
    let dead = 0;
    while (dead < blocks.length && blocks.at(dead).live.count === 0 && this.#isStable(blocks.at(dead)))
      dead++;
    if (dead > 0) {
      this.#store.noteFront();
      this.#gone.push(...this.#data.dropFirst(dead));
    }
    for (let run = this.#nextRun(0); run !== null && !this.#isClosed; run = this.#nextRun(run.place + 1)) {
      await this.#replace(run);
    }
    this.#idleFloor = Math.max(0, this.#idleBytes());
  }

  #nextRun(place: number): CompactionRun | null {
    const compresses = this.#context.compresses();
    return nextRun(
      this.#data,
      place,
      (block) => this.#isStable(block),
      (block) => {
        const isPlain = compresses && block.frames === null && block.live.count > 0;
        return isPlain || this.#wanted.has(block) || this.#isOutdated(block);
      },
    );
  }

  #isOutdated(block: Block): boolean {
    return !block.isCurrent(this.#context.keys);
  }

  /** Puts a copy in the place of a run. */
  async #replace(run: CompactionRun): Promise<void> {
    const old = Array.from({ length: run.count }, (_, i) => this.#data.blocks.at(run.place + i));
    this.#isSpoiled = false;
    const made = await compact(this.#context, run);
    if (made === null) {
      for (const block of old) this.#unreadable.add(block);
      return;
    }
    // What the copy leaves out because it was removed must be known to be.
    if (!(await this.#store.settle()) || this.#isSpoiled) return;
    await this.#context.disk.replace(made.block.path, made.content);
    if (this.#isSpoiled) {
      await this.#context.disk.remove(made.block.path);
      return;
    }
    this.#gone.push(...old);
    this.#data.replaceBlocks(run.place, old, made.block, made.index);
  }

  /** Writes down what there is now, or sees to it that nothing else is written down; then what is gone is removed. */
  async #writeCheckpoint(isLast: boolean): Promise<void> {
    const path = `${this.#context.folder}/${CHECKPOINT_NAME}`;
    const gone = [...this.#gone];
    if (isLast || this.#data.table.size <= CHECKPOINT_SUBJECTS_MAX) {
      const at = this.#store.loggedBytes;
      const { keys, random } = this.#context;
      const { nextNumber } = this.#store;
      const content = encodeCheckpoint(this.#data, this.#storeId, nextNumber, isLast, keys, random);
      if (!isLast && !(await this.#store.settle())) return;
      await this.#context.disk.replace(path, content);
      this.#hasCheckpoint = true;
      this.#checkpointBytes = content.length;
      this.#checkpointAt = at;
    } else if (gone.length > 0) {
      if (!(await this.#store.settle())) return;
      if (this.#hasCheckpoint) await this.#context.disk.remove(path);
      this.#hasCheckpoint = false;
      this.#checkpointBytes = 0;
    }
    for (const block of gone) {
      await this.#context.disk.remove(block.path);
      this.#gone.splice(this.#gone.indexOf(block), 1);
    }
  }
}
