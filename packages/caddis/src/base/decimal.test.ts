import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { decimalDigits, writeDecimal, writeDecimalDigits } from "./decimal.ts";

const AROUND = [0, 1, 9, 10, 99, 100, 999, 1000, 999_999_999, 1e9, 2 ** 31 - 1, 2 ** 31, 1e15, 2 ** 53 - 2];

test("numbers are written as they are said", () => {
  const check = (value: number): void => {
    const buf = Buffer.alloc(24, "x");
    const end = writeDecimal(buf, 2, value);
    assert.equal(buf.toString("latin1", 0, end + 1), `xx${value}x`);
    assert.equal(decimalDigits(value), String(value).length);
  };
  for (const value of AROUND) for (const near of [value - 1, value, value + 1]) check(Math.max(0, near));
  fc.assert(fc.property(fc.maxSafeNat(), check));
  fc.assert(fc.property(fc.nat(), check));
});

test("zeros fill up what is short", () => {
  const buf = Buffer.alloc(8, "x");
  assert.equal(writeDecimalDigits(buf, 1, 42, 6), 7);
  assert.equal(buf.toString("latin1"), "x000042x");
});
