import assert from "node:assert/strict";
import { test } from "node:test";
import { array, assert as check, constant, integer, oneof, property, tuple } from "fast-check";
import { INSTANT_BYTES_MAX, InstantWriter } from "./instant-writer.ts";
import { formatInstant } from "./instant.ts";

const FIRST_MS = Date.parse("0001-01-01T00:00:00Z");
const NOW_MS = Date.UTC(2026, 1, 28, 23, 59, 59, 999);

test("writes what is formatted, whichever time came before", () => {
  const ms = oneof(
    integer({ min: FIRST_MS, max: 8.64e15 }),
    integer({ min: NOW_MS - 200_000_000, max: NOW_MS + 200_000_000 }),
    integer({ min: -100_000, max: 100_000 }).map((seconds) => seconds * 1000),
  );
  const ns = oneof(constant(0), constant(120_000), integer({ min: 0, max: 999_999 }));
  check(
    property(array(tuple(ms, ns), { minLength: 1, maxLength: 4 }), (times) => {
      const writer = new InstantWriter();
      const buf = Buffer.alloc(3 + INSTANT_BYTES_MAX + 3, "#");
      for (const [ms, ns] of times) {
        const end = writer.write(buf, 3, ms, ns);
        assert.equal(buf.latin1Slice(0, end), `###${formatInstant({ ms, ns })}`);
        assert.equal(buf.latin1Slice(3 + INSTANT_BYTES_MAX, buf.length), "###");
      }
    }),
    { numRuns: 2000 },
  );
});
