import type { Message } from "../broker/message.ts";
import { AtomicBatches } from "./atomic-batches.ts";
import { type BatchStream, refuse } from "./batch-stream.ts";
import { type ApiError, apiError } from "./core/api-error.ts";
import { isFastBatchReply, parseFastBatchReply } from "./core/fast-batch-reply.ts";
import type { Publish } from "./core/publish.ts";
import type { StreamConfig } from "./core/stream-config.ts";
import { storedSize } from "./core/stored-size.ts";
import { FastBatches } from "./fast-batches.ts";

/** `.$FI` in bytes: the end of the reply subjects of fast batches. */
const FAST_SUFFIX = Buffer.from(".$FI", "latin1");

/** Where answers to requests from other accounts go; the subject that a client gave stands in the request's headers. */
const SERVICE_REPLY_PREFIX = "_R_.";
const REQUEST_INFO = "Nats-Request-Info";

/** Takes the messages of a stream that belong to a batch: their reply subject or their headers say so. */
export class Batches {
  readonly #stream: BatchStream;
  readonly #atomic: AtomicBatches;
  readonly #fast: FastBatches;

  constructor(stream: BatchStream) {
    this.#stream = stream;
    this.#atomic = new AtomicBatches(stream);
    this.#fast = new FastBatches(stream);
  }

  /** False: the message belongs to no batch. */
  take(publish: Publish, message: Message): boolean {
    const pattern = fastBatchReplyOf(message);
    if (pattern === "" && publish.headers.get("Nats-Batch-Id") === "") return false;
    const reply = message.input.buf.latin1Slice(message.replyStart, message.replyEnd);
    if (pattern === "") this.#takeAtomic(publish, reply);
    else this.#takeFast(publish, reply, pattern);
    return true;
  }

  /** What the messages of fast batches wait for may have come. */
  onDurable(durablePosition: number): void {
    this.#fast.onDurable(durablePosition);
  }

  /** Gives up what the configuration does not allow any more. */
  onConfigChanged({ allow_atomic, allow_batched }: StreamConfig): void {
    if (!allow_atomic) this.#atomic.clear();
    if (!allow_batched) this.#fast.clear();
  }

  /** The stream is no more, or not at work any more. */
  stop(): void {
    this.#atomic.clear();
    this.#fast.clear();
  }

  #takeAtomic(publish: Publish, reply: string): void {
    const { config } = this.#stream;
    const refusal =
      refusalOf(publish, this.#stream) ?? (config.allow_atomic ? null : apiError("atomicPublishDisabled"));
    if (refusal === null) this.#atomic.take(publish, reply);
    else refuse(this.#stream, reply, refusal);
  }

  #takeFast(publish: Publish, reply: string, pattern: string): void {
    const { config } = this.#stream;
    const refusal =
      refusalOf(publish, this.#stream) ?? (config.allow_batched ? null : apiError("batchPublishDisabled"));
    const parsed = parseFastBatchReply(pattern);
    if (refusal !== null) refuse(this.#stream, reply, refusal);
    else if (parsed === null) refuse(this.#stream, reply, apiError("batchPublishInvalidPattern"));
    else this.#fast.take(publish, reply, parsed);
  }
}

/** What stands against any message of a batch, whatever it says. */
function refusalOf({ subject, headerBytes, payloadBytes }: Publish, stream: BatchStream): ApiError | null {
  const { config, ingest } = stream;
  if (config.sealed) return apiError("streamSealed");
  const busy = ingest.refusalByBacklog();
  if (busy !== null) return busy;
  if (ingest.isServerFull()) return apiError("insufficientResources");
  const size = storedSize(config.storage, subject.length, headerBytes, payloadBytes);
  const refused = ingest.refusalOfAccount(size);
  if (refused !== null) return refused;
  const isTooLong = config.max_msg_size >= 0 && headerBytes + payloadBytes > config.max_msg_size;
  return isTooLong ? apiError("streamMessageExceedsMaximum") : null;
}

/** The reply subject that makes a message part of a fast batch, well-formed or not; empty: there is none. */
function fastBatchReplyOf({ input, replyStart, replyEnd, payloadStart, headerBytes }: Message): string {
  const { buf } = input;
  if (replyEnd - replyStart <= FAST_SUFFIX.length) return "";
  if (endsWith(buf, replyEnd, FAST_SUFFIX)) return buf.latin1Slice(replyStart, replyEnd);
  if (headerBytes === 0 || buf[replyStart] !== SERVICE_REPLY_PREFIX.charCodeAt(0)) return "";
  if (!buf.latin1Slice(replyStart, replyEnd).startsWith(SERVICE_REPLY_PREFIX)) return "";
  const original = originalReply(buf.latin1Slice(payloadStart, payloadStart + headerBytes));
  return isFastBatchReply(original) ? original : "";
}

function endsWith(buf: Buffer, end: number, suffix: Buffer): boolean {
  for (let i = 1; i <= suffix.length; i++) if (buf[end - i] !== suffix[suffix.length - i]) return false;
  return true;
}

/** The reply subject of a request from another account, as its client gave it; empty: it is not known. */
function originalReply(headers: string): string {
  const start = headers.indexOf(`\r\n${REQUEST_INFO}:`);
  if (start < 0) return "";
  const value = start + REQUEST_INFO.length + 3;
  try {
    const info: unknown = JSON.parse(headers.slice(value, headers.indexOf("\r\n", value)));
    if (typeof info !== "object" || info === null || !("reply" in info)) return "";
    return typeof info.reply === "string" ? info.reply : "";
  } catch {
    return "";
  }
}
