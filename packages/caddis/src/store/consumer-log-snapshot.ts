import type { Disk } from "../io/disk.ts";
import type { KeptConsumer } from "./consumer-store.ts";
import { type LogFile, newLogFile } from "./consumer-log-file.ts";
import { BatchBuilder, recordBytes } from "./consumer-log-format.ts";
import { logPath } from "./consumer-log-recovery.ts";
import type { Encryption } from "./file/cipher.ts";

/** Batches of a log that is written anew: damage costs no more than one. */
const BATCH_BYTES_MAX = 64 * 1024;

/** Writes what is kept of the consumers of `stream` as a file of its own. There all at once, or not at all. */
export async function writeGeneration(
  disk: Disk,
  folder: string,
  generation: number,
  kept: ReadonlyMap<string, KeptConsumer>,
  encryption: Encryption | null,
  stream: string,
): Promise<{ readonly file: LogFile; readonly size: number }> {
  const { file, header } = newLogFile(generation, encryption);
  const parts = [header];
  let size = header.length;
  let builder = new BatchBuilder();
  let bytes = 0;
  const finish = (): void => {
    // It is synced before it gets its name: all of it counts as such.
    const batch = builder.build(file, size, size);
    parts.push(batch);
    size += batch.length;
    builder = new BatchBuilder();
    bytes = 0;
  };
  builder.reset(stream);
  for (const [name, { config, state }] of kept) {
    builder.config(name, config);
    if (state !== null) builder.state(name, state);
    bytes += keptBytes(name, { config, state });
    if (bytes > BATCH_BYTES_MAX) finish();
  }
  finish();
  // An empty one vouches for those before it.
  finish();
  // It may have been removed together with the log.
  if (generation === 1 || disk.size(folder) < 0) await disk.makeFolder(folder);
  await disk.replace(logPath(folder, generation), Buffer.concat(parts));
  return { file, size };
}

/** About what a consumer takes in a file. */
export function keptBytes(name: string, { config, state }: KeptConsumer): number {
  return recordBytes(name, config.length) + (state === null ? 0 : recordBytes(name, state.length));
}
