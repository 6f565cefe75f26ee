import type { Connection, FailureHandler } from "./connection.ts";
import { FrameReader } from "./frames.ts";
import type { Block } from "./traffic.ts";

const PING = "PING\r\n";
const PONG = "PONG\r\n";

/** Where a PONG is looked for: the end of what arrived, with room for a PING of the server behind it. */
const TAIL_BYTES = 2 * PONG.length;

/** What a subscriber tells the load it belongs to. */
export interface SubscriberEvents {
  /** That many bytes have arrived. */
  readonly onBytes: (byteCount: number) => void;
  /** The connection failed, or something arrived that was not expected. */
  readonly onFailure: FailureHandler;
}

/**
 * Counts what arrives by its bytes. The first message is compared byte for byte, or all of them when
 * `verifyAll` is set; otherwise a message costs nothing but its share of a read.
 */
export class Subscriber {
  /** Everything received so far: messages, and the PINGs and PONGs between them. */
  receivedBytes = 0;
  readonly #connection: Connection;
  readonly #events: SubscriberEvents;
  readonly #frames: FrameReader;
  readonly #verifyCount: number;
  /** While draining: the last bytes that arrived, and whom to tell about the PONG. */
  #tail = "";
  #onPong: (() => void) | undefined;

  constructor(connection: Connection, expected: Block, verifyAll: boolean, events: SubscriberEvents) {
    this.#connection = connection;
    this.#events = events;
    this.#verifyCount = verifyAll ? Infinity : 1;
    this.#frames = new FrameReader(expected.operationBytes, (frame, index) => {
      if (index < this.#verifyCount) verify(frame, index, expected);
    });
    connection.listen((chunk) => this.#onChunk(chunk), events.onFailure);
  }

  /** Resolves when the server has nothing left to send: it has answered a PING. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#tail = "";
      this.#onPong = resolve;
      this.#connection.write(PING);
    });
  }

  #onChunk(chunk: Buffer): void {
    this.receivedBytes += chunk.length;
    if (this.#frames.frameCount < this.#verifyCount) {
      this.#frames.push(chunk);
    }
    if (this.#onPong !== undefined) {
      this.#tail = (this.#tail + chunk.subarray(-TAIL_BYTES).toString("latin1")).slice(-TAIL_BYTES);
      if (this.#tail.includes(PONG)) {
        this.#onPong();
        this.#onPong = undefined;
      }
    }
    this.#events.onBytes(chunk.length);
  }
}

/** Throws unless `frame` is message `index` of the expected rotation. */
function verify(frame: Buffer, index: number, { bytes, operationBytes }: Block): void {
  const start = (index * operationBytes) % bytes.length;
  if (frame.compare(bytes, start, start + operationBytes) === 0) return;
  const wanted = bytes.toString("latin1", start, start + Math.min(operationBytes, 100));
  throw new Error(
    `message ${index} is ${JSON.stringify(frame.toString("latin1", 0, 100))}, not ${JSON.stringify(wanted)}`,
  );
}
