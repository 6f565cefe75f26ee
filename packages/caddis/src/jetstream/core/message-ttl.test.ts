import assert from "node:assert/strict";
import test from "node:test";
import { parseMessageTtl, TTL_NEVER } from "./message-ttl.ts";

test("a TTL is a duration, seconds, or for ever", () => {
  const cases: readonly (readonly [string, number | null])[] = [
    ["", 0],
    ["never", TTL_NEVER],
    ["NEVER", TTL_NEVER],
    ["1s", 1],
    ["1h30m", 5400],
    ["1.9s", 1],
    ["999ms", null],
    ["-1s", null],
    ["0", null],
    ["1", 1],
    ["60", 60],
    ["-1", null],
    ["x", null],
    ["1d", null],
    ["99999999999999999", null],
  ];
  for (const [text, expected] of cases) assert.equal(parseMessageTtl(text), expected, text);
});
