import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as check, constant, integer, oneof, property } from "fast-check";
import { compareInstants, formatInstant, instantOf, nanosecondsText, parseInstant } from "./instant.ts";

/** The years that RFC 3339 can write. */
const FIRST_MS = Date.parse("0001-01-01T00:00:00Z");
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

test("a time is written as Date and Go write it", () => {
  check(
    property(
      integer({ min: FIRST_MS, max: LAST_MS }),
      oneof(constant(0), integer({ min: 0, max: 999_999 })),
      (ms, ns) => {
        const digits = new Date(ms).toISOString();
        const fraction = (digits.slice(-4, -1) + String(ns).padStart(6, "0")).replace(/0+$/, "");
        assert.equal(
          formatInstant({ ms, ns }),
          `${digits.slice(0, -5)}${fraction === "" ? "" : `.${fraction}`}Z`,
        );
      },
    ),
    { numRuns: 5000 },
  );
});

test("the ends of months, years, leap years and centuries", () => {
  for (const day of ["1969-12-31", "1970-01-01", "1900-02-28", "2000-02-29", "2024-02-29", "2100-03-01"]) {
    for (const time of ["00:00:00", "23:59:59", "12:34:56.000000001", "12:34:56.1"]) {
      const text = `${day}T${time}Z`;
      assert.equal(formatInstant(parseInstant(text) ?? { ms: 0, ns: 0 }), text);
    }
  }
});

test("nanoseconds as one number, and the order of times", () => {
  assert.equal(nanosecondsText({ ms: 1_700_000_000_123, ns: 42 }), "1700000000123000042");
  assert.equal(nanosecondsText({ ms: -1, ns: 999_999 }), "-1");
  assert.ok(compareInstants({ ms: 1, ns: 5 }, { ms: 1, ns: 6 }) < 0);
  assert.ok(compareInstants({ ms: 2, ns: 0 }, { ms: 1, ns: 6 }) > 0);
  assert.deepEqual(instantOf(1.5), { ms: 1, ns: 500_000 });
});

test("what is no time is none", () => {
  for (const text of ["", "2020-01-01", "2020-01-01T00:00:00", "2020-13-01T00:00:00Z", "x"]) {
    assert.equal(parseInstant(text), null, text);
  }
  assert.deepEqual(parseInstant("2020-01-01T01:00:00.5+01:00"), { ms: Date.UTC(2020, 0, 1) + 500, ns: 0 });
});
