import type { Connection } from "./connection.ts";
import type { Block } from "./traffic.ts";

/** Most bytes handed to the socket in one write: large enough that system calls do not count. */
const WRITE_BYTES_MAX = 1024 * 1024;

/** Writes preformatted operations as fast as the server reads them, never more than one write ahead. */
export class Publisher {
  readonly connection: Connection;
  readonly #block: Block;
  /** Where in the block the next write starts. Carries on over calls, and so does the rotation. */
  #position = 0;
  #remainingBytes = 0;
  #onWritten: (() => void) | undefined;

  constructor(connection: Connection, block: Block) {
    this.connection = connection;
    this.#block = block;
    connection.socket.on("drain", () => this.#pump());
  }

  /** Writes the next `messages` operations; resolves once the last one is handed to the socket. */
  write(messages: number): Promise<void> {
    return new Promise((resolve) => {
      this.#remainingBytes = messages * this.#block.operationBytes;
      this.#onWritten = resolve;
      this.#pump();
    });
  }

  #pump(): void {
    const { bytes } = this.#block;
    while (this.#remainingBytes > 0) {
      const count = Math.min(WRITE_BYTES_MAX, bytes.length - this.#position, this.#remainingBytes);
      const part = bytes.subarray(this.#position, this.#position + count);
      this.#position = (this.#position + count) % bytes.length;
      this.#remainingBytes -= count;
      if (!this.connection.socket.write(part)) break;
    }
    if (this.#remainingBytes === 0) this.#onWritten?.();
  }
}
