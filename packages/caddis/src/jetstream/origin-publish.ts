import type { Message } from "../broker/message.ts";
import { withHeader } from "./core/header-edit.ts";
import { tidied } from "./core/origin-headers.ts";
import { Publish } from "./core/publish.ts";

/** Scratch that is larger is not kept. */
const KEPT_BYTES_MAX = 1024 * 1024;
const MIN_BYTES = 4096;

/** Makes of messages that an origin delivers what is to be stored; one object is filled anew for each. */
export class OriginPublish {
  readonly publish = new Publish();
  readonly #isMirror: boolean;
  #scratch = Buffer.alloc(0);

  constructor(isMirror: boolean) {
    this.#isMirror = isMirror;
  }

  /**
   * Reads `message`, which is to be stored under `subject`, with `sourceHeader` as its `Nats-Stream-Source` (empty:
   * none). Ranges are valid until the message's are not, or the next is read. Wire strings.
   */
  read(message: Message, subject: string, sourceHeader: string, timeMs: number, timeNs: number): Publish {
    const { publish } = this;
    publish.subject = subject;
    publish.timeMs = timeMs;
    publish.timeNs = timeNs;
    publish.buf = message.input.buf;
    publish.headersStart = message.payloadStart;
    publish.payloadStart = message.payloadStart + message.headerBytes;
    publish.payloadEnd = message.payloadEnd;
    if (message.headerBytes > 0 || sourceHeader !== "") this.#setHeaders(sourceHeader);
    publish.begin();
    publish.isSourced = true;
    return publish;
  }

  #setHeaders(sourceHeader: string): void {
    const { publish } = this;
    const own = publish.headerText();
    const rest = tidied(own, this.#isMirror);
    const headers = sourceHeader === "" ? rest : withHeader(rest, "Nats-Stream-Source", sourceHeader);
    if (headers === own) return;
    const { payloadStart, payloadEnd } = publish;
    const size = headers.length + payloadEnd - payloadStart;
    const scratch = this.#scratchFor(size);
    scratch.latin1Write(headers, 0);
    publish.buf.copy(scratch, headers.length, payloadStart, payloadEnd);
    publish.buf = scratch;
    publish.headersStart = 0;
    publish.payloadStart = headers.length;
    publish.payloadEnd = size;
  }

  #scratchFor(size: number): Buffer {
    if (size <= this.#scratch.length) return this.#scratch;
    const scratch = Buffer.allocUnsafeSlow(Math.max(MIN_BYTES, 2 * size));
    if (scratch.length <= KEPT_BYTES_MAX) this.#scratch = scratch;
    return scratch;
  }
}
