import { ByteQueue } from "../../base/byte-queue.ts";
import type { Instant } from "../../base/instant.ts";
import { NUMBER_BYTES_MAX, NumberReader, writeNumber, writeTime } from "./archive-number.ts";

/**
 * An archive of a stream, as nats-server writes and reads them since 2.15; the whole of it is an S2 stream.
 *
 *   "NATSARC1"
 *   then entries, each:
 *     length of the name, time, sequence, bytes of headers, bytes of payload   numbers, see `archive-number.ts`
 *     name, headers, payload
 *
 *   `state.json`          the state of the stream as its information shows it, with the count of consumers that follow
 *   `consumers/<name>`    one for each consumer: {"config":…,"state":…}
 *   messages              ascending; the name is the subject
 *   the end               an entry without anything: what stops before it was cut short
 */
export const ARCHIVE_MAGIC = Buffer.from("NATSARC1", "latin1");
export const STATE_ENTRY = "state.json";
export const CONSUMER_ENTRIES = "consumers/";

const FIELDS = 5;
const FIELDS_BYTES_MAX = FIELDS * NUMBER_BYTES_MAX;
/** A name is no longer: a subject, or what names a consumer. */
const NAME_BYTES_MAX = 64 * 1024;

/** What stands in front of the contents of an entry. */
export interface ArchiveEntry {
  /** Wire string. */
  readonly name: string;
  readonly time: Instant;
  /** 0: no message. */
  readonly seq: number;
  readonly headerBytes: number;
  readonly payloadBytes: number;
}

/** Writes what stands in front of entries. */
export class ArchiveWriter {
  #buf = Buffer.allocUnsafe(1024);

  /** Valid until the next call. */
  entry({ name, time, seq, headerBytes, payloadBytes }: ArchiveEntry): Buffer {
    return this.message(name, time.ms, time.ns, seq, headerBytes, payloadBytes);
  }

  /** As `entry`, field by field. */
  message(
    name: string,
    timeMs: number,
    timeNs: number,
    seq: number,
    headerBytes: number,
    payloadBytes: number,
  ): Buffer {
    const most = FIELDS_BYTES_MAX + name.length;
    if (this.#buf.length < most) this.#buf = Buffer.allocUnsafe(2 * most);
    const buf = this.#buf;
    let at = writeNumber(buf, 0, name.length);
    at = writeTime(buf, at, timeMs, timeNs);
    at = writeNumber(buf, at, seq);
    at = writeNumber(buf, at, headerBytes);
    at = writeNumber(buf, at, payloadBytes);
    at += buf.latin1Write(name, at);
    return buf.subarray(0, at);
  }
}

/** The entry that ends an archive. */
export const LAST_ENTRY: ArchiveEntry = {
  name: "",
  time: { ms: 0, ns: 0 },
  seq: 0,
  headerBytes: 0,
  payloadBytes: 0,
};

export function isLastEntry({ name, time, seq, headerBytes, payloadBytes }: ArchiveEntry): boolean {
  return (
    name === "" && time.ms === 0 && time.ns === 0 && seq === 0 && headerBytes === 0 && payloadBytes === 0
  );
}

/** Reads an archive that comes in pieces. */
export class ArchiveReader {
  readonly #queue = new ByteQueue();
  #hasBegun = false;

  /** Bytes, unpacked, that are to stay as they are until they are read. */
  append(bytes: Buffer): void {
    this.#queue.append(bytes);
  }

  /** Bytes that came and were not read. */
  get waitingBytes(): number {
    return this.#queue.length;
  }

  /** The next entry; null: more has to come; "damaged": this is no archive, and never will be. Then take its contents. */
  next(): ArchiveEntry | null | "damaged" {
    const queue = this.#queue;
    if (!this.#hasBegun) {
      if (queue.length < ARCHIVE_MAGIC.length) return null;
      if (!queue.take(ARCHIVE_MAGIC.length).equals(ARCHIVE_MAGIC)) return "damaged";
      this.#hasBegun = true;
    }
    const reader = new NumberReader(queue.peek(Math.min(queue.length, FIELDS_BYTES_MAX)));
    const nameBytes = reader.number();
    const time = reader.time();
    const seq = reader.number();
    const headerBytes = reader.number();
    const payloadBytes = reader.number();
    if (!reader.isWhole) return queue.length < FIELDS_BYTES_MAX ? null : "damaged";
    if (!reader.isGood || nameBytes > NAME_BYTES_MAX) return "damaged";
    if (queue.length < reader.at + nameBytes) return null;
    queue.skip(reader.at);
    const name = queue.take(nameBytes).latin1Slice(0, nameBytes);
    return { name, time, seq, headerBytes, payloadBytes };
  }

  /** So many bytes of the contents of an entry; null: they are not here yet. */
  take(count: number): Buffer | null {
    return this.#queue.length < count ? null : this.#queue.take(count);
  }
}
