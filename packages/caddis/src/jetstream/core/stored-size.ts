import type { Storage } from "./stream-config.ts";

/** Bytes that a record takes besides subject, headers and payload, as the reference counts. */
const FILE_OVERHEAD_BYTES = 30;
/** The same for the length of the headers, where there are any. */
const FILE_HEADERS_OVERHEAD_BYTES = 4;
const MEMORY_OVERHEAD_BYTES = 16;

/** What one message counts in a stream's `bytes` and against limits, as the reference counts. */
export function storedSize(
  storage: Storage,
  subjectLength: number,
  headerBytes: number,
  payloadBytes: number,
): number {
  const content = subjectLength + headerBytes + payloadBytes;
  if (storage === "memory") return content + MEMORY_OVERHEAD_BYTES;
  return content + FILE_OVERHEAD_BYTES + (headerBytes > 0 ? FILE_HEADERS_OVERHEAD_BYTES : 0);
}
