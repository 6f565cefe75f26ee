import type { Disk, WritableFile } from "../../packages/caddis/src/io/disk.ts";
import type { SeededRandom } from "../../packages/caddis/src/io/seeded-random.ts";
import type { VirtualClock } from "../../packages/caddis/src/io/virtual-clock.ts";

/** Before and after each thing that a slow disk does: less than this many turns. */
const TURNS_MAX = 3;

/** `disk`, which takes some turns of the event loop for what it does, so that other things happen in between. */
export function slowed(disk: Disk, random: SeededRandom, clock: VirtualClock): Disk {
  const wait = async (): Promise<void> => {
    for (let turns = random.below(TURNS_MAX); turns > 0; turns--)
      await new Promise<void>((go) => clock.nextTurn(go));
  };
  const later =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await wait();
      const result = await call(...args);
      await wait();
      return result;
    };
  const openToWrite = async (path: string): Promise<WritableFile> => {
    const file = await disk.openToWrite(path);
    return {
      write: later((position: number, chunks: readonly Uint8Array[]) => file.write(position, chunks)),
      writeDurably: later((position: number, chunks: readonly Uint8Array[]) =>
        file.writeDurably(position, chunks),
      ),
      sync: later(() => file.sync()),
      close: later(() => file.close()),
    };
  };
  return {
    makeFolder: later((path: string) => disk.makeFolder(path)),
    list: later((path: string) => disk.list(path)),
    size: (path) => disk.size(path),
    read: (...args) => disk.read(...args),
    readLater: later((...args: Parameters<Disk["readLater"]>) => disk.readLater(...args)),
    openToWrite: later(openToWrite),
    replace: later((path: string, data: Uint8Array) => disk.replace(path, data)),
    rename: later((from: string, to: string) => disk.rename(from, to)),
    remove: later((path: string) => disk.remove(path)),
    removeFolder: later((path: string) => disk.removeFolder(path)),
    space: (path) => disk.space(path),
  };
}
