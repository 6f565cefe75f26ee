/**
 * HighwayHash with 64 bits, by which nats-server checks the records of its files. Each of its 64-bit lanes lies in two
 * 32-bit numbers, low then high: `state[8 * vector + 2 * lane]`, for the vectors v0, v1, mul0 and mul1.
 */

const PACKET_BYTES = 32;
const VECTOR = 8;
const V0 = 0;
const V1 = VECTOR;
const MUL0 = 2 * VECTOR;
const MUL1 = 3 * VECTOR;
const FINAL_ROUNDS = 4;

/** The algorithm's own constants, low and high halves. */
const MUL0_START = Int32Array.of(
  0xfe4cce2f, 0xdbe6d5d5, 0x299f31d0, 0xa4093822, 0x03707344, 0x13198a2e, 0x85a308d3, 0x243f6a88,
);
const MUL1_START = Int32Array.of(
  0xb10ef593, 0x3bd39e10, 0x0000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000, 0x00000000,
);

export {};
