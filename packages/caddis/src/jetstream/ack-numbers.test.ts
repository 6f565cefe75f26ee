import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { ACK_NUMBERS_BYTES_MAX, AckNumbers } from "./ack-numbers.ts";

interface Step {
  readonly deliveries: number;
  readonly seq: number;
  readonly consumerSeq: number;
  readonly ms: number;
  readonly ns: number;
  readonly left: number;
  readonly start: number;
}

/** Numbers near to where their lengths change, so that steps of one meet all cases. */
const NEAR = fc.tuple(fc.constantFrom(1, 10, 100, 1000, 1e9, 1e15), fc.integer({ min: -3, max: 3 }));
const NUMBER = NEAR.map(([power, off]) => Math.max(0, power + off));
const NANOSECONDS = fc.integer({ min: 0, max: 999_999 });

const STEP: fc.Arbitrary<Step> = fc.record({
  deliveries: fc.constantFrom(1, 1, 1, 2, 10),
  seq: NUMBER,
  consumerSeq: NUMBER,
  ms: fc.constantFrom(1, 1_790_000_000_000, 1_790_000_000_001, 1_789_999_999_999),
  ns: NANOSECONDS,
  left: NUMBER,
  start: fc.constantFrom(3, 3, 3, 8),
});

test("what is written over what was written before is what would be written anew", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(STEP, fc.nat({ max: 12 }), NANOSECONDS)), (steps) => {
      const numbers = new AckNumbers();
      const buf = Buffer.alloc(8 + ACK_NUMBERS_BYTES_MAX + 1);
      for (const [{ deliveries, seq, consumerSeq, ms, ns, left, start }, repeats, nextNs] of steps) {
        for (let i = 0; i <= Math.min(repeats, left); i++) {
          const part = i % 2 === 0 ? ns : nextNs;
          const end = numbers.write(buf, start, deliveries, seq + i, consumerSeq + i, ms, part, left - i);
          const time = `${ms}${String(part).padStart(6, "0")}`;
          assert.equal(
            buf.toString("latin1", start, end),
            `${deliveries}.${seq + i}.${consumerSeq + i}.${time}.${left - i}`,
          );
        }
      }
    }),
  );
});
