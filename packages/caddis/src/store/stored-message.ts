const NOTHING = Buffer.alloc(0);

/**
 * A message in a store, as one read of it brings it: ranges of `buf` and `subjectBuf` that are valid until the next
 * call to any store. One object is filled anew for each read. Headers and payload follow each other:
 * `buf[headersStart, payloadStart)` is the header block (`NATS/1.0 CR LF …`, empty: none), then the payload.
 */
export class StoredMessage {
  seq = 0;
  timeMs = 0;
  timeNs = 0;
  buf: Buffer = NOTHING;
  headersStart = 0;
  payloadStart = 0;
  payloadEnd = 0;
  /** Where the subject's bytes are. */
  subjectBuf: Buffer = NOTHING;
  subjectStart = 0;
  subjectEnd = 0;
  /** The subject that was asked for last, as text: mostly the next one is the same. */
  #text = "";
  /** For subjects that a store knows as text. */
  #written = NOTHING;

  /** The subject, a wire string; made when it is asked for. */
  get subject(): string {
    const { subjectBuf, subjectStart, subjectEnd } = this;
    // Comparing costs less than a string, and leaves no garbage.
    if (!isText(this.#text, subjectBuf, subjectStart, subjectEnd))
      this.#text = subjectBuf.latin1Slice(subjectStart, subjectEnd);
    return this.#text;
  }

  set subject(text: string) {
    this.#text = text;
    if (this.#written.length < text.length) this.#written = Buffer.allocUnsafeSlow(2 * text.length);
    this.subjectBuf = this.#written;
    this.subjectStart = 0;
    this.subjectEnd = this.#written.latin1Write(text, 0);
  }
}

/** Whether `buf[start, end)` is the wire string `text`. */
function isText(text: string, buf: Buffer, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  // From the end: that is where subjects differ.
  for (let i = text.length - 1; i >= 0; i--) if (text.charCodeAt(i) !== buf[start + i]) return false;
  return true;
}
