import { assert } from "../base/assert.ts";
import { Bytes } from "../base/bytes.ts";
import { SIZE_DIGITS_MAX } from "../base/limits.ts";
import { parseSize, splitArguments } from "./arguments.ts";
import type { ClientOps, ParseFault } from "./operations.ts";
import { Tail } from "./tail.ts";
import { type Verb, VERB_BYTES_MAX, VERBS, type VerbSpelling } from "./verbs.ts";

/**
 * Cuts the bytes of one client connection into operations of the NATS client protocol and hands their
 * parts to a `ClientOps` as offsets, without copying or allocating for a publish.
 *
 * A read that ends inside an operation leaves that operation's bytes in the *tail*; the next read adds
 * just what completes it there, and everything after it is parsed in place again. So a byte is copied
 * at most once, and a connection without a partial operation keeps no buffer.
 *
 * The protocol, as the reference server reads it: verbs in any case; arguments separated by runs of
 * space or tab; a line ends with LF, a CR right before it is dropped; a payload is followed by exactly
 * CR LF. The limit on the control line counts the argument bytes only.
 */

/** Where a parser stands: it stops in the middle of its input as soon as it is no longer running. */
export type ParserState = "running" | "suspended" | "ended";

const SPACE = 0x20;
const TAB = 0x09;
const CR = 0x0d;
const LF = 0x0a;
const ZERO = 0x30;

export class ClientParser {
  state: ParserState = "running";
  /** True while the peer may say nothing but CONNECT. */
  connectOnly = false;
  /** Asked before another operation is refused for that: may let the peer in, or have it wait. */
  onUnannounced: (() => void) | null = null;
  /** Report control lines to `onTrace`. */
  tracing = false;
  /** Report publishes to `onPubLine` before their payload. On until a CONNECT says otherwise. */
  pedantic = true;
  maxControlLine: number;
  /** Negative: no limit. */
  maxPayload: number;
  headersEnabled: boolean;

  readonly #ops: ClientOps;
  /** Bytes of the operation that the last read cut short; null while there is none. */
  #tail: Tail | null = null;
  /** How many bytes the operation at hand needs in all, 0 while its control line is not complete. */
  #needed = 0;
  /** Of the incomplete line at hand: separators that need not be kept, an empty range if there are none. */
  #dropStart = 0;
  #dropEnd = 0;
  /** A verb whose line is still open though nothing of it matters any more. */
  #openVerb: Verb | null = null;
  /** True from the control line of a publish until its payload is complete, so that the line counts once. */
  #lineSeen = false;
  /** Arguments of the line at hand, as pairs of start and end. */
  readonly #arguments: number[] = [];

  constructor(ops: ClientOps, maxControlLine: number, maxPayload: number, headersEnabled: boolean) {
    this.#ops = ops;
    this.maxControlLine = maxControlLine;
    this.maxPayload = maxPayload;
    this.headersEnabled = headersEnabled;
  }

  /**
   * Parses `input[start, end)`. Returns where it stopped: `end`, unless the connection suspended or
   * ended the parser meanwhile. The byte at `end` is overwritten (see `SLACK_BYTES`).
   */
  parse(input: Bytes, start: number, end: number): number {
    assert(end <= input.capacity, "input leaves room for the line feed behind it");
    // The parser's own line feed ends every scan; put back what stood there (a suspended input's next byte).
    const behind = input.buf[end];
    input.buf[end] = LF;
    let position = start;
    if (this.#tail !== null) position = this.#completeTail(input, position, end);
    if (this.#openVerb !== null) position = this.#finishOpenVerb(input, position, end);
    if (this.state === "running") position = this.#run(input, position, end);
    if (this.state === "running" && position < end) {
      this.#keepTail(input, position, end);
      position = end;
    }
    input.buf[end] = behind;
    return position;
  }

  /** How much memory the partial operation holds. */
  get tailBytes(): number {
    return this.#tail === null ? 0 : this.#tail.bytes.capacity;
  }

  /** Asked after calls that may have changed the state. */
  get #hasEnded(): boolean {
    return this.state === "ended";
  }

  /** Drops the partial operation. */
  release(): void {
    this.#tail = null;
    this.#needed = 0;
  }

  /** Parses whole operations from `start`; returns the start of the first incomplete one, or `end`. */
  #run(input: Bytes, start: number, end: number): number {
    const buf = input.buf;
    const ops = this.#ops;
    let position = start;
    let plain = !this.connectOnly && !this.tracing && !this.pedantic;
    while (position < end && this.state === "running") {
      // The common publish: `PUB subject [reply] size CR LF payload CR LF` with single spaces, complete.
      if (
        plain &&
        buf[position] === 0x50 &&
        buf[position + 1] === 0x55 &&
        buf[position + 2] === 0x42 &&
        buf[position + 3] === SPACE
      ) {
        const subjectStart = position + 4;
        let i = subjectStart;
        while (buf[i] > SPACE) i++;
        if (buf[i] === SPACE && i > subjectStart) {
          const subjectEnd = i;
          let replyStart = 0;
          let replyEnd = 0;
          let suffixStart = ++i;
          let size = 0;
          let digit = buf[i] - ZERO;
          while (digit >= 0 && digit <= 9) {
            size = size * 10 + digit;
            digit = buf[++i] - ZERO;
          }
          if (buf[i] !== CR) {
            while (buf[i] > SPACE) i++;
            if (buf[i] === SPACE && i > suffixStart) {
              replyStart = suffixStart;
              replyEnd = i;
              suffixStart = ++i;
              size = 0;
              digit = buf[i] - ZERO;
              while (digit >= 0 && digit <= 9) {
                size = size * 10 + digit;
                digit = buf[++i] - ZERO;
              }
            } else {
              // Neither a size nor a reply before one: the condition below leaves it to the slow way.
              i = suffixStart;
            }
          }
          const payloadStart = i + 2;
          const payloadEnd = payloadStart + size;
          if (
            buf[i] === CR &&
            buf[i + 1] === LF &&
            i > suffixStart &&
            i - suffixStart <= SIZE_DIGITS_MAX &&
            payloadEnd + 2 <= end &&
            buf[payloadEnd] === CR &&
            buf[payloadEnd + 1] === LF &&
            i - subjectStart <= this.maxControlLine &&
            (size <= this.maxPayload || this.maxPayload < 0)
          ) {
            ops.onPub(
              input,
              subjectStart,
              subjectEnd,
              replyStart,
              replyEnd,
              0,
              suffixStart,
              payloadStart,
              payloadEnd,
            );
            position = payloadEnd + 2;
            continue;
          }
        }
      }
      let next = plain && buf[position] === 0x53 ? this.#plainSub(buf, position, end) : -1;
      if (next < 0) next = this.#operation(input, position, end);
      if (next < 0) return position;
      position = next;
      plain = !this.connectOnly && !this.tracing && !this.pedantic;
    }
    return position;
  }

  /** The common `SUB subject sid CR LF` with single spaces, complete. -1 when it is anything else. */
  #plainSub(buf: Buffer, start: number, end: number): number {
    if (buf[start + 1] !== 0x55 || buf[start + 2] !== 0x42 || buf[start + 3] !== SPACE) return -1;
    const subjectStart = start + 4;
    let i = subjectStart;
    while (buf[i] > SPACE) i++;
    const subjectEnd = i;
    if (buf[i] !== SPACE || i === subjectStart) return -1;
    const sidStart = ++i;
    while (buf[i] > SPACE) i++;
    const isWhole = i > sidStart && buf[i] === CR && buf[i + 1] === LF && i + 2 <= end;
    if (!isWhole || i - subjectStart > this.maxControlLine) return -1;
    this.#ops.onSub(buf.latin1Slice(subjectStart, subjectEnd), "", buf.latin1Slice(sidStart, i));
    return i + 2;
  }

  /**
   * Parses any one operation at `start`. Returns the position behind it, or -1 when it is not complete;
   * then `#needed` says how many bytes it needs in all, 0 if that is not known yet.
   */
  #operation(input: Bytes, start: number, end: number): number {
    const buf = input.buf;
    this.#needed = 0;
    this.#dropStart = 0;
    this.#dropEnd = 0;
    if (this.connectOnly && buf[start] !== 0x43 && buf[start] !== 0x63) {
      this.onUnannounced?.();
      // It is in, or has to wait: the operation comes again. Or it is gone.
      if (this.#hasEnded) return end;
      if (!this.connectOnly || this.state !== "running") return start;
      return this.#fault("not connected", buf, start, end);
    }
    const found = this.#verb(buf, start, end);
    if (found === null) return this.state === "running" ? -1 : end;
    const { verb, argument } = found;
    let argumentStart = start + verb.length;
    if (argument !== "ignored") {
      const separated = buf[argumentStart] === SPACE || buf[argumentStart] === TAB;
      if (argumentStart < end && !separated && argument === "separated") {
        return this.#fault("unknown operation", buf, start, end);
      }
      while (argumentStart < end && (buf[argumentStart] === SPACE || buf[argumentStart] === TAB))
        argumentStart++;
      if (argumentStart >= end) return this.#incompleteLine(buf, start + verb.length, argumentStart, end);
    }
    const lineFeed = buf.indexOf(LF, argumentStart);
    if ((lineFeed < 0 || lineFeed >= end) && argument === "ignored") {
      this.#openVerb = verb;
      return end;
    }
    if (lineFeed < 0 || lineFeed >= end)
      return this.#incompleteLine(buf, start + verb.length, argumentStart, end);
    let argumentEnd = lineFeed;
    if (argumentEnd > argumentStart && buf[argumentEnd - 1] === CR) argumentEnd--;
    if (argumentEnd - argumentStart > this.maxControlLine && argument !== "ignored") {
      return this.#fault("control line too long", buf, argumentStart, argumentEnd);
    }
    if (verb === "PUB" || verb === "HPUB") {
      return this.#publish(verb, input, start, argumentStart, argumentEnd, lineFeed + 1, end);
    }
    if (this.tracing) this.#traceLine(verb, buf, argumentStart, argumentEnd);
    this.#controlLine(verb, buf, argumentStart, argumentEnd);
    return lineFeed + 1;
  }

  /** The verb at `start`, or null: incomplete, or unknown (reported; the first wrong byte is enough). */
  #verb(buf: Buffer, start: number, end: number): VerbSpelling | null {
    for (let i = 0; i < VERBS.length; i++) {
      const spelling = VERBS[i];
      const agreement = spelling.agreement(buf, start, end);
      if (agreement === spelling.bytes.length) return spelling;
      // All that is here fits, and more may come: no other verb fits it better.
      if (agreement === end - start) return null;
    }
    this.#fault("unknown operation", buf, start, end);
    return null;
  }

  /** PING, PONG and +OK end at their line feed, however much comes before it; none of that is kept. */
  #finishOpenVerb(input: Bytes, start: number, end: number): number {
    const lineFeed = input.buf.indexOf(LF, start);
    if (lineFeed >= end || this.#openVerb === null) return end;
    const verb = this.#openVerb;
    this.#openVerb = null;
    if (this.tracing) this.#traceLine(verb, input.buf, start, start);
    this.#controlLine(verb, input.buf, start, start);
    return lineFeed + 1;
  }

  /**
   * An open line is waited for as long as it may still turn out right. The separators in front of its
   * arguments have no limit, but only one of them is kept.
   */
  #incompleteLine(buf: Buffer, verbEnd: number, argumentStart: number, end: number): number {
    // A CR at the end does not count: the line may be complete but for its LF.
    const length = end - argumentStart - (buf[end - 1] === CR ? 1 : 0);
    if (length > this.maxControlLine) return this.#fault("control line too long", buf, argumentStart, end);
    if (argumentStart > verbEnd + 1) {
      this.#dropStart = verbEnd + 1;
      this.#dropEnd = argumentStart;
    }
    return -1;
  }

  #fault(fault: ParseFault, buf: Buffer, start: number, end: number): number {
    this.state = "ended";
    this.#ops.onFault(fault, buf.latin1Slice(start, Math.min(end, start + 64)));
    return end;
  }

  #traceLine(verb: Verb, buf: Buffer, argumentStart: number, argumentEnd: number): void {
    const hasArgument = verb !== "PING" && verb !== "PONG" && verb !== "+OK";
    this.#ops.onTrace(verb, hasArgument ? buf.utf8Slice(argumentStart, argumentEnd) : "");
  }

  /** Any line that no payload follows. */
  #controlLine(verb: Verb, buf: Buffer, start: number, end: number): void {
    const ops = this.#ops;
    const parts = this.#arguments;
    switch (verb) {
      case "SUB": {
        const count = splitArguments(parts, buf, start, end, true);
        if (count < 2 || count > 3) {
          this.#fault("bad arguments", buf, start, end);
          return;
        }
        const subject = buf.latin1Slice(parts[0], parts[1]);
        const queue = count === 3 ? buf.latin1Slice(parts[2], parts[3]) : "";
        const sid = buf.latin1Slice(parts[2 * count - 2], parts[2 * count - 1]);
        ops.onSub(subject, queue, sid);
        return;
      }
      case "UNSUB": {
        const count = splitArguments(parts, buf, start, end, true);
        if (count < 1 || count > 2) {
          this.#fault("bad arguments", buf, start, end);
          return;
        }
        const max = count === 2 ? parseSize(buf, parts[2], parts[3]) : 0;
        ops.onUnsub(buf.latin1Slice(parts[0], parts[1]), Math.max(max, 0));
        return;
      }
      case "PING":
        ops.onPing();
        return;
      case "PONG":
        ops.onPong();
        return;
      case "CONNECT":
        ops.onConnect(buf.utf8Slice(start, end));
        return;
      case "INFO":
        ops.onInfo(buf.utf8Slice(start, end));
        return;
      case "+OK":
        ops.onOk();
        return;
      case "-ERR":
        ops.onErr(buf.utf8Slice(start, end));
        return;
      case "PUB":
      case "HPUB":
        assert(false, "a publish has a payload");
    }
  }

  /** PUB and HPUB in any spelling; the return value is that of `#operation`. */
  #publish(
    verb: "PUB" | "HPUB",
    input: Bytes,
    start: number,
    argumentStart: number,
    argumentEnd: number,
    payloadStart: number,
    end: number,
  ): number {
    const buf = input.buf;
    const parts = this.#arguments;
    const sizes = verb === "HPUB" ? 2 : 1;
    if (verb === "HPUB" && !this.headersEnabled)
      return this.#fault("headers disabled", buf, argumentStart, argumentEnd);
    const count = splitArguments(parts, buf, argumentStart, argumentEnd, false);
    if (count < 1 + sizes || count > 2 + sizes)
      return this.#fault("bad arguments", buf, argumentStart, argumentEnd);
    const hasReply = count === 2 + sizes;
    const sizeAt = 2 * (count - sizes);
    const size = parseSize(buf, parts[2 * count - 2], parts[2 * count - 1]);
    const headerBytes = verb === "HPUB" ? parseSize(buf, parts[sizeAt], parts[sizeAt + 1]) : 0;
    if (size < 0 || headerBytes < 0 || headerBytes > size) {
      return this.#fault("bad arguments", buf, argumentStart, argumentEnd);
    }
    if (this.maxPayload >= 0 && size > this.maxPayload) {
      return this.#fault("payload too large", buf, argumentStart, argumentEnd);
    }
    const payloadEnd = payloadStart + size;
    // A wrong terminator is reported as soon as its first wrong byte is here.
    if (
      (payloadEnd < end && buf[payloadEnd] !== CR) ||
      (payloadEnd + 1 < end && buf[payloadEnd + 1] !== LF)
    ) {
      this.#acceptPublishLine(verb, input, argumentStart, argumentEnd);
      return this.#fault("unknown operation", buf, payloadEnd, end);
    }
    this.#acceptPublishLine(verb, input, argumentStart, argumentEnd);
    this.#lineSeen = payloadEnd + 2 > end;
    if (this.#lineSeen) {
      this.#needed = payloadEnd + 2 - start;
      return -1;
    }
    // An empty header block is none: what is sent on is a MSG with the total size.
    const suffixStart = headerBytes === 0 ? parts[2 * count - 2] : parts[sizeAt];
    const replyStart = hasReply ? parts[2] : 0;
    const replyEnd = hasReply ? parts[3] : 0;
    const sizesAreCanonical =
      buf[payloadStart - 2] === CR &&
      parts[2 * count - 1] + 2 === payloadStart &&
      (headerBytes === 0 ||
        (buf[parts[sizeAt + 1]] === SPACE && parts[sizeAt + 1] + 1 === parts[sizeAt + 2]));
    if (sizesAreCanonical) {
      this.#ops.onPub(
        input,
        parts[0],
        parts[1],
        replyStart,
        replyEnd,
        headerBytes,
        suffixStart,
        payloadStart,
        payloadEnd,
      );
    } else {
      this.#publishRespelled(input, hasReply, payloadStart, payloadEnd, headerBytes);
    }
    return payloadEnd + 2;
  }

  #acceptPublishLine(verb: Verb, input: Bytes, argumentStart: number, argumentEnd: number): void {
    if (this.#lineSeen) return;
    if (this.tracing) this.#traceLine(verb, input.buf, argumentStart, argumentEnd);
    if (this.pedantic) this.#ops.onPubLine(input, this.#arguments[0], this.#arguments[1]);
  }

  /** A publish whose sizes are not spelled the way they are sent on: copied into that spelling first. */
  #publishRespelled(
    input: Bytes,
    hasReply: boolean,
    payloadStart: number,
    payloadEnd: number,
    headerBytes: number,
  ): void {
    const buf = input.buf;
    const parts = this.#arguments;
    const sizeAt = hasReply ? 4 : 2;
    const total = buf.latin1Slice(parts[parts.length - 2], parts[parts.length - 1]);
    const text = headerBytes > 0 ? `${buf.latin1Slice(parts[sizeAt], parts[sizeAt + 1])} ${total}` : total;
    const subject = buf.latin1Slice(parts[0], parts[1]);
    const reply = hasReply ? buf.latin1Slice(parts[2], parts[3]) : "";
    const line = `${subject}${reply}${text}\r\n`;
    const copy = new Bytes(line.length + payloadEnd - payloadStart + 2);
    copy.buf.latin1Write(line, 0);
    buf.copy(copy.buf, line.length, payloadStart, payloadEnd + 2);
    const replyEnd = subject.length + reply.length;
    this.#ops.onPub(
      copy,
      0,
      subject.length,
      hasReply ? subject.length : 0,
      hasReply ? replyEnd : 0,
      headerBytes,
      replyEnd,
      line.length,
      line.length + payloadEnd - payloadStart,
    );
  }

  #keepTail(input: Bytes, start: number, end: number): void {
    const length = end - start - (this.#dropEnd - this.#dropStart);
    const tail = new Tail(length, this.#needed);
    if (this.#dropEnd > this.#dropStart) {
      tail.append(input, start, this.#dropStart);
      tail.append(input, this.#dropEnd, end);
    } else {
      tail.append(input, start, end);
    }
    this.#tail = tail;
  }

  /** Adds what completes the tail's operation, parses it there and returns how far `input` was used. */
  #completeTail(input: Bytes, start: number, end: number): number {
    let position = start;
    while (position < end && this.#tail !== null && this.state === "running") {
      const tail = this.#tail;
      let take: number;
      if (this.#needed > 0) {
        take = Math.min(end - position, this.#needed - tail.length);
      } else {
        // The line is open: take it up to its end, and no more than shows that it is too long.
        const lineFeed = input.buf.indexOf(LF, position);
        const lineEnd = lineFeed < 0 || lineFeed >= end ? end : lineFeed + 1;
        take = Math.min(lineEnd - position, 2 * this.maxControlLine + 2 * VERB_BYTES_MAX);
      }
      tail.reserve(tail.length + take, this.#needed);
      tail.append(input, position, position + take);
      position += take;
      // One byte before the end shows already whether the payload ends as it should.
      if (this.#needed > tail.length + 1) continue;
      const { bytes, length } = tail;
      bytes.buf[length] = LF;
      const parsed = this.#operation(bytes, 0, length);
      if (parsed < 0) {
        tail.remove(this.#dropStart, this.#dropEnd);
        continue;
      }
      assert(
        parsed === length || this.#hasEnded,
        "the tail holds exactly one operation, unless it was refused",
      );
      this.release();
    }
    return position;
  }
}
