import type { Message } from "../broker/message.ts";
import { StoredMessage } from "../store/stored-message.ts";
import type { Filter, StreamStore } from "../store/stream-store.ts";
import { isValidSubject } from "../subject/subject.ts";
import type { GetRequest } from "./core/get-request.ts";
import type { DirectReply } from "./direct-reply.ts";

/** Subjects of which one request may get the last messages; as in the reference. */
const MULTI_RESULTS_MAX = 1_024;
/** Subjects that are looked at for it at most, some milliseconds: those with nothing to show do not count above. */
const MULTI_SUBJECTS_MAX = 65_536;

/** One request for several messages, on its way through a store. */
export class DirectBatch {
  readonly #request: Message;
  readonly #stream: string;
  readonly #store: StreamStore;
  readonly #isBare: boolean;
  readonly #walk: Walk;
  /** Messages and bytes that may still be sent. */
  #messagesLeft: number;
  #bytesLeft: number;
  #lastSeq = 0;
  #hasSent = false;
  readonly #stored = new StoredMessage();

  private constructor(
    request: Message,
    stream: string,
    store: StreamStore,
    get: GetRequest,
    walk: Walk,
    bytesMax: number,
  ) {
    this.#request = request;
    this.#stream = stream;
    this.#store = store;
    this.#walk = walk;
    // Lasts of several subjects come with their headers in any case, as in the reference.
    this.#isBare = get.noHeaders && get.multiLast.length === 0;
    const isAll = get.multiLast.length > 0 && get.batch <= 0;
    this.#messagesLeft = isAll ? Infinity : get.batch;
    this.#bytesLeft = get.maxBytes === 0 ? bytesMax : get.maxBytes;
  }

  /**
   * The messages from a sequence or a time on, or the last ones of several subjects; or the status to answer with.
   * `bytesMax` bounds a request that does not say how many bytes it wants. `request`: what is answered, of its own memory.
   */
  static begin(
    request: Message,
    stream: string,
    store: StreamStore,
    get: GetRequest,
    bytesMax: number,
  ): DirectBatch | { readonly status: string } {
    const walk = get.multiLast.length > 0 ? lastsOf(store, get) : rangeOf(store, get);
    return "status" in walk ? walk : new DirectBatch(request, stream, store, get, walk, bytesMax);
  }

  /** Sends up to so many messages and bytes; false once there is no more to come. */
  advance(sink: DirectReply, messagesMax: number, bytesMax: number): boolean {
    let bytes = 0;
    for (let i = 0; i < messagesMax && bytes < bytesMax; i++) {
      if (this.#messagesLeft <= 0 || this.#bytesLeft <= 0) return this.#finish(sink);
      const seq = this.#walk.next();
      if (seq === 0) return this.#finish(sink, this.#hasSent ? "" : "404 Message Not Found");
      const stored = this.#stored;
      // What went while this waited for its turn, or can't be read, is passed over.
      if (this.#store.load(seq, stored) !== "loaded") continue;
      const size = stored.subject.length + stored.payloadEnd - stored.headersStart;
      const fields = this.#isBare
        ? ""
        : `Nats-Num-Pending: ${this.#walk.pending}\r\nNats-Last-Sequence: ${this.#lastSeq}\r\n`;
      this.#hasSent = true;
      this.#lastSeq = seq;
      this.#messagesLeft--;
      this.#bytesLeft -= size;
      bytes += size;
      if (!sink.stored(this.#request, this.#stream, stored, this.#isBare, fields)) return false;
    }
    return true;
  }

  #finish(sink: DirectReply, status = ""): false {
    if (status !== "") sink.status(this.#request, status);
    else sink.status(this.#request, "204 EOB", this.#walk.summary(this.#lastSeq));
    return false;
  }
}

/** Which messages come one after the other. */
interface Walk {
  /** How many come after the one that `next` returned last. */
  readonly pending: number;
  /** The next sequence; 0: no more. */
  next(): number;
  /** Header lines of the end. */
  summary(lastSeq: number): string;
}

class RangeWalk implements Walk {
  readonly #store: StreamStore;
  readonly #filter: Filter;
  #from: number;
  #countedTo: number;
  pending: number;

  constructor(store: StreamStore, filter: Filter, from: number) {
    this.#store = store;
    this.#filter = filter;
    this.#from = from;
    this.#countedTo = store.state.lastSeq;
    this.pending = store.count(filter, from, false);
  }

  next(): number {
    const seq = this.#store.next(this.#filter, this.#from);
    if (seq === 0) return 0;
    this.#from = seq + 1;
    if (this.pending > 0) this.pending--;
    return seq;
  }

  summary(lastSeq: number): string {
    if (this.#store.state.lastSeq > this.#countedTo) {
      this.pending = this.#store.count(this.#filter, this.#from, false);
    }
    return `Nats-Num-Pending: ${this.pending}\r\nNats-Last-Sequence: ${lastSeq}\r\n`;
  }
}

class ListWalk implements Walk {
  readonly #seqs: readonly number[];
  readonly #upToSeq: number;
  #index: number;

  /** `seqs`: ascending; those before `fromSeq` are left out. */
  constructor(seqs: readonly number[], fromSeq: number, upToSeq: number) {
    this.#seqs = seqs;
    this.#upToSeq = upToSeq;
    const first = seqs.findIndex((seq) => seq >= fromSeq);
    this.#index = first < 0 ? seqs.length : first;
  }

  get pending(): number {
    return this.#seqs.length - this.#index;
  }

  next(): number {
    return this.#index < this.#seqs.length ? this.#seqs[this.#index++] : 0;
  }

  summary(lastSeq: number): string {
    return (
      `Nats-Num-Pending: ${this.pending}\r\nNats-Last-Sequence: ${lastSeq}\r\n` +
      `Nats-UpTo-Sequence: ${this.#upToSeq}\r\n`
    );
  }
}

function rangeOf(store: StreamStore, request: GetRequest): Walk | { readonly status: string } {
  const { startTime, nextBySubject } = request;
  if (nextBySubject !== "" && !isValidSubject(nextBySubject)) return { status: "404 Message Not Found" };
  const from = startTime === null ? Math.max(1, request.seq) : store.firstSeqFrom(startTime);
  return new RangeWalk(store, store.filter(nextBySubject === "" ? [] : [nextBySubject]), from);
}

function lastsOf(store: StreamStore, request: GetRequest): Walk | { readonly status: string } {
  const upToSeq = boundOf(store, request);
  const seqs = upToSeq === 0 ? [] : lastSeqsOf(store, request.multiLast, upToSeq);
  if (seqs === null) return { status: "413 Too Many Results" };
  if (seqs.length === 0) return { status: "404 No Results" };
  return new ListWalk(seqs, request.seq, upToSeq);
}

/** The last sequence that counts; 0: none does. */
function boundOf(store: StreamStore, { upToSeq, upToTime }: GetRequest): number {
  if (upToTime === null) return upToSeq === 0 ? store.state.lastSeq : upToSeq;
  const after = store.firstSeqFrom(upToTime);
  return after <= store.state.firstSeq ? 0 : after - 1;
}

/** The last sequence up to `upToSeq` of each subject that `patterns` match, ascending; null: they are too many. */
function lastSeqsOf(store: StreamStore, patterns: readonly string[], upToSeq: number): number[] | null {
  const valid = patterns.filter(isValidSubject);
  if (valid.length === 0) return [];
  const seqs: number[] = [];
  let seen = 0;
  for (const { subject, count } of store.subjects(store.filter(valid))) {
    if (++seen > MULTI_SUBJECTS_MAX) return null;
    const last = store.lastSeqOf(subject);
    const seq = last <= upToSeq ? last : count > 1 ? store.previous(store.filter([subject]), upToSeq) : 0;
    if (seq === 0) continue;
    seqs.push(seq);
    if (seqs.length > MULTI_RESULTS_MAX) return null;
  }
  return seqs.sort((a, b) => a - b);
}
