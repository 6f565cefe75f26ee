/** Frames of RFC 6455, to the letter or against it. */

export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
  readonly isFinal: boolean;
  /** RSV1: the message is compressed. */
  readonly isCompressed: boolean;
}

/** What a frame is to be like; by default a final, masked one with the length that it has. */
export interface FrameShape {
  readonly isFinal?: boolean;
  /** Bits of RSV1 to RSV3, as they stand in the first byte (0x40, 0x20, 0x10). */
  readonly reserved?: number;
  readonly isMasked?: boolean;
  /** The length to claim; nothing else follows than the payload. */
  readonly claims?: bigint;
}

const MASK = Buffer.from([0x12, 0x34, 0x56, 0x78]);

/** A frame as a client sends it. */
export function frame(opcode: number, payload: string | Uint8Array = "", shape: FrameShape = {}): Buffer {
  const data = typeof payload === "string" ? Buffer.from(payload, "latin1") : Buffer.from(payload);
  const { isFinal = true, reserved = 0, isMasked = true, claims } = shape;
  const maskBit = isMasked ? 0x80 : 0;
  const first = (isFinal ? 0x80 : 0) | reserved | opcode;
  const length = claims ?? BigInt(data.length);
  let head: Buffer;
  if (length < 126n) head = Buffer.from([first, maskBit | Number(length)]);
  else if (length < 65_536n) {
    head = Buffer.from([first, maskBit | 126, 0, 0]);
    head.writeUInt16BE(Number(length), 2);
  } else {
    head = Buffer.alloc(10);
    head[0] = first;
    head[1] = maskBit | 127;
    head.writeBigUInt64BE(length, 2);
  }
  return isMasked ? Buffer.concat([head, MASK, masked(data)]) : Buffer.concat([head, data]);
}

/** The payload of a close frame. */
export function closePayload(code: number, reason: string | Uint8Array = ""): Buffer {
  const status = Buffer.alloc(2);
  status.writeUInt16BE(code);
  return Buffer.concat([status, typeof reason === "string" ? Buffer.from(reason) : reason]);
}

function masked(data: Buffer): Buffer {
  const result = Buffer.allocUnsafe(data.length);
  for (let i = 0; i < data.length; i++) result[i] = data[i] ^ MASK[i & 3];
  return result;
}

/** Takes the first whole frame of a server off `bytes`; null while there is none. Throws on a masked one. */
export function takeFrame(bytes: Buffer): { readonly frame: Frame; readonly rest: Buffer } | null {
  if (bytes.length < 2) return null;
  const [first, second] = bytes;
  if ((second & 0x80) !== 0) throw new Error("a server does not mask");
  const short = second & 0x7f;
  const start = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (bytes.length < start) return null;
  const length =
    short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short;
  if (bytes.length < start + length) return null;
  return {
    frame: {
      opcode: first & 0x0f,
      isFinal: (first & 0x80) !== 0,
      isCompressed: (first & 0x40) !== 0,
      payload: bytes.subarray(start, start + length),
    },
    rest: bytes.subarray(start + length),
  };
}
