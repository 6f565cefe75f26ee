import assert from "node:assert/strict";
import test from "node:test";
import { tidied } from "./origin-headers.ts";

function block(...lines: string[]): string {
  return ["NATS/1.0", ...lines, "", ""].join("\r\n");
}

const SPENT = [
  "Nats-Expected-Stream: O",
  "Nats-Expected-Last-Sequence: 1",
  "Nats-Batch-Id: b",
  "Nats-Batch-Commit: 1",
  "Nats-Request-Info: {}",
];

test("what the origin has dealt with is left out", () => {
  for (const isMirror of [true, false]) {
    assert.equal(tidied(block("A: 1", ...SPENT, "B: 2", ...SPENT), isMirror), block("A: 1", "B: 2"));
    assert.equal(tidied(block(...SPENT), isMirror), "");
    const others = block("X-Nats-Expected-Stream: x", "A: Nats-Batch-Id: b", "Nats-Msg-Id: 1");
    assert.equal(tidied(others, isMirror), others);
  }
});

test("where a message came from before stays in a mirror only", () => {
  const sourced = block("A: 1", "Nats-Stream-Source: O 1 > > o");
  assert.equal(tidied(sourced, true), sourced);
  assert.equal(tidied(sourced, false), block("A: 1"));
});
