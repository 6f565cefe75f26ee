import { must } from "../base/assert.ts";
import { Timer } from "../base/timer-queue.ts";
import type { TimerQueue } from "../base/timer-queue.ts";
import { DiskError } from "../io/disk.ts";
import type { Disk, WritableFile } from "../io/disk.ts";
import { type LogEnd, logEndPath, writeLogEnd } from "./consumer-log-end.ts";
import type { ConsumerStore, KeptConsumer } from "./consumer-store.ts";
import type { LogFile } from "./consumer-log-file.ts";
import { BatchBuilder } from "./consumer-log-format.ts";
import { logPath } from "./consumer-log-recovery.ts";
import { keptBytes, writeGeneration } from "./consumer-log-snapshot.ts";
import { type StartedLog, startLog } from "./consumer-log-start.ts";
import type { Encryption } from "./file/cipher.ts";
import type { SyncPolicy } from "./stream-store.ts";

/** A log is written anew when it is so many times as large as what is kept … */
const COMPACT_FACTOR = 4;
/** … but not while it is smaller than this: a state of 200 bytes put each second fills it in half an hour. */
const COMPACT_BYTES_MIN = 256 * 1024;
/** How often it is tried again where nothing could be written: the disk is full, or no file can be opened. */
const RETRY_MS = 1_000;

export interface ConsumerLogOptions {
  readonly sync: SyncPolicy;
  readonly timers: Pick<TimerQueue, "setIn" | "cancel">;
  /** Told in words what was found damaged. */
  readonly report: (damage: string) => void;
  /** Null, as if it were not given: nothing is encrypted. What is there and is not stays readable, and is written anew. */
  readonly encryption?: Encryption | null;
  /** Whose consumers these are, by the name of the stream's folder; a log that says otherwise is not taken. */
  readonly stream?: string;
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
 * aside, `<name>.damaged`, and what is missing is reported; the rest is recovered. Rejects with a `DiskError` where the
 * disk does not let it, or with a `KeyError` where it was encrypted with another key: then nothing was changed.
 */
export async function openConsumerLog(
  disk: Disk,
  folder: string,
  options: ConsumerLogOptions,
): Promise<ConsumerStore> {
  const { encryption = null, stream = "", report } = options;
  const started = await startLog(disk, folder, { encryption, stream, report });
  return new ConsumerLog(disk, folder, options, started);
}

/** An append-only log of what is put, written and synced in one go for all that comes in a turn. */
class ConsumerLog implements ConsumerStore {
  readonly recovered: ReadonlyMap<string, KeptConsumer>;
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #options: ConsumerLogOptions;
  readonly #compactBytesMin: number;
  readonly #kept: Map<string, KeptConsumer>;
  /** Null, both: there is none yet. */
  #file: LogFile | null;
  #writable: WritableFile | null;
  /** Where the next batch goes. */
  #size: number;
  /** So much of it is synced. */
  #syncedBytes: number;
  /** How far it went when that was last put down; null: it never was. */
  readonly #end: LogEnd | null;
  /** About what `#kept` takes in a file. */
  #keptBytes = 0;
  #changes = new Map<string, Change>();
  #position = 0;
  #durablePosition = 0;
  #failure: string | null = null;
  /** The failure is a full disk, or no file to be had, met by a write, which is tried again; a sync never is. */
  #willPass = false;
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

  constructor(disk: Disk, folder: string, options: ConsumerLogOptions, { kept, open, end }: StartedLog) {
    this.#disk = disk;
    this.#folder = folder;
    this.#options = options;
    this.#compactBytesMin = options.compactBytesMin ?? COMPACT_BYTES_MIN;
    this.#kept = kept;
    this.recovered = new Map(kept);
    this.#file = open?.file ?? null;
    this.#writable = open?.writable ?? null;
    this.#size = open?.size ?? 0;
    this.#syncedBytes = this.#size;
    this.#mustCompact = open === null;
    this.#end = end;
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
    await this.#writable?.close();
  }

  async destroy(): Promise<void> {
    // Nobody waits for what is written now.
    this.#failure ??= "removed";
    this.#willPass = false;
    await this.#work;
    if (!this.#isClosed) await this.close();
    // What is not to be there any more is not to be missed.
    await this.#disk.remove(logEndPath(this.#folder));
    await this.#disk.removeFolder(this.#folder);
  }

  /** Makes all durable, if that is possible, and puts down how far it goes: what is missing of it later was there. */
  async #settle(): Promise<void> {
    await this.#work;
    this.#wantsSync = this.#options.sync.intervalMs > 0;
    this.#start();
    await this.#work;
    if (this.#failure !== null || this.#file === null) return;
    const end = { generation: this.#file.generation, bytes: this.#size };
    if (this.#end?.generation === end.generation && this.#end.bytes === end.bytes) return;
    const { encryption = null, stream = "" } = this.#options;
    try {
      await writeLogEnd(this.#disk, this.#folder, end, encryption, stream);
    } catch (error) {
      // What is known to be there is less than it could be.
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
      while (this.#failure === null || this.#willPass) {
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
      this.#willPass = error instanceof DiskError && (error.fault === "full" || error.fault === "busy");
      throw error;
    }
    this.#failure = null;
    this.#willPass = false;
    this.#durablePosition = upTo;
    this.onDurable();
  }

  async #append(changes: ReadonlyMap<string, Change>): Promise<void> {
    const { file, writable } = this.#open();
    // Before anything is waited for: what is put meanwhile belongs to the next batch.
    const batch = this.#encode(changes).build(file, this.#size, this.#syncedBytes);
    if (this.#options.sync.intervalMs === 0) {
      await writable.writeDurably(this.#size, [batch]);
      this.#size += batch.length;
      this.#syncedBytes = this.#size;
    } else {
      await writable.write(this.#size, [batch]);
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
    const generation = (this.#file?.generation ?? 0) + 1;
    const { encryption = null, stream = "" } = this.#options;
    const folder = this.#folder;
    const { file, size } = await writeGeneration(
      this.#disk,
      folder,
      generation,
      this.#kept,
      encryption,
      stream,
    );
    const writable = await this.#disk.openToWrite(logPath(folder, generation));
    const old = this.#writable;
    this.#mustCompact = false;
    this.#file = file;
    this.#writable = writable;
    this.#size = size;
    this.#syncedBytes = size;
    await old?.close();
    if (generation > 1) await this.#disk.remove(logPath(folder, generation - 1));
  }

  /** The file, which is there: the first thing that is written makes it. */
  #open(): { file: LogFile; writable: WritableFile } {
    const file = must(this.#file, "a log that was written to has a file");
    return { file, writable: must(this.#writable, "a log that has a file has it open") };
  }

  async #sync(): Promise<void> {
    this.#wantsSync = false;
    const size = this.#size;
    this.#willPass = false;
    await this.#writable?.sync();
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
    if (this.#willPass && !this.#isClosed) this.#options.timers.setIn(this.#timer, RETRY_MS);
    this.onDurable();
  }
}
