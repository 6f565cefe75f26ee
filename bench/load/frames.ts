/** What a server may send between messages. Both have the same length and letters no message starts with. */
const CONTROLS: readonly string[] = ["PING\r\n", "PONG\r\n"];
const CONTROL_BYTES = 6;

const LETTER_M = 0x4d;
const LETTER_H = 0x48;
const LETTER_P = 0x50;

/**
 * Cuts a stream of messages that all have the same size, and skips the PINGs and PONGs between them.
 * Looks at no more than the first letter of a message; the rest is the handler's part.
 */
export class FrameReader {
  /** Whole messages seen so far. */
  frameCount = 0;
  readonly #frameBytes: number;
  readonly #onFrame: (frame: Buffer, index: number) => void;
  /** The first bytes of an incomplete message, PING or PONG, and how many. */
  readonly #partial: Buffer;
  #partialBytes = 0;

  /** `onFrame` gets every message with its number; the bytes are valid during the call only. */
  constructor(frameBytes: number, onFrame: (frame: Buffer, index: number) => void) {
    this.#frameBytes = frameBytes;
    this.#onFrame = onFrame;
    this.#partial = Buffer.allocUnsafe(Math.max(frameBytes, CONTROL_BYTES));
  }

  /** Reads the next bytes of the stream. Throws on what is no message, PING or PONG. */
  push(bytes: Buffer): void {
    let position = 0;
    while (position < bytes.length) {
      const size = this.#sizeOf(this.#partialBytes > 0 ? this.#partial[0] : bytes[position], bytes, position);
      if (this.#partialBytes === 0 && bytes.length - position >= size) {
        this.#complete(bytes.subarray(position, position + size));
        position += size;
      } else {
        const copied = bytes.copy(
          this.#partial,
          this.#partialBytes,
          position,
          position + size - this.#partialBytes,
        );
        position += copied;
        this.#partialBytes += copied;
        if (this.#partialBytes < size) continue;
        this.#partialBytes = 0;
        this.#complete(this.#partial.subarray(0, size));
      }
    }
  }

  #sizeOf(firstLetter: number, bytes: Buffer, position: number): number {
    if (firstLetter === LETTER_M || firstLetter === LETTER_H) return this.#frameBytes;
    if (firstLetter === LETTER_P) return CONTROL_BYTES;
    throw new Error(
      `expected a message, got ${JSON.stringify(bytes.toString("latin1", position, position + 80))}`,
    );
  }

  #complete(frame: Buffer): void {
    if (frame[0] !== LETTER_P) {
      this.#onFrame(frame, this.frameCount);
      this.frameCount++;
    } else if (!CONTROLS.includes(frame.toString("latin1"))) {
      throw new Error(`expected a message, got ${JSON.stringify(frame.toString("latin1"))}`);
    }
  }
}
