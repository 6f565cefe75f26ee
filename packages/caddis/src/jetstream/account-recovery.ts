import { join } from "node:path";
import type { Clock } from "../io/clock.ts";
import type { JetStreamAccount } from "./account.ts";
import type { StreamConfig } from "./core/stream-config.ts";
import { isDeletedFolder, StreamFolder, streamsFolderOf } from "./stream-folder.ts";
import type { StreamMeta } from "./stream-meta.ts";

/** Streams that are opened at the same time: enough to keep a disk busy, few enough to bound memory. */
const OPEN_AT_ONCE_MAX = 16;
/** So long nothing else happens while streams are brought back: who has one of them already is to get its answers. */
const TURN_MS = 10;

/** A stream that is there, and how it is kept. */
export interface KeptStream {
  readonly folder: StreamFolder;
  readonly meta: StreamMeta;
}

/** Why the stream in a folder can't be brought back. It stays as it is: nothing is ever thrown away. */
export interface DamagedStream {
  /** A wire string; the folder's name where the stream's own can't be read. */
  readonly name: string;
  readonly folder: string;
  readonly reason: string;
  /** Of a sound stream that a newer server made: its subjects stay taken. */
  readonly newer?: NewerStream;
}

/** What is known of a stream that is left to a newer server. */
export interface NewerStream {
  readonly config: StreamConfig;
  /** Those of its consumers that are too new, by name, with the reason. */
  readonly consumers: ReadonlyMap<string, string>;
}

/** Looks through the folder of an account: what streams there are. Removes what is left of those that were deleted. */
export async function findStreams(
  owner: JetStreamAccount,
): Promise<{ readonly kept: KeptStream[]; readonly damaged: DamagedStream[] }> {
  const { disk, encryption, settings } = owner.jetStream;
  const root = streamsFolderOf(settings.folder, owner.account.name);
  const kept: KeptStream[] = [];
  const damaged: DamagedStream[] = [];
  const folders = (await disk.list(root)).filter(({ isFolder }) => isFolder);
  await inParallel(owner.account.broker.clock, folders, async ({ name }) => {
    const path = join(root, name);
    if (isDeletedFolder(name)) {
      await disk.removeFolder(path);
      return;
    }
    const folder = new StreamFolder(disk, path, encryption);
    try {
      const meta = await folder.readMeta();
      if (meta === null) await folder.removeUnfinished();
      else if ("problem" in meta) damaged.push({ name, folder: path, reason: meta.problem });
      else kept.push({ folder, meta });
    } catch (error) {
      damaged.push({ name, folder: path, reason: reasonOf(error) });
    }
  });
  return { kept, damaged };
}

/**
 * Does something about each of `items`, several at a time. What is done without waiting holds up others for `TURN_MS` at
 * most, and for what one item takes.
 */
export async function inParallel<Item>(
  clock: Pick<Clock, "monotonicMs" | "nextTurn">,
  items: readonly Item[],
  act: (item: Item) => Promise<void>,
): Promise<void> {
  let next = 0;
  let turnMs = clock.monotonicMs();
  const work = async (): Promise<void> => {
    while (next < items.length) {
      await act(items[next++]);
      if (clock.monotonicMs() - turnMs < TURN_MS) continue;
      await new Promise<void>((resolve) => clock.nextTurn(resolve));
      turnMs = clock.monotonicMs();
    }
  };
  await Promise.all(Array.from({ length: Math.min(OPEN_AT_ONCE_MAX, items.length) }, work));
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
