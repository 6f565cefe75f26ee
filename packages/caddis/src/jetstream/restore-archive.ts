import { fromWireString } from "../subject/subject.ts";
import {
  type ArchiveEntry,
  ArchiveReader,
  CONSUMER_ENTRIES,
  isLastEntry,
  STATE_ENTRY,
} from "./core/archive.ts";
import type { ApiError } from "./core/api-error.ts";
import { decodeRequest, objectOf } from "./core/json-fields.ts";
import { addArchivedConsumer } from "./restore-consumers.ts";
import type { RestoreLoader, RestoreStep } from "./restore-loader.ts";
import { refuseRestore, type RestoreTarget } from "./restore-target.ts";

const STATE_BYTES_MAX = 1024 * 1024;
/** Of one consumer: a million messages pending. */
const CONSUMER_BYTES_MAX = 64 * 1024 * 1024;
const DAMAGED = "archive: invalid archive stream";

const STATE = objectOf("StreamState", {
  messages: "uint64",
  bytes: "uint64",
  first_seq: "uint64",
  last_seq: "uint64",
  consumer_count: "int",
});

/** Restores from an archive; see `core/archive.ts`. */
export class ArchiveLoader implements RestoreLoader {
  readonly #target: RestoreTarget;
  readonly #reader = new ArchiveReader();
  /** The entry whose contents are still to come; null: the next one is. */
  #entry: ArchiveEntry | null = null;
  #hasState = false;
  #consumersLeft = 0;
  #lastSeq = 0;
  #isDone = false;
  #isDamaged = false;

  constructor(target: RestoreTarget) {
    this.#target = target;
  }

  append(bytes: Buffer): void {
    // Whatever follows the end is of no account.
    if (!this.#isDone) this.#reader.append(bytes);
  }

  step(): RestoreStep {
    if (this.#isDone) return "waits";
    this.#entry ??= this.#next();
    const entry = this.#entry;
    if (entry === null) return this.#isDamaged ? refuseRestore(DAMAGED) : "waits";
    const refused = this.#refusalOfSize(entry);
    if (refused !== null) return refused;
    const content = this.#reader.take(entry.headerBytes + entry.payloadBytes);
    if (content === null) return "waits";
    this.#entry = null;
    return this.#take(entry, content) ?? "goes on";
  }

  end(): Promise<ApiError | null> {
    if (!this.#isDone) return Promise.resolve(refuseRestore("backup was truncated"));
    this.#target.skipTo(this.#lastSeq);
    return Promise.resolve(null);
  }

  #next(): ArchiveEntry | null {
    const entry = this.#reader.next();
    if (entry !== "damaged") return entry;
    this.#isDamaged = true;
    return null;
  }

  /** What an entry says of its size is not to be waited for in any case. */
  #refusalOfSize({ name, seq, headerBytes, payloadBytes }: ArchiveEntry): ApiError | null {
    const bytes = headerBytes + payloadBytes;
    if (!this.#hasState) {
      if (name !== STATE_ENTRY) return refuseRestore("expected state.json first");
      return bytes > STATE_BYTES_MAX ? refuseRestore(DAMAGED) : null;
    }
    if (this.#consumersLeft > 0) {
      if (!name.startsWith(CONSUMER_ENTRIES))
        return refuseRestore(`expected consumer, found "${fromWireString(name)}"`);
      return bytes > CONSUMER_BYTES_MAX
        ? refuseRestore(`consumer "${fromWireString(name)}" is too large`)
        : null;
    }
    const { max_payload } = this.#target.owner.account.broker.options;
    return bytes > max_payload ? refuseRestore(`message sequence ${seq} exceeds maximum payload size`) : null;
  }

  #take(entry: ArchiveEntry, content: Buffer): ApiError | null {
    if (!this.#hasState) return this.#takeState(content);
    if (this.#consumersLeft > 0) {
      this.#consumersLeft--;
      const refused = this.#target.noteConsumerBytes(content.length);
      return refused ?? addArchivedConsumer(this.#target, entry.name.slice(CONSUMER_ENTRIES.length), content);
    }
    const { seq, name: subject, time, headerBytes } = entry;
    if (seq > 0)
      return this.#target.put({ seq, subject, timeMs: time.ms, timeNs: time.ns, content, headerBytes });
    if (!isLastEntry(entry)) return refuseRestore("expected message sequence");
    this.#isDone = true;
    return null;
  }

  #takeState(json: Buffer): ApiError | null {
    const decoded = decodeRequest(json, STATE, false);
    if ("problem" in decoded) return refuseRestore(`error in state.json: ${decoded.problem}`);
    const { messages = 0, bytes = 0, first_seq = 0, last_seq = 0, consumer_count = 0 } = decoded.fields;
    const problem = problemOfState(messages, first_seq, last_seq, consumer_count);
    if (problem !== "") return refuseRestore(`invalid stream state: ${problem}`);
    const refused = this.#target.refusalOf(bytes);
    if (refused !== null) return refused;
    const asStream = this.#target.refusalAsStream();
    if (asStream !== null)
      return refuseRestore(`error adding stream: ${asStream.description} (${asStream.err_code})`);
    this.#hasState = true;
    this.#consumersLeft = consumer_count;
    this.#lastSeq = last_seq;
    this.#target.removeBefore(first_seq);
    return null;
  }
}

/** What does not fit together; empty: all does. */
function problemOfState(messages: number, first: number, last: number, consumers: number): string {
  if (consumers < 0) return "negative consumer count";
  if (last >= Number.MAX_SAFE_INTEGER) return "sequences beyond what can be";
  const inconsistent = "inconsistent message count or sequence range";
  if (first === 0) return last !== 0 || messages !== 0 ? inconsistent : "";
  if (first > last) return first - 1 !== last || messages !== 0 ? inconsistent : "";
  return messages > last - first + 1 ? "message count exceeds sequence range" : "";
}
