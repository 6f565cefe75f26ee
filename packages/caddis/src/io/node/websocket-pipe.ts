import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { assert } from "../../base/assert.ts";
import type { Bytes } from "../../base/bytes.ts";
import type { CloseStatus, PipeEvents, UnattachedPipe } from "../pipe.ts";
import type { Framing, MessageLimits } from "../websocket.ts";
import { plainAddress } from "./tcp.ts";
import { limitMessages } from "./websocket-limit.ts";

/** Shorter messages are not worth it; as in the reference. */
export const COMPRESSED_BYTES_MIN = 65;

/** How much longer a frame may be than what it was made of, where that can't be compressed. */
const DEFLATE_OVERHEAD_BYTES = 16;

const PLAIN = { binary: true, compress: false, fin: true };
const COMPRESSED = { binary: true, compress: true, fin: true };
const COMPRESSED_PART = { binary: true, compress: true, fin: false };

const NOTHING = Buffer.alloc(0);

export interface WebsocketPipeOptions {
  readonly framing: Framing;
  readonly limits: MessageLimits;
  /** Where messages are gathered; all pipes of a listener share it. */
  readonly input: Bytes;
  readonly isSecure: boolean;
}

/**
 * A WebSocket as a stream of bytes: what lies in messages, however it is cut. The short messages of one read are
 * handed over together, so that what follows from them is done once.
 */
export class WebsocketPipe implements UnattachedPipe {
  readonly remoteHost: string;
  readonly remotePort: number;
  readonly #websocket: WebSocket;
  readonly #socket: Socket;
  readonly #framing: Framing;
  readonly #limits: MessageLimits;
  readonly #isSecure: boolean;
  /** Who is not let in yet has no claim to the memory that compressing takes. */
  #compresses = false;
  readonly #input: Bytes;
  /** `#input[0, #gathered)` is to be handed over. */
  #gathered = 0;
  #isReading = false;
  #events: PipeEvents | null = null;
  #failure: Error | null = null;
  #isDestroyed = false;
  readonly #onWritten = (error?: Error | null): void => {
    // After a failed write or `destroy` it is called with an error: `onClosed` follows then.
    if (!error) this.#events?.onWritten();
  };

  /** `websocket` runs over `socket`; nothing of it has been handled yet. */
  constructor(websocket: WebSocket, socket: Socket, options: WebsocketPipeOptions) {
    this.#websocket = websocket;
    this.#socket = socket;
    this.#framing = options.framing;
    this.#limits = options.limits;
    this.#input = options.input;
    this.#isSecure = options.isSecure;
    this.remoteHost = plainAddress(socket.remoteAddress ?? "");
    this.remotePort = socket.remotePort ?? 0;
    limitMessages(websocket, options.limits.stranger);
    websocket.pause();
    // Around the listener of `websocket`, which takes the messages out of a read.
    socket.prependListener("data", () => (this.#isReading = true));
    socket.on("data", () => this.#onRead());
    socket.on("error", (error) => (this.#failure ??= error));
    websocket.on("message", (data) => this.#onMessage(data as Buffer));
    websocket.on("error", (error) => this.#onFault(error));
    websocket.on("close", () => this.#onClosed());
  }

  attach(events: PipeEvents): void {
    this.#events = events;
    this.#websocket.resume();
  }

  admit(): void {
    limitMessages(this.#websocket, this.#limits.admitted);
    this.#compresses = this.#framing.compresses && this.#websocket.extensions !== "";
  }

  write(buf: Buffer, length: number): boolean {
    if (!this.#isOpen) return true;
    return this.#sendLast(buf.subarray(0, length));
  }

  writeAll(bufs: readonly Buffer[], lengths: readonly number[]): boolean {
    if (!this.#isOpen) return true;
    const last = bufs.length - 1;
    this.#socket.cork();
    for (let i = 0; i < last; i++) this.#send(bufs[i].subarray(0, lengths[i]));
    const isWritten = this.#sendLast(bufs[last].subarray(0, lengths[last]));
    this.#socket.uncork();
    return isWritten;
  }

  pause(): void {
    this.#websocket.pause();
  }

  resume(): void {
    this.#websocket.resume();
  }

  secure(): void {
    assert(false, "a WebSocket is encrypted before it is one");
  }

  end(status: CloseStatus = { code: 1000, text: "" }): void {
    this.#websocket.close(status.code, status.text);
  }

  destroy(): void {
    this.#isDestroyed = true;
    this.#websocket.terminate();
  }

  /** What is written after a close frame would be for nobody; that its peer is gone `onClosed` will say. */
  get #isOpen(): boolean {
    return this.#websocket.readyState === this.#websocket.OPEN;
  }

  /** Sends `data` and says whether it is gone already; if not, `onWritten` follows. */
  #sendLast(data: Buffer): boolean {
    if (this.#compresses || this.#isSecure) {
      this.#send(data, this.#onWritten);
      return false;
    }
    this.#send(data);
    const socket = this.#socket;
    if (socket.writableLength === 0) return true;
    // Queues behind what is outstanding. A callback of each frame would cost every one of them a tick.
    socket.write(NOTHING, this.#onWritten);
    return false;
  }

  #send(data: Buffer, onSent?: (error?: Error | null) => void): void {
    const { frameBytesMax, cutsCompressed } = this.#framing;
    const isCompressed = this.#compresses && data.length >= COMPRESSED_BYTES_MIN;
    const bytesMax = isCompressed
      ? cutsCompressed
        ? frameBytesMax - DEFLATE_OVERHEAD_BYTES
        : 0
      : frameBytesMax;
    if (bytesMax <= 0 || data.length <= bytesMax) {
      this.#websocket.send(data, isCompressed ? COMPRESSED : PLAIN, onSent);
      return;
    }
    this.#socket.cork();
    let start = 0;
    // Frames of their own: nobody waits for the next one to use what is in this one.
    const part = isCompressed ? COMPRESSED_PART : PLAIN;
    for (; data.length - start > bytesMax; start += bytesMax) {
      this.#websocket.send(data.subarray(start, start + bytesMax), part);
    }
    this.#websocket.send(data.subarray(start), isCompressed ? COMPRESSED : PLAIN, onSent);
    this.#socket.uncork();
  }

  #onRead(): void {
    this.#isReading = false;
    this.#handOver();
  }

  #onMessage(data: Buffer): void {
    const input = this.#input;
    for (let start = 0; start < data.length;) {
      if (this.#gathered === input.capacity) this.#handOver();
      const copied = data.copy(input.buf, this.#gathered, start, start + input.capacity - this.#gathered);
      this.#gathered += copied;
      start += copied;
    }
    // What was compressed comes in a turn of its own.
    if (!this.#isReading) this.#handOver();
  }

  #handOver(): void {
    const length = this.#gathered;
    if (length === 0) return;
    this.#gathered = 0;
    this.#events?.onData(this.#input, length);
  }

  /** The peer broke the rules. It is told so by `websocket`, which then ends by itself. */
  #onFault(error: Error): void {
    this.#failure ??= error;
    this.#handOver();
    this.#onClosed();
  }

  #onClosed(): void {
    const events = this.#events;
    this.#events = null;
    events?.onClosed(this.#isDestroyed ? null : this.#failure);
  }
}
