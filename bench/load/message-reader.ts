/** A message as it lies in what was read: ranges that are valid during the call only. */
export interface MessageRange {
  readonly bytes: Buffer;
  /** Of the control line, without its CR LF; begins with `MSG` or `HMSG`. */
  readonly lineStart: number;
  readonly lineEnd: number;
  /** Header block and payload together. */
  readonly bodyStart: number;
  readonly bodyEnd: number;
}

const CR = 0x0d;
const SPACE = 0x20;
const ZERO = 0x30;
const LETTER_M = 0x4d;
const LETTER_H = 0x48;
const LETTER_P = 0x50;
/** `PING` and `PONG` with CR LF. */
const CONTROL_BYTES = 6;

/** Cuts messages of any size out of what a connection reads, and skips the PINGs and PONGs between them. */
export class MessageReader {
  readonly #onMessage: (message: MessageRange) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(onMessage: (message: MessageRange) => void) {
    this.#onMessage = onMessage;
  }

  /** Reads the next bytes of the stream. Throws on what is no message, PING or PONG. */
  push(read: Buffer): void {
    const bytes = this.#rest.length === 0 ? read : Buffer.concat([this.#rest, read]);
    const end = this.#cut(bytes);
    this.#rest = end === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(end));
  }

  /** Returns where the first incomplete one begins. */
  #cut(bytes: Buffer): number {
    let position = 0;
    while (position < bytes.length) {
      const letter = bytes[position];
      if (letter === LETTER_P) {
        if (bytes.length - position < CONTROL_BYTES) return position;
        position += CONTROL_BYTES;
        continue;
      }
      if (letter !== LETTER_M && letter !== LETTER_H) {
        throw new Error(`expected a message, got ${bytes.toString("latin1", position, position + 120)}`);
      }
      const lineEnd = bytes.indexOf(CR, position);
      if (lineEnd < 0) return position;
      const bodyStart = lineEnd + 2;
      const bodyEnd = bodyStart + sizeBefore(bytes, lineEnd);
      if (bodyEnd + 2 > bytes.length) return position;
      this.#onMessage({ bytes, lineStart: position, lineEnd, bodyStart, bodyEnd });
      position = bodyEnd + 2;
    }
    return position;
  }
}

/** The number that a control line ends with. */
function sizeBefore(bytes: Buffer, lineEnd: number): number {
  let size = 0;
  let scale = 1;
  for (let i = lineEnd - 1; bytes[i] !== SPACE; i--) {
    size += (bytes[i] - ZERO) * scale;
    scale *= 10;
  }
  return size;
}

/** The reply subject of a message whose control line has one. */
export function replyOf({ bytes, lineStart, lineEnd }: MessageRange): string {
  return bytes.toString("latin1", lineStart, lineEnd).split(" ")[3];
}
