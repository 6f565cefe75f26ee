import { fromWireString } from "../subject/subject.ts";
import { BlockFileReader } from "./core/block-file.ts";
import { type BlockFileState, decodeBlockFileState } from "./core/block-file-state.ts";
import { decodeProgressFile } from "./core/consumer-state-file.ts";
import type { ApiError } from "./core/api-error.ts";
import { decodeRequest, objectOf } from "./core/json-fields.ts";
import { type TarFile, TarReader } from "./core/tar.ts";
import { addFiledConsumer } from "./restore-consumers.ts";
import type { RestoreLoader, RestoreStep } from "./restore-loader.ts";
import { refuseRestore, type RestoreTarget } from "./restore-target.ts";

/** What a file of an archive may have that is held in memory. */
const META_BYTES_MAX = 16 * 1024 * 1024;
const STATE_BYTES_MAX = 64 * 1024 * 1024;
/** Files that are passed over are no larger. */
const SKIPPED_BYTES_MAX = 256 * 1024 * 1024;
/** Consumers, and so files of them. */
const CONSUMERS_MAX = 100_000;
/** Removals before others get their turn. */
const REMOVALS_PER_TURN = 4096;

const META_FILE = "meta.inf";
const STATE_FILE = "msgs/index.db";
const BLOCK_FILE = /^msgs\/(\d{1,9})\.blk$/;
const OLD_INDEX_FILE = /^msgs\/\d+\.idx$/;
const KEY_FILE = /(?:^|\/)(?:meta|\d+)\.key$/;
const CONSUMER_FILE = /^obs\/([^/]+)\/(meta\.inf|meta\.sum|o\.dat)$/;
/** A snapshot that failed in between says so in this file. */
const ERROR_FILE = "errors.txt";

const META = objectOf("FileStreamInfo", { name: "wire", created: "time" });

/** Where what a file has goes. */
type Sink =
  | { readonly kind: "skip" }
  | { readonly kind: "block"; readonly reader: BlockFileReader; readonly number: number }
  | { readonly kind: "file"; readonly name: string; readonly pieces: Buffer[] };

/**
 * Restores from an archive as nats-server made them before 2.15: a tar archive of the files in which it keeps a stream.
 * Nothing of it is written as it stands: messages are read from their blocks.
 */
export class LegacyLoader implements RestoreLoader {
  readonly #target: RestoreTarget;
  readonly #nextTurn: () => Promise<void>;
  readonly #tar = new TarReader();
  #sink: Sink | null = null;
  #lastBlock = 0;
  /** Of the last record of the last block. */
  #lastHash: Buffer = Buffer.alloc(0);
  #hasMeta = false;
  #state: BlockFileState | null = null;
  /** By consumer and file. */
  readonly #consumers = new Map<string, Map<string, Buffer>>();

  constructor(target: RestoreTarget, nextTurn: () => Promise<void>) {
    this.#target = target;
    this.#nextTurn = nextTurn;
  }

  append(bytes: Buffer): void {
    this.#tar.append(bytes);
  }

  step(): RestoreStep {
    const sink = this.#sink;
    if (sink === null) return this.#begin();
    const bytes = this.#tar.read();
    if (bytes !== null) {
      if (sink.kind === "block") sink.reader.append(bytes);
      else if (sink.kind === "file") sink.pieces.push(bytes);
    }
    if (sink.kind === "block") {
      const read = this.#readRecord(sink.reader, sink.number);
      if (read !== "waits") return read;
    }
    if (this.#tar.leftBytes > 0) return "waits";
    this.#sink = null;
    return this.#finish(sink) ?? "goes on";
  }

  async end(): Promise<ApiError | null> {
    if (!this.#tar.isAtEnd) return refuseRestore("backup was truncated");
    if (!this.#hasMeta) return refuseRestore(`${META_FILE} is missing`);
    await this.#applyState();
    return this.#addConsumers();
  }

  /** The next file of the archive. */
  #begin(): RestoreStep {
    const file = this.#tar.next();
    if (file === null) return "waits";
    if ("problem" in file) return refuseRestore(file.problem);
    const sink = this.#sinkOf(file);
    if ("err_code" in sink) return sink;
    this.#sink = sink;
    return "goes on";
  }

  #sinkOf({ name: written, size }: TarFile): Sink | ApiError {
    const name = written.startsWith("./") ? written.slice(2) : written;
    const isOutside = name.startsWith("/") || name.split("/").includes("..");
    if (isOutside) return refuseRestore("unexpected content");
    if (KEY_FILE.test(name)) return refuseRestore(`the archive is encrypted (${name}): it can't be read`);
    if (OLD_INDEX_FILE.test(name))
      return refuseRestore(`the archive was made by a server older than 2.10 (${name}): it can't be read`);
    const block = BLOCK_FILE.exec(name);
    if (block !== null) return this.#blockSink(Number(block[1]));
    const isConsumer = CONSUMER_FILE.test(name);
    const most = name === STATE_FILE || isConsumer ? STATE_BYTES_MAX : META_BYTES_MAX;
    const refused = isConsumer && size <= most ? this.#target.noteConsumerBytes(size) : null;
    if (refused !== null) return refused;
    if (name === META_FILE || name === STATE_FILE || name === ERROR_FILE || isConsumer)
      return size > most ? refuseRestore(`${name} is too large`) : { kind: "file", name, pieces: [] };
    return size > SKIPPED_BYTES_MAX ? refuseRestore(`${name} is too large`) : { kind: "skip" };
  }

  #blockSink(number: number): Sink | ApiError {
    if (!this.#hasMeta) return refuseRestore(`expected ${META_FILE} first`);
    if (number <= this.#lastBlock) return refuseRestore(`message block ${number} out of order`);
    this.#lastBlock = number;
    return { kind: "block", number, reader: new BlockFileReader(this.#target.config.name, number) };
  }

  #readRecord(reader: BlockFileReader, number: number): RestoreStep {
    const read = reader.next();
    if (read === false) return "waits";
    if (read !== true) return refuseRestore(`message block ${number}: ${read}`);
    const target = this.#target;
    const { kind, seq, subject, timeMs, timeNs, content, headerBytes } = reader.record;
    if (kind === "message") {
      // One that was rewritten is there twice.
      if (seq <= target.lastSeq) return "goes on";
      return target.put({ seq, subject, timeMs, timeNs, content, headerBytes }) ?? "goes on";
    }
    if (seq > target.lastSeq) target.skipTo(seq);
    else if (kind === "tombstone") target.remove(seq);
    return "goes on";
  }

  /** All of a file is there. */
  #finish(sink: Sink): ApiError | null {
    if (sink.kind === "skip") return null;
    if (sink.kind === "block") {
      this.#lastHash = Buffer.from(sink.reader.lastHash);
      return sink.reader.isBetweenRecords ? null : refuseRestore(`message block ${sink.number} is cut short`);
    }
    const content = Buffer.concat(sink.pieces);
    if (sink.name === META_FILE) return this.#readMeta(content);
    if (sink.name === ERROR_FILE) return refuseRestore(`the snapshot failed: ${content.toString("utf8")}`);
    if (sink.name === STATE_FILE) this.#state = decodeBlockFileState(content, this.#target.config.name);
    else return this.#keepConsumerFile(sink.name, content);
    return null;
  }

  #readMeta(json: Buffer): ApiError | null {
    const decoded = decodeRequest(json, META, false);
    if ("problem" in decoded) return refuseRestore(decoded.problem);
    const { name = "", created } = decoded.fields;
    if (name !== this.#target.config.name) return refuseRestore("stream names do not match");
    this.#target.created = created ?? null;
    this.#hasMeta = true;
    return null;
  }

  #keepConsumerFile(path: string, content: Buffer): ApiError | null {
    const [, name = "", file = ""] = CONSUMER_FILE.exec(path) ?? [];
    let files = this.#consumers.get(name);
    if (files === undefined) {
      if (this.#consumers.size === CONSUMERS_MAX) return refuseRestore("too many consumers");
      this.#consumers.set(name, (files = new Map<string, Buffer>()));
    }
    files.set(file, content);
    return null;
  }

  /**
   * What limits have removed is known only from the state, which counts where it was written after the last record. One
   * that is older, or damaged, is of no use: the limits remove it again.
   */
  async #applyState(): Promise<void> {
    const state = this.#state;
    const target = this.#target;
    if (state === null || state.lastBlock !== this.#lastBlock || !state.lastHash.equals(this.#lastHash))
      return;
    let left = REMOVALS_PER_TURN;
    const remove = async (seq: number): Promise<void> => {
      target.remove(seq);
      if (--left > 0) return;
      left = REMOVALS_PER_TURN;
      await this.#nextTurn();
    };
    let before = 0;
    for (const { firstSeq, lastSeq, removed } of state.blocks) {
      // Between two blocks nothing is left.
      for (let seq = target.next(before + 1); seq > 0 && seq < firstSeq; seq = target.next(seq + 1))
        await remove(seq);
      for (const seq of removed) await remove(seq);
      before = lastSeq;
    }
    target.skipTo(state.lastSeq);
    target.removeBefore(state.firstSeq);
  }

  #addConsumers(): ApiError | null {
    for (const [name, files] of this.#consumers) {
      const meta = files.get("meta.inf");
      const shown = fromWireString(name);
      if (meta === undefined)
        return refuseRestore(`error restoring consumer ["${shown}"]: ${META_FILE} is missing`);
      const state = files.get("o.dat");
      const progress = state === undefined || state.length === 0 ? NO_PROGRESS : decodeProgressFile(state);
      if (progress === null)
        return refuseRestore(`error restoring consumer ["${shown}"]: its state is damaged`);
      const refused = addFiledConsumer(this.#target, name, meta, progress);
      if (refused !== null) return refused;
    }
    return null;
  }
}

/** Of a consumer that has delivered nothing. */
const NO_PROGRESS = {
  deliveredConsumer: 0,
  deliveredStream: 0,
  floorConsumer: 0,
  floorStream: 0,
  pending: [],
  redelivered: [],
  lastPerSubjectUntil: 0,
};
