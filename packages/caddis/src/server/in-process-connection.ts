import type { Bytes } from "../base/bytes.ts";
import type { PipeEvents, UnattachedPipe } from "../io/pipe.ts";

/** What an in-process connection tells the application. Never called before `openInProcess` has returned. */
export interface InProcessHandlers {
  /** Bytes from the server, in order; they belong to the application. */
  onData(bytes: Uint8Array): void;
  /** The connection is over, whoever ended it. Nothing follows. */
  onClose(): void;
}

/** The application's end of a connection inside the process; it carries the bytes of the client protocol. */
export interface InProcessConnection {
  /** Sends bytes. They must not be changed afterwards: while the server takes nothing, they wait where they are. */
  send(bytes: Uint8Array): void;
  /** Stops `onData`, so that the server's output piles up; bytes already being handed over are not affected. */
  pause(): void;
  resume(): void;
  /** Ends the connection after what was sent has been read; `onClose` follows. */
  end(): void;
  /** Drops the connection; `onClose` follows. */
  destroy(): void;
}

/** Puts an application's handlers on the client's end of a pair. */
export function openInProcessConnection(
  pipe: UnattachedPipe,
  handlers: InProcessHandlers,
): InProcessConnection {
  return new PipeConnection(pipe, handlers);
}

/** Keeps a pipe's rule that one write is outstanding at most: further ones wait here. */
class PipeConnection implements InProcessConnection, PipeEvents {
  readonly #pipe: UnattachedPipe;
  readonly #handlers: InProcessHandlers;
  #waiting: Buffer[] = [];
  #isWriting = false;
  /**
   * open ── end ──▶ ending ── all written ──▶ ended ── the server closes ──▶ over. `destroy` and the server's
   * close lead to over at once; before, what the server still sends is handed over.
   */
  #state: "open" | "ending" | "ended" | "over" = "open";

  constructor(pipe: UnattachedPipe, handlers: InProcessHandlers) {
    this.#pipe = pipe;
    this.#handlers = handlers;
    pipe.attach(this);
  }

  send(bytes: Uint8Array): void {
    if (this.#state !== "open") return;
    const buf = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#isWriting) this.#waiting.push(buf);
    else this.#isWriting = !this.#pipe.write(buf, buf.length);
  }

  pause(): void {
    this.#pipe.pause();
  }

  resume(): void {
    this.#pipe.resume();
  }

  end(): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    if (!this.#isWriting) this.#finish();
  }

  destroy(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#waiting = [];
    this.#pipe.destroy();
  }

  onData(input: Bytes, length: number): void {
    // The pipe hands over what came in the turn of `destroy`.
    if (this.#state === "over") return;
    // The pipe's bytes are valid during this call only.
    this.#handlers.onData(Uint8Array.prototype.slice.call(input.buf, 0, length));
  }

  onWritten(): void {
    this.#isWriting = false;
    const bufs = this.#waiting;
    if (bufs.length > 0) {
      this.#waiting = [];
      const lengths = bufs.map((buf) => buf.length);
      this.#isWriting = !this.#pipe.writeAll(bufs, lengths);
    }
    if (this.#state === "ending" && !this.#isWriting) this.#finish();
  }

  onClosed(): void {
    this.#state = "over";
    this.#waiting = [];
    this.#handlers.onClose();
  }

  #finish(): void {
    this.#state = "ended";
    this.#pipe.end();
  }
}
