import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { assert } from "../../base/assert.ts";
import type { Bytes } from "../../base/bytes.ts";
import type { CloseStatus, PipeEvents, UnattachedPipe } from "../pipe.ts";
import type { Framing, MessageLimits } from "../websocket.ts";
import type { RawDeflater, RawInflater } from "./raw-deflate.ts";
import { plainAddress } from "./tcp.ts";
import { limitMessages, takeCompressed, unmaskFaster } from "./websocket-inside.ts";

/** Shorter messages are not worth it; as in the reference. */
const COMPRESSED_BYTES_MIN = 65;

const MESSAGE = { binary: true, compress: false, fin: true };

/** Parts of the first byte of a frame; RFC 6455, 5.2. */
const FINAL = 0x80;
const COMPRESSED = 0x40;
const BINARY = 0x02;

const NOTHING = Buffer.alloc(0);

export interface WebsocketPipeOptions {
  readonly framing: Framing;
  readonly limits: MessageLimits;
  /** Where messages are gathered; all pipes of a listener share it. */
  readonly input: Bytes;
  readonly isSecure: boolean;
  readonly inflater: RawInflater;
  readonly deflater: RawDeflater;
}

/** Status codes of RFC 6455, 7.4.1. */
const NOT_AS_ANNOUNCED = 1007;
const TOO_BIG = 1009;

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
  readonly #inflater: RawInflater;
  readonly #deflater: RawDeflater;
  /** Largest message, as it is inflated. */
  #bytesMax: number;
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
    this.#inflater = options.inflater;
    this.#deflater = options.deflater;
    this.#bytesMax = options.limits.stranger;
    this.remoteHost = plainAddress(socket.remoteAddress ?? "");
    this.remotePort = socket.remotePort ?? 0;
    limitMessages(websocket, this.#bytesMax);
    unmaskFaster(websocket);
    takeCompressed(websocket, (data) => this.#onCompressed(data));
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
    this.#bytesMax = this.#limits.admitted;
    limitMessages(this.#websocket, this.#bytesMax);
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
    if (this.#isSecure) {
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
    if (this.#compresses && data.length >= COMPRESSED_BYTES_MIN) {
      this.#sendCompressed(data, onSent);
      return;
    }
    const { frameBytesMax } = this.#framing;
    let start = 0;
    if (frameBytesMax > 0 && data.length > frameBytesMax) {
      this.#socket.cork();
      // Messages of their own: nobody waits for the next one to use what is in this one.
      for (; data.length - start > frameBytesMax; start += frameBytesMax) {
        this.#websocket.send(data.subarray(start, start + frameBytesMax), MESSAGE);
      }
      this.#websocket.send(data.subarray(start), MESSAGE, onSent);
      this.#socket.uncork();
    } else {
      this.#websocket.send(data, MESSAGE, onSent);
    }
  }

  /** Past `websocket`, which would leave compressing to threads, too. */
  #sendCompressed(data: Buffer, onSent?: (error?: Error | null) => void): void {
    const message = this.#deflater.deflate(data);
    const { frameBytesMax, cutsCompressed } = this.#framing;
    const bytesMax = frameBytesMax > 0 && cutsCompressed ? frameBytesMax : message.length;
    this.#socket.cork();
    for (let start = 0; start < message.length; start += bytesMax) {
      const part = message.subarray(start, start + bytesMax);
      const isLast = start + bytesMax >= message.length;
      this.#socket.write(compressedHead(part.length, start === 0, isLast));
      this.#socket.write(part, isLast ? onSent : undefined);
    }
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
    // Behind a compressed one it comes in a turn of its own.
    if (!this.#isReading) this.#handOver();
  }

  /** A message that is still to be inflated: it is handed over as it gets ready. */
  #onCompressed(data: Buffer): void {
    this.#handOver();
    const input = this.#input;
    const output = input.buf.subarray(0, input.capacity);
    const end = this.#inflater.inflate(data, this.#bytesMax, output, (length) =>
      this.#events?.onData(input, length),
    );
    if (end === "whole" || this.#events === null) return;
    this.#websocket.close(end === "corrupt" ? NOT_AS_ANNOUNCED : TOO_BIG);
    this.#onFault(new Error(`compressed message is ${end}`));
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

/** The head of one frame of a compressed message. */
function compressedHead(length: number, isFirst: boolean, isLast: boolean): Buffer {
  const first = (isLast ? FINAL : 0) | (isFirst ? COMPRESSED | BINARY : 0);
  if (length < 126) return Buffer.from([first, length]);
  const head = Buffer.allocUnsafe(length < 65_536 ? 4 : 10);
  head[0] = first;
  head[1] = length < 65_536 ? 126 : 127;
  if (length < 65_536) head.writeUInt16BE(length, 2);
  else head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}
