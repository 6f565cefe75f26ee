import type { Account } from "../broker/account.ts";
import { makeMessage, type Message } from "../broker/message.ts";
import { StoredMessage } from "../store/stored-message.ts";
import type { StreamStore } from "../store/stream-store.ts";
import { decodeRequest } from "./core/json-fields.ts";
import {
  GET_REQUEST,
  getRequestOf,
  type GetRequest,
  isConflictingGet,
  isEmptyGet,
  saysWhich,
} from "./core/get-request.ts";
import { findSeq, lastSeqOf } from "./core/find-message.ts";
import { DirectBatch } from "./direct-batch.ts";
import { DirectReply } from "./direct-reply.ts";

/** Of one request within one turn; then others get theirs. */
const TURN_MESSAGES_MAX = 1_024;
const TURN_BYTES_MAX = 1024 * 1024;
/** Requests of one account that are not done within a turn; each takes some hundred bytes until its turn comes. */
const BATCHES_MAX = 1_024;

const DOT = 0x2e;

const NO_PAYLOAD = new Uint8Array(0);

/** Of a stream, what is read. */
interface ReadableStream {
  readonly config: { readonly name: string; readonly allow_direct: boolean };
  readonly store: StreamStore;
}

/**
 * Answers `DIRECT.GET` in one account: messages as they are stored, with where they lie in their headers, without the
 * ceremony of the API. What one turn can do is done while the request is delivered.
 */
export class DirectGets {
  readonly #account: Account;
  readonly #streams: ReadonlyMap<string, ReadableStream>;
  readonly #mirrorOf: (origin: string) => ReadableStream | null;
  readonly #reply: DirectReply;
  readonly #stored = new StoredMessage();
  /** The stream that was asked for last. */
  #lastStream = "";
  /** Those that wait for their next turn, in order. */
  readonly #batches: { readonly stream: ReadableStream; readonly batch: DirectBatch }[] = [];

  /**
   * `streams`: the account's, by name, as they are at any time; `mirrorOf`: who answers in place of a stream that is not
   * here, or does not.
   */
  constructor(
    account: Account,
    streams: ReadonlyMap<string, ReadableStream>,
    mirrorOf: (origin: string) => ReadableStream | null = () => null,
  ) {
    this.#account = account;
    this.#streams = streams;
    this.#mirrorOf = mirrorOf;
    this.#reply = new DirectReply(account);
  }

  /**
   * Takes a request of which `rest` follows `DIRECT.GET.` at the end of the subject: a stream, and perhaps a subject.
   * False where no such stream allows it, and nobody is to answer. `requiresMore`: the request asks for a newer API than
   * ours.
   */
  receive(message: Message, rest: string, requiresMore: boolean): boolean {
    const name = this.#streamIn(rest);
    const named = this.#streams.get(name);
    const stream = named?.config.allow_direct === true ? named : this.#mirrorOf(name);
    if (stream === null) return false;
    if (message.replyStart === message.replyEnd) return true;
    const status = requiresMore
      ? "412 Required Api Level"
      : this.#answer(stream, message, name.length === rest.length ? null : rest.length - name.length - 1);
    if (status !== null) this.#reply.status(message, status);
    return true;
  }

  /** The stream that `rest` begins with; as the same string as the last time, which finds it sooner. */
  #streamIn(rest: string): string {
    const last = this.#lastStream;
    if (rest.startsWith(last) && (rest.length === last.length || rest.charCodeAt(last.length) === DOT))
      return last;
    const dot = rest.indexOf(".");
    return (this.#lastStream = dot < 0 ? rest : rest.slice(0, dot));
  }

  /**
   * Returns the status to answer with; null: it has been answered, or will be. `subjectBytes`: how long the subject is
   * that ends the request's; null: it names none.
   */
  #answer(stream: ReadableStream, request: Message, subjectBytes: number | null): string | null {
    const { input, payloadEnd, subjectEnd } = request;
    const start = request.payloadStart + request.headerBytes;
    const subject =
      subjectBytes === null ? null : input.buf.latin1Slice(subjectEnd - subjectBytes, subjectEnd);
    if (start === payloadEnd) {
      return subject === null ? "408 Empty Request" : this.#answerLast(stream, request, subject, false);
    }
    const decoded = decodeRequest(input.buf.subarray(start, payloadEnd), GET_REQUEST, false);
    if ("problem" in decoded) return "408 Malformed Request";
    const get = getRequestOf(decoded.fields);
    if (subject !== null) {
      if (saysWhich(get)) return "408 Bad Request";
      return this.#answerLast(stream, request, subject, get.noHeaders);
    }
    if (isEmptyGet(get)) return "408 Empty Request";
    if (isConflictingGet(get)) return "408 Bad Request";
    if (get.batch !== 0 || get.multiLast.length > 0) return this.#begin(stream, request, get);
    return this.#answerOne(stream, request, findSeq(stream.store, get), get.noHeaders);
  }

  #answerLast(stream: ReadableStream, request: Message, subject: string, isBare: boolean): string | null {
    if (subject === "") return "408 Bad Request";
    const seq = lastSeqOf(stream.store, subject);
    // Most likely that is the message's own: a store compares before it makes a string.
    this.#stored.subject = subject;
    return this.#answerOne(stream, request, seq, isBare);
  }

  #answerOne(stream: ReadableStream, request: Message, seq: number, isBare: boolean): string | null {
    if (seq === 0 || stream.store.load(seq, this.#stored) !== "loaded") return "404 Message Not Found";
    this.#reply.stored(request, stream.config.name, this.#stored, isBare);
    return null;
  }

  #begin(stream: ReadableStream, request: Message, get: GetRequest): string | null {
    const bytesMax = this.#account.broker.options.max_pending;
    const { input, replyStart, replyEnd } = request;
    // The batch outlives the request.
    const kept = makeMessage("", input.buf.latin1Slice(replyStart, replyEnd), "", NO_PAYLOAD);
    const batch = DirectBatch.begin(kept, stream.config.name, stream.store, get, bytesMax);
    if ("status" in batch) return batch.status;
    if (this.#batches.length >= BATCHES_MAX) return "429 Too Many Requests";
    if (batch.advance(this.#reply, TURN_MESSAGES_MAX, TURN_BYTES_MAX)) this.#wait(stream, batch);
    return null;
  }

  #wait(stream: ReadableStream, batch: DirectBatch): void {
    this.#batches.push({ stream, batch });
    if (this.#batches.length === 1) this.#resumeLater();
  }

  #resumeLater(): void {
    this.#account.broker.clock.nextTurn(() => this.#resume());
  }

  /** One of those that wait gets its turn. */
  #resume(): void {
    const next = this.#batches.shift();
    if (next === undefined) return;
    const { stream, batch } = next;
    const isThere = this.#streams.get(stream.config.name) === stream;
    if (isThere && batch.advance(this.#reply, TURN_MESSAGES_MAX, TURN_BYTES_MAX)) this.#batches.push(next);
    if (this.#batches.length > 0) this.#resumeLater();
  }

  /** Nothing is answered any more. */
  close(): void {
    this.#batches.length = 0;
  }
}
