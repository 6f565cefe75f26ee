import type { Disk } from "../io/disk.ts";
import type { KeptConsumer } from "./consumer-store.ts";
import { BatchBuilder, encodeFileHeader, FILE_HEADER_BYTES, recordBytes } from "./consumer-log-format.ts";
import { logPath } from "./consumer-log-recovery.ts";

/** Batches of a log that is written anew: damage costs no more than one. */
const BATCH_BYTES_MAX = 64 * 1024;

/** Writes what is kept as a file of its own; returns its size. There all at once, or not at all. */
export async function writeGeneration(
  disk: Disk,
  folder: string,
  generation: number,
  kept: ReadonlyMap<string, KeptConsumer>,
): Promise<number> {
  const parts = [encodeFileHeader(generation)];
  let size = FILE_HEADER_BYTES;
  let builder = new BatchBuilder();
  let bytes = 0;
  const finish = (): void => {
    // It is synced before it gets its name: all of it counts as such.
    const batch = builder.build(generation, size, size);
    parts.push(batch);
    size += batch.length;
    builder = new BatchBuilder();
    bytes = 0;
  };
  builder.reset();
  for (const [name, { config, state }] of kept) {
    builder.config(name, config);
    if (state !== null) builder.state(name, state);
    bytes += keptBytes(name, { config, state });
    if (bytes > BATCH_BYTES_MAX) finish();
  }
  finish();
  // An empty one vouches for those before it.
  finish();
  await disk.replace(logPath(folder, generation), Buffer.concat(parts));
  return size;
}

/** About what a consumer takes in a file. */
export function keptBytes(name: string, { config, state }: KeptConsumer): number {
  return recordBytes(name, config.length) + (state === null ? 0 : recordBytes(name, state.length));
}
