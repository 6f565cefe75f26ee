import { Timer } from "../base/timer-queue.ts";
import { fromWireString } from "../subject/subject.ts";
import type { Stream } from "./stream.ts";

/** How far sources are is written down that often, where something has changed. */
const KEEP_MS = 10_000;
/** Or where so many messages have come that a start would have to look through. */
const MESSAGES_MAX = 50_000;

/** How far a stream is with a source, as it is kept. */
export interface KeptCursor {
  readonly seq: number;
  readonly storedSeq: number;
  readonly identity: string;
}

/** How far a stream is with its sources, taking its messages up to `upTo` into account. Keys are wire strings. */
export interface KeptCursors {
  readonly upTo: number;
  readonly cursors: ReadonlyMap<string, KeptCursor>;
}

/**
 * Writes down how far a stream is with its sources. Its messages say so as well, as long as they are there: so this need
 * not be up to date, but must never be ahead of what is durable, since what comes before it is not asked for again.
 */
export class SourceKeeper {
  readonly #stream: Stream;
  readonly #current: () => KeptCursors;
  readonly #timer = new Timer(() => this.#onTimer());
  /** To be written once the store is so far. */
  #next: { readonly position: number; readonly kept: KeptCursors } | null = null;
  #written = "";
  #writtenUpTo = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(stream: Stream, current: () => KeptCursors) {
    this.#stream = stream;
    this.#current = current;
  }

  /** What was kept; null: nothing, or nothing that can be read: then the messages have to say it all. Never rejects. */
  async read(): Promise<KeptCursors | null> {
    try {
      return (await this.#stream.folder?.readSources()) ?? null;
    } catch (error) {
      this.#warn("read", error);
      return null;
    }
  }

  start(): void {
    if (this.#stream.folder !== null) this.#stream.broker.timers.setIn(this.#timer, KEEP_MS);
  }

  stop(): void {
    this.#stream.broker.timers.cancel(this.#timer);
  }

  /** Writes what is so now, all of which has to be durable. Never rejects. */
  async keepNow(): Promise<void> {
    if (this.#stream.folder !== null) this.#write(this.#current());
    await this.#writing;
  }

  #onTimer(): void {
    const { store } = this.#stream;
    if (this.#next !== null && this.#next.position <= store.durablePosition) {
      this.#write(this.#next.kept);
      this.#next = null;
    }
    this.#next ??= { position: store.position, kept: this.#current() };
    this.start();
  }

  #write(kept: KeptCursors): void {
    const { folder } = this.#stream;
    const cursors = JSON.stringify([...kept.cursors]);
    const isClose = kept.upTo - this.#writtenUpTo < MESSAGES_MAX;
    if (folder === null || (cursors === this.#written && isClose)) return;
    this.#written = cursors;
    this.#writtenUpTo = kept.upTo;
    this.#writing = this.#writing
      .then(() => folder.writeSources(kept))
      .catch((error: unknown) => {
        this.#written = "";
        this.#warn("written", error);
      });
  }

  #warn(what: string, error: unknown): void {
    const { owner, name, broker } = this.#stream;
    const reason = error instanceof Error ? error.message : String(error);
    const stream = `${owner.account.shownName} > ${fromWireString(name)}`;
    broker.log.warn(
      `JetStream: how far stream '${stream}' is with its sources could not be ${what}: ${reason}`,
    );
  }
}
