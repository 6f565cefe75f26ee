import type { Account } from "../broker/account.ts";
import type { Message } from "../broker/message.ts";
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
   * Takes a request of which `rest` follows `DIRECT.GET.` in the subject: a stream, and perhaps a subject. False where
   * no such stream allows it, and nobody is to answer. `requiresMore`: the request asks for a newer API than ours.
   */
  receive(message: Message, rest: string, requiresMore: boolean): boolean {
    const dot = rest.indexOf(".");
    const name = dot < 0 ? rest : rest.slice(0, dot);
    const named = this.#streams.get(name);
    const stream = named?.config.allow_direct === true ? named : this.#mirrorOf(name);
    if (stream === null) return false;
    const { buf } = message.input;
    const reply = buf.latin1Slice(message.replyStart, message.replyEnd);
    if (reply === "") return true;
    const status = requiresMore
      ? "412 Required Api Level"
      : this.#answer(stream, reply, dot < 0 ? null : rest.slice(dot + 1), message);
    if (status !== null) this.#reply.status(reply, status);
    return true;
  }

  /** Returns the status to answer with; null: it has been answered, or will be. */
  #answer(stream: ReadableStream, reply: string, subject: string | null, message: Message): string | null {
    const start = message.payloadStart + message.headerBytes;
    if (start === message.payloadEnd) {
      return subject === null ? "408 Empty Request" : this.#answerLast(stream, reply, subject, false);
    }
    const decoded = decodeRequest(message.input.buf.subarray(start, message.payloadEnd), GET_REQUEST, false);
    if ("problem" in decoded) return "408 Malformed Request";
    const request = getRequestOf(decoded.fields);
    if (subject !== null) {
      if (saysWhich(request)) return "408 Bad Request";
      return this.#answerLast(stream, reply, subject, request.noHeaders);
    }
    if (isEmptyGet(request)) return "408 Empty Request";
    if (isConflictingGet(request)) return "408 Bad Request";
    if (request.batch !== 0 || request.multiLast.length > 0) return this.#begin(stream, reply, request);
    return this.#answerOne(stream, reply, findSeq(stream.store, request), request.noHeaders);
  }

  #answerLast(stream: ReadableStream, reply: string, subject: string, isBare: boolean): string | null {
    if (subject === "") return "408 Bad Request";
    return this.#answerOne(stream, reply, lastSeqOf(stream.store, subject), isBare);
  }

  #answerOne(stream: ReadableStream, reply: string, seq: number, isBare: boolean): string | null {
    if (seq === 0 || stream.store.load(seq, this.#stored) !== "loaded") return "404 Message Not Found";
    this.#reply.stored(reply, stream.config.name, this.#stored, isBare);
    return null;
  }

  #begin(stream: ReadableStream, reply: string, request: GetRequest): string | null {
    const bytesMax = this.#account.broker.options.max_pending;
    const batch = DirectBatch.begin(reply, stream.config.name, stream.store, request, bytesMax);
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
