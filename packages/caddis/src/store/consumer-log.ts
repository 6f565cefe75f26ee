import { Timer } from "../base/timer-queue.ts";
import type { TimerQueue } from "../base/timer-queue.ts";
import { DiskError } from "../io/disk.ts";
import type { Disk, WritableFile } from "../io/disk.ts";
import type { ConsumerStore, KeptConsumer } from "./consumer-store.ts";
import { BatchBuilder } from "./consumer-log-format.ts";
import { logPath, readConsumerLogs } from "./consumer-log-recovery.ts";
import { keptBytes, writeGeneration } from "./consumer-log-snapshot.ts";
import type { SyncPolicy } from "./stream-store.ts";

/** A log is written anew when it is so many times as large as what is kept … */
const COMPACT_FACTOR = 4;
/** … but not while it is smaller than this: a state of 200 bytes put each second fills it in half an hour. */
const COMPACT_BYTES_MIN = 256 * 1024;
/** How often a full disk is tried again. */
const FULL_RETRY_MS = 1_000;

export interface ConsumerLogOptions {
  readonly sync: SyncPolicy;
  readonly timers: Pick<TimerQueue, "setIn" | "cancel">;
  /** Told in words what was found damaged. */
  readonly report: (damage: string) => void;
  /** For tests: the size below which a log is not written anew. */
  readonly compactBytesMin?: number;
}

/** What is to be written about a consumer. */
interface Change {
  /** It was removed, before what follows. */
  removed: boolean;
  config: boolean;
  state: boolean;
}

/**
 * Opens the consumers' log in `folder`, and makes both if there is none. What is damaged is reported and kept
 * aside, `<name>.damaged`; the rest is recovered. Rejects with a `DiskError` where the disk does not let it.
 */
export async function openConsumerLog(
  disk: Disk,
  folder: string,
  options: ConsumerLogOptions,
): Promise<ConsumerStore> {
  const { kept, logs, leftOver } = await readConsumerLogs(disk, folder);
  for (const path of leftOver) await disk.remove(path);
  const last = logs.at(-1);
  if (last === undefined && disk.size(folder) < 0) await disk.makeFolder(folder);
  // Most streams never have a consumer that is kept: the first one makes the file.
  if (last === undefined) return new ConsumerLog(disk, folder, options, kept, null, 0, 0);
  if (logs.length === 1 && last.isWhole) {
    const file = await disk.openToWrite(last.path);
    // Whoever wrote the end of it may not have come to sync it.
    await file.sync();
    return new ConsumerLog(disk, folder, options, kept, file, last.generation, last.size);
  }
  const generation = last.generation + 1;
  const size = await writeGeneration(disk, folder, generation, kept);
  for (const { path, damage } of logs) {
    if (damage.length === 0) {
      await disk.remove(path);
      continue;
    }
    await disk.rename(path, `${path}.damaged`);
    options.report(
      `${path}: damaged (${damage.join(", ")}): what was last stored about consumers there is lost; ` +
        `the file is left as ${path}.damaged`,
    );
  }
  const file = await disk.openToWrite(logPath(folder, generation));
  return new ConsumerLog(disk, folder, options, kept, file, generation, size);
}

/** An append-only log of what is put, written and synced in one go for all that comes in a turn. */
class ConsumerLog implements ConsumerStore {
  readonly recovered: ReadonlyMap<string, KeptConsumer>;
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #options: ConsumerLogOptions;
  readonly #compactBytesMin: number;
  readonly #kept: Map<string, KeptConsumer>;
  /** Null: it was not written to yet. */
  #file: WritableFile | null;
  #generation: number;
  /** Where the next batch goes. */
  #size: number;
  /** So much of it is synced. */
  #syncedBytes: number;
  /** The last batch is an empty one, which knows that what comes before it is synced. */
  #isVouchedFor = false;
  /** About what `#kept` takes in a file. */
  #keptBytes = 0;
  #changes = new Map<string, Change>();
  #position = 0;
  #durablePosition = 0;
  #failure: string | null = null;
  /** The failure is a full disk met by a write, which is tried again; a sync never is. */
  #isFull = false;
  /** It is to be written anew. Once that was tried, the next generation may be there, and this one is not to be added to. */
  #mustCompact = false;
  #isScheduled = false;
  #isClosed = false;
  /** Is due to be synced, by the interval. */
  #wantsSync = false;
  #isRunning = false;
  /** What is being written, or was last; one thing at a time. */
  #work: Promise<void> = Promise.resolve();
  /** Until the next sync, or until a full disk is tried again. */
  readonly #timer = new Timer(() => {
    this.#wantsSync = true;
    this.#start();
  });
  onDurable: () => void = () => {};

  constructor(
    disk: Disk,
    folder: string,
    options: ConsumerLogOptions,
    kept: Map<string, KeptConsumer>,
    file: WritableFile | null,
    generation: number,
    size: number,
  ) {
    this.#disk = disk;
    this.#folder = folder;
    this.#options = options;
    this.#compactBytesMin = options.compactBytesMin ?? COMPACT_BYTES_MIN;
    this.#kept = kept;
    this.recovered = new Map(kept);
    this.#file = file;
    this.#generation = generation;
    this.#size = size;
    this.#syncedBytes = size;
    // There is none yet.
    this.#mustCompact = generation === 0;
    this.#isVouchedFor = generation === 0;
    for (const [name, consumer] of kept) this.#keptBytes += keptBytes(name, consumer);
  }

  putConfig(name: string, json: string): void {
    this.#keep(name, { config: json, state: this.#kept.get(name)?.state ?? null });
    this.#change(name).config = true;
  }

  /** One that is not kept has no state either. */
  putState(name: string, state: Uint8Array): void {
    const known = this.#kept.get(name);
    if (known === undefined) return;
    this.#keep(name, { config: known.config, state: new Uint8Array(state) });
    this.#change(name).state = true;
  }

  remove(name: string): void {
    const known = this.#kept.get(name);
    if (known === undefined) return;
    this.#keptBytes -= keptBytes(name, known);
    this.#kept.delete(name);
    const change = this.#change(name);
    change.removed = true;
    change.config = false;
    change.state = false;
  }

  get position(): number {
    return this.#position;
  }

  get durablePosition(): number {
    return this.#durablePosition;
  }

  get failure(): string | null {
    return this.#failure;
  }

  commit(): void {
    if (this.#isScheduled || this.#changes.size === 0) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#start();
    });
  }

  usedBytes(): number {
    return this.#size;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    await this.#settle();
    this.#isClosed = true;
    this.#options.timers.cancel(this.#timer);
    await this.#file?.close();
  }

  async destroy(): Promise<void> {
    // Nobody waits for what is written now.
    this.#failure ??= "removed";
    this.#isFull = false;
    await this.#work;
    if (!this.#isClosed) await this.close();
    await this.#disk.removeFolder(this.#folder);
  }

  /** Makes all durable, if that is possible, and says so at the end of the file: what is found damaged later was. */
  async #settle(): Promise<void> {
    await this.#work;
    this.#wantsSync = this.#options.sync.intervalMs > 0;
    this.#start();
    await this.#work;
    if (this.#failure !== null || this.#isVouchedFor) return;
    try {
      const file = await this.#open();
      await file.writeDurably(this.#size, [
        new BatchBuilder().build(this.#generation, this.#size, this.#syncedBytes),
      ]);
    } catch (error) {
      // Nothing is lost by it.
      if (!(error instanceof DiskError)) throw error;
    }
  }

  #keep(name: string, consumer: KeptConsumer): void {
    const known = this.#kept.get(name);
    if (known !== undefined) this.#keptBytes -= keptBytes(name, known);
    this.#keptBytes += keptBytes(name, consumer);
    this.#kept.set(name, consumer);
  }

  #change(name: string): Change {
    this.#position++;
    let change = this.#changes.get(name);
    if (change === undefined) {
      change = { removed: false, config: false, state: false };
      this.#changes.set(name, change);
    }
    return change;
  }

  #start(): void {
    if (this.#isRunning || this.#isClosed) return;
    this.#isRunning = true;
    this.#work = this.#run();
  }

  /** Writes and syncs until there is nothing to do, or until it fails. Does not reject. */
  async #run(): Promise<void> {
    try {
      while (this.#failure === null || this.#isFull) {
        if (this.#changes.size > 0) await this.#write();
        else if (this.#wantsSync) await this.#sync();
        else break;
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isRunning = false;
    }
  }

  async #write(): Promise<void> {
    const upTo = this.#position;
    const changes = this.#changes;
    this.#changes = new Map();
    try {
      this.#mustCompact ||= this.#size > Math.max(this.#compactBytesMin, COMPACT_FACTOR * this.#keptBytes);
      if (this.#mustCompact) await this.#compact();
      else await this.#append(changes);
    } catch (error) {
      this.#takeBack(changes);
      this.#isFull = error instanceof DiskError && error.fault === "full";
      throw error;
    }
    this.#failure = null;
    this.#isFull = false;
    this.#durablePosition = upTo;
    this.onDurable();
  }

  async #append(changes: ReadonlyMap<string, Change>): Promise<void> {
    this.#isVouchedFor = false;
    // Before anything is waited for: what is put meanwhile belongs to the next batch.
    const batch = this.#encode(changes).build(this.#generation, this.#size, this.#syncedBytes);
    const file = await this.#open();
    if (this.#options.sync.intervalMs === 0) {
      await file.writeDurably(this.#size, [batch]);
      this.#size += batch.length;
      this.#syncedBytes = this.#size;
    } else {
      await file.write(this.#size, [batch]);
      this.#size += batch.length;
      if (!this.#timer.isSet) this.#options.timers.setIn(this.#timer, this.#options.sync.intervalMs);
    }
  }

  #encode(changes: ReadonlyMap<string, Change>): BatchBuilder {
    const builder = new BatchBuilder();
    for (const [name, { removed, config, state }] of changes) {
      const kept = this.#kept.get(name);
      if (removed) builder.removed(name);
      if (kept !== undefined && config) builder.config(name, kept.config);
      if (kept !== undefined && state && kept.state !== null) builder.state(name, kept.state);
    }
    return builder;
  }

  /** Puts all that is kept in a new file in place of this one. */
  async #compact(): Promise<void> {
    const generation = this.#generation + 1;
    const size = await writeGeneration(this.#disk, this.#folder, generation, this.#kept);
    const file = await this.#disk.openToWrite(logPath(this.#folder, generation));
    const old = this.#file;
    this.#mustCompact = false;
    this.#isVouchedFor = true;
    this.#file = file;
    this.#generation = generation;
    this.#size = size;
    this.#syncedBytes = size;
    await old?.close();
    if (generation > 1) await this.#disk.remove(logPath(this.#folder, generation - 1));
  }

  async #open(): Promise<WritableFile> {
    this.#file ??= await this.#disk.openToWrite(logPath(this.#folder, this.#generation));
    return this.#file;
  }

  async #sync(): Promise<void> {
    this.#wantsSync = false;
    const size = this.#size;
    this.#isFull = false;
    await this.#file?.sync();
    this.#syncedBytes = size;
  }

  /** What could not be written is still to be, and what came since. */
  #takeBack(changes: Map<string, Change>): void {
    for (const [name, later] of this.#changes) {
      const earlier = changes.get(name);
      if (earlier === undefined || later.removed) {
        changes.set(name, later);
      } else {
        changes.set(name, {
          removed: earlier.removed,
          config: earlier.config || later.config,
          state: earlier.state || later.state,
        });
      }
    }
    this.#changes = changes;
  }

  #fail(error: unknown): void {
    this.#failure = error instanceof Error ? error.message : String(error);
    if (this.#isFull && !this.#isClosed) this.#options.timers.setIn(this.#timer, FULL_RETRY_MS);
    this.onDurable();
  }
}
