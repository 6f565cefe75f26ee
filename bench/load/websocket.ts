import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import type { Block } from "./traffic.ts";

/** How connections come: the plain protocol, or WebSocket without and with permessage-deflate. */
export type Carriage = "tcp" | "websocket" | "websocket-deflate";

/** Operations in one frame of a publisher: some 16 KiB at 128 B, as clients flush them. */
export const OPERATIONS_PER_FRAME = 128;

const BINARY_FINAL = 0x82;
const COMPRESSED = 0x40;
const MASK_BIT = 0x80;
/** Any key but zero, which would be no work. */
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

const CONTROL_OPCODES_FROM = 8;
const CLOSE = 8;

/** What ends a compressed message that is flushed, and is left out of it. */
const FLUSH_TAIL = Buffer.from([0, 0, 0xff, 0xff]);

/** The request for an upgrade at `port`. */
export function upgradeRequest(port: number, carriage: Carriage): string {
  const lines = [
    "GET / HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    ...(carriage === "websocket-deflate" ? ["Sec-WebSocket-Extensions: permessage-deflate"] : []),
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** One masked frame around `data`. */
export function frameOf(data: Buffer, carriage: Carriage): Buffer {
  const isCompressed = carriage === "websocket-deflate" && data.length > 64;
  const payload = isCompressed ? deflate(data) : Buffer.from(data);
  for (let i = 0; i < payload.length; i++) payload[i] ^= MASK[i & 3];
  const first = BINARY_FINAL | (isCompressed ? COMPRESSED : 0);
  let head: Buffer;
  if (payload.length < 126) head = Buffer.from([first, MASK_BIT | payload.length]);
  else if (payload.length < 65_536) {
    head = Buffer.from([first, MASK_BIT | 126, 0, 0]);
    head.writeUInt16BE(payload.length, 2);
  } else {
    head = Buffer.alloc(10);
    head[0] = first;
    head[1] = MASK_BIT | 127;
    head.writeBigUInt64BE(BigInt(payload.length), 2);
  }
  return Buffer.concat([head, MASK, payload]);
}

function deflate(data: Buffer): Buffer {
  const bytes = deflateRawSync(data, { level: 1, finishFlush: constants.Z_SYNC_FLUSH });
  return bytes.subarray(0, -FLUSH_TAIL.length);
}

/**
 * A block of frames, `OPERATIONS_PER_FRAME` operations in each. All frames have the same length, since the
 * operations of a frame are the same; so `block` has one operation, repeated.
 */
export function framedBlock(block: Block, carriage: Carriage): Block {
  if (carriage === "tcp") return block;
  const operation = block.bytes.subarray(0, block.operationBytes);
  const frame = frameOf(Buffer.concat(Array<Buffer>(OPERATIONS_PER_FRAME).fill(operation)), carriage);
  const times = Math.ceil(block.bytes.length / frame.length);
  return {
    bytes: Buffer.concat(Array<Buffer>(times).fill(frame)),
    operationBytes: frame.length / OPERATIONS_PER_FRAME,
  };
}

/** Takes what is in the messages out of a stream of a server's frames; throws on a close frame. */
export class Unframer {
  readonly #onData: (data: Buffer) => void;
  #head = Buffer.alloc(0);
  #remaining = 0;
  #isControl = false;
  #isCompressed = false;
  #isFinal = true;
  #parts: Buffer[] = [];

  /** `onData` gets pieces whose bytes are valid during the call only. */
  constructor(onData: (data: Buffer) => void) {
    this.#onData = onData;
  }

  push(chunk: Buffer): void {
    let position = 0;
    while (position < chunk.length) {
      if (this.#remaining === 0) {
        const taken = this.#takeHead(chunk.subarray(position));
        if (taken < 0) return;
        position += taken;
        if (this.#remaining === 0) this.#endFrame();
      } else {
        const end = Math.min(chunk.length, position + this.#remaining);
        this.#remaining -= end - position;
        this.#take(chunk.subarray(position, end));
        position = end;
        if (this.#remaining === 0) this.#endFrame();
      }
    }
  }

  /** Reads a frame's head off `bytes` and says how many of them it has; -1: it is not whole yet, and kept. */
  #takeHead(bytes: Buffer): number {
    const kept = this.#head.length;
    const head = kept === 0 ? bytes : Buffer.concat([this.#head, bytes.subarray(0, 10)]);
    const short = head.length < 2 ? 0 : head[1] & 0x7f;
    const size = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (head.length < size) {
      this.#head = Buffer.from(head);
      return -1;
    }
    this.#head = Buffer.alloc(0);
    const opcode = head[0] & 0x0f;
    if (opcode === CLOSE) throw new Error("the server closed the WebSocket");
    this.#isControl = opcode >= CONTROL_OPCODES_FROM;
    this.#isFinal = (head[0] & 0x80) !== 0;
    if (opcode !== 0) this.#isCompressed = (head[0] & COMPRESSED) !== 0;
    this.#remaining =
      short === 127 ? Number(head.readBigUInt64BE(2)) : short === 126 ? head.readUInt16BE(2) : short;
    return size - kept;
  }

  #take(data: Buffer): void {
    if (this.#isControl) return;
    if (this.#isCompressed) this.#parts.push(Buffer.from(data));
    else this.#onData(data);
  }

  #endFrame(): void {
    if (!this.#isCompressed || !this.#isFinal || this.#isControl) return;
    const message = Buffer.concat([...this.#parts, FLUSH_TAIL]);
    this.#parts = [];
    this.#onData(inflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH }));
  }
}
