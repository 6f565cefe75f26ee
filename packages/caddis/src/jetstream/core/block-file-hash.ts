import { createHash } from "node:crypto";

/**
 * HighwayHash with 64 bits, by which nats-server checks the records of its files. Each of its 64-bit lanes is two
 * 32-bit numbers, the low one first.
 */

const PACKET_BYTES = 32;
const KEY_BYTES = 32;
const HASH_BYTES = 8;
const FINAL_ROUNDS = 4;
/** Numbers of a vector. */
const VECTOR_NUMBERS = 8;
/** Where the vectors of four lanes each begin in the state. */
const V0 = 0;
const V1 = 8;
const MUL0 = 16;
const MUL1 = 24;
const STATE_NUMBERS = 32;

/** The algorithm's constants. */
const MUL0_START: readonly number[] = [
  0xfe4cce2f, 0xdbe6d5d5, 0x299f31d0, 0xa4093822, 0x03707344, 0x13198a2e, 0x85a308d3, 0x243f6a88,
];
const MUL1_START: readonly number[] = [
  0xcb0ef593, 0x3bd39e10, 0xb5f18a8c, 0xc0acf169, 0x34e90c6c, 0xbe5466cf, 0x38d01377, 0x452821e6,
];

/** Hashes with one key. */
export class BlockFileHash {
  readonly #key = new Int32Array(KEY_BYTES / 4);
  readonly #state = new Int32Array(STATE_NUMBERS);
  readonly #packet = new Int32Array(PACKET_BYTES / 4);
  readonly #tail = Buffer.alloc(PACKET_BYTES);

  /** `name`: what the key is made of. Files of a stream are hashed with its name, a block with `<stream>-<number>`; UTF-8. */
  constructor(name: Buffer) {
    const key = createHash("sha256").update(name).digest();
    for (let i = 0; i < this.#key.length; i++) this.#key[i] = key.readInt32LE(4 * i);
  }

  /** The hash of `bytes`, eight bytes. */
  hash(bytes: Buffer): Buffer {
    this.#begin();
    const whole = bytes.length - (bytes.length % PACKET_BYTES);
    for (let at = 0; at < whole; at += PACKET_BYTES) this.#update(bytes, at);
    if (whole < bytes.length) this.#updateRest(bytes.subarray(whole));
    return this.#end();
  }

  #begin(): void {
    const state = this.#state;
    for (let i = 0; i < VECTOR_NUMBERS; i++) {
      state[MUL0 + i] = MUL0_START[i];
      state[MUL1 + i] = MUL1_START[i];
      state[V0 + i] = MUL0_START[i] ^ this.#key[i];
      // The halves of the key change places.
      state[V1 + i] = MUL1_START[i] ^ this.#key[i ^ 1];
    }
  }

  #update(bytes: Buffer, start: number): void {
    for (let i = 0; i < this.#packet.length; i++) this.#packet[i] = bytes.readInt32LE(start + 4 * i);
    this.#mixPacket();
  }

  /** What is left at the end, less than a packet, is spread over one. */
  #updateRest(rest: Buffer): void {
    const state = this.#state;
    const count = rest.length;
    for (let lane = 0; lane < VECTOR_NUMBERS; lane += 2) add(state, V0 + lane, count, count);
    for (let i = V1; i < V1 + VECTOR_NUMBERS; i++)
      state[i] = (state[i] << count) | (state[i] >>> (PACKET_BYTES - count));
    const tail = this.#tail.fill(0);
    const aligned = count & ~3;
    rest.copy(tail, 0, 0, aligned);
    if ((count & 16) !== 0) rest.copy(tail, 28, count - 4, count);
    else if (count > aligned) {
      tail[16] = rest[aligned];
      tail[17] = rest[aligned + ((count & 3) >> 1)];
      tail[18] = rest[count - 1];
    }
    this.#update(tail, 0);
  }

  #end(): Buffer {
    const state = this.#state;
    const packet = this.#packet;
    for (let round = 0; round < FINAL_ROUNDS; round++) {
      // Lanes 2, 3, 0, 1, each with its halves swapped.
      for (let i = 0; i < VECTOR_NUMBERS; i++) packet[i] = state[V0 + (((i + 4) & 7) ^ 1)];
      this.#mixPacket();
    }
    for (const vector of [V1, MUL0, MUL1]) add(state, V0, state[vector], state[vector + 1]);
    const hash = Buffer.allocUnsafe(HASH_BYTES);
    hash.writeInt32LE(state[V0], 0);
    hash.writeInt32LE(state[V0 + 1], 4);
    return hash;
  }

  #mixPacket(): void {
    const state = this.#state;
    const packet = this.#packet;
    for (let lane = 0; lane < VECTOR_NUMBERS; lane += 2) {
      const v0 = V0 + lane;
      const v1 = V1 + lane;
      const mul0 = MUL0 + lane;
      const mul1 = MUL1 + lane;
      add(state, v1, packet[lane], packet[lane + 1]);
      add(state, v1, state[mul0], state[mul0 + 1]);
      xorProduct(state, mul0, state[v1], state[v0 + 1]);
      add(state, v0, state[mul1], state[mul1 + 1]);
      xorProduct(state, mul1, state[v0], state[v1 + 1]);
    }
    zipperMerge(state, V1, V0);
    zipperMerge(state, V1 + 4, V0 + 4);
    zipperMerge(state, V0, V1);
    zipperMerge(state, V0 + 4, V1 + 4);
  }
}

/** Adds 64 bits to the lane at `at`. */
function add(state: Int32Array, at: number, low: number, high: number): void {
  const before = state[at] >>> 0;
  const sum = (before + low) | 0;
  state[at] = sum;
  const carry = sum >>> 0 < before ? 1 : 0;
  state[at + 1] += high + carry;
}

/** Combines the lane at `at` with the product of two numbers of 32 bits. */
function xorProduct(state: Int32Array, at: number, a: number, b: number): void {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const rest = aLow * bHigh + (middle & 0xffff);
  state[at] ^= Math.imul(a, b);
  state[at + 1] ^= aHigh * bHigh + (middle >>> 16) + (rest >>> 16);
}

/** Adds the bytes of two lanes, shuffled, to two others. */
function zipperMerge(state: Int32Array, from: number, to: number): void {
  const a = state[from];
  const aHigh = state[from + 1];
  const b = state[from + 2];
  const bHigh = state[from + 3];
  // Bytes of the first: a3 b4 a2 a5, b6 a1 b7 a0; of the second: b3 a4 b2 b5, b1 a6 b0 a7.
  const low = (a >>> 24) | ((bHigh & 0xff) << 8) | (a & 0xff0000) | ((aHigh & 0xff00) << 16);
  const high = ((bHigh >>> 16) & 0xff) | (a & 0xff00) | ((bHigh >>> 8) & 0xff0000) | (a << 24);
  const secondLow = (b >>> 24) | ((aHigh & 0xff) << 8) | (b & 0xff0000) | ((bHigh & 0xff00) << 16);
  const secondHigh =
    ((b >>> 8) & 0xff) | ((aHigh >>> 8) & 0xff00) | ((b & 0xff) << 16) | (aHigh & 0xff000000);
  add(state, to, low, high);
  add(state, to + 2, secondLow, secondHigh);
}
