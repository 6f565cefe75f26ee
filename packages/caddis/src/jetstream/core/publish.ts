import { PublishHeaders } from "./publish-headers.ts";

/** What a message rolls up: nothing, the earlier messages of its subject, or all earlier messages. */
export type Rollup = "" | "sub" | "all";

/**
 * A message that wants to be stored: ranges of bytes that are valid while it is decided about and stored, and what
 * the decision found out. One object per stream is filled anew for each.
 */
export class Publish {
  /** Where it is stored under, a wire string, without wildcards. */
  subject = "";
  /** `buf[headersStart, payloadStart)` are the headers, `buf[payloadStart, payloadEnd)` the payload. */
  buf: Buffer = NOTHING;
  headersStart = 0;
  payloadStart = 0;
  payloadEnd = 0;
  timeMs = 0;
  timeNs = 0;
  readonly headers = new PublishHeaders();
  /** It comes from another stream, which has checked it, and is stored word for word. */
  isSourced = false;
  /** Its batch has been checked as a whole: what `decideChecked` leaves out is not asked again. */
  isChecked = false;

  /** `Nats-Msg-Id`; empty: none. */
  msgId = "";
  rollup: Rollup = "";
  /** `parseMessageTtl`. */
  ttlSeconds = 0;
  /** For the verdict `duplicate`: the sequence of the message that was there before. */
  duplicateOf = 0;
  /** For a counter: its value with this message, in decimal, for the acknowledgement; else null. */
  counterValue: string | null = null;

  get headerBytes(): number {
    return this.payloadStart - this.headersStart;
  }

  get payloadBytes(): number {
    return this.payloadEnd - this.payloadStart;
  }

  /** Forgets what was found out about the message before, and reads the headers of this one. */
  begin(): void {
    this.isSourced = false;
    this.isChecked = false;
    this.forgetFindings();
    if (this.headerBytes > 0) this.headers.read(this.buf, this.headersStart, this.payloadStart);
    else if (this.headers.isAny) this.headers.clear();
  }

  forgetFindings(): void {
    this.msgId = "";
    this.rollup = "";
    this.ttlSeconds = 0;
    this.duplicateOf = 0;
    this.counterValue = null;
  }

  /** The header block, a wire string; empty: none. */
  headerText(): string {
    return this.buf.latin1Slice(this.headersStart, this.payloadStart);
  }

  /** The same message with other headers, a wire string, and the payload it has. */
  setHeaders(headers: string): void {
    this.setContent(headers, this.buf.subarray(this.payloadStart, this.payloadEnd));
  }

  /** The same message with other headers, a wire string, and another payload, which is copied. */
  setContent(headers: string, payload: Uint8Array): void {
    const buf = Buffer.allocUnsafe(headers.length + payload.length);
    buf.latin1Write(headers, 0);
    buf.set(payload, headers.length);
    this.buf = buf;
    this.headersStart = 0;
    this.payloadStart = headers.length;
    this.payloadEnd = buf.length;
    this.headers.read(buf, 0, headers.length);
  }
}

const NOTHING = Buffer.alloc(0);
