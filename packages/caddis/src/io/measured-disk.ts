import type { Clock } from "./clock.ts";
import type { Disk, DiskEntry, DiskSpace, WritableFile } from "./disk.ts";

/** A disk that tells how long it takes to make things durable, as long as somebody wants to know. */
export class MeasuredDisk implements Disk {
  readonly #disk: Disk;
  readonly #clock: Pick<Clock, "monotonicMs">;
  /** Who is told milliseconds after each sync; null: nobody measures. */
  readonly #observer: () => ((ms: number) => void) | null;

  constructor(disk: Disk, clock: Pick<Clock, "monotonicMs">, observer: () => ((ms: number) => void) | null) {
    this.#disk = disk;
    this.#clock = clock;
    this.#observer = observer;
  }

  makeFolder(path: string): Promise<void> {
    return this.#disk.makeFolder(path);
  }

  list(path: string): Promise<readonly DiskEntry[]> {
    return this.#disk.list(path);
  }

  size(path: string): number {
    return this.#disk.size(path);
  }

  read(path: string, position: number, target: Buffer, start: number, length: number): number {
    return this.#disk.read(path, position, target, start, length);
  }

  readLater(path: string, position: number, target: Buffer, start: number, length: number): Promise<number> {
    return this.#disk.readLater(path, position, target, start, length);
  }

  async openToWrite(path: string): Promise<WritableFile> {
    const file = await this.#disk.openToWrite(path);
    return {
      write: (position, chunks) => file.write(position, chunks),
      writeDurably: (position, chunks) => this.#measure(() => file.writeDurably(position, chunks)),
      sync: () => this.#measure(() => file.sync()),
      close: () => file.close(),
    };
  }

  replace(path: string, data: Uint8Array): Promise<void> {
    return this.#measure(() => this.#disk.replace(path, data));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#disk.rename(from, to);
  }

  remove(path: string): Promise<void> {
    return this.#disk.remove(path);
  }

  removeFolder(path: string): Promise<void> {
    return this.#disk.removeFolder(path);
  }

  space(path: string): Promise<DiskSpace> {
    return this.#disk.space(path);
  }

  /** Failures are not measured. */
  async #measure(work: () => Promise<void>): Promise<void> {
    const observe = this.#observer();
    if (observe === null) return work();
    const startMs = this.#clock.monotonicMs();
    await work();
    observe(this.#clock.monotonicMs() - startMs);
  }
}
