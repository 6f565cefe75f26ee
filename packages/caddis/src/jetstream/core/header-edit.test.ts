import assert from "node:assert/strict";
import test from "node:test";
import { withHeader, withHeaderSet, withoutHeader, withoutStatus } from "./header-edit.ts";

const ONE = "NATS/1.0\r\nA: b\r\n\r\n";

test("the status goes, and a block with nothing else", () => {
  assert.equal(withoutStatus("NATS/1.0 503\r\n\r\n"), "");
  assert.equal(withoutStatus("NATS/1.0 100 Idle Heartbeat\r\nA: b\r\n\r\n"), ONE);
  assert.equal(withoutStatus(ONE), ONE);
  assert.equal(withoutStatus("NATS/1.0\r\n\r\n"), "NATS/1.0\r\n\r\n");
});

test("a field goes, each time it is there", () => {
  assert.equal(withoutHeader("NATS/1.0\r\nX: 1\r\nA: b\r\nX:2\r\n\r\n", "X"), ONE);
  assert.equal(withoutHeader("NATS/1.0\r\nX: 1\r\n\r\n", "X"), "");
  assert.equal(withoutHeader(ONE, "X"), ONE);
  assert.equal(withoutHeader("NATS/1.0\r\nXY: 1\r\n\r\n", "X"), "NATS/1.0\r\nXY: 1\r\n\r\n");
});

test("a field is added, or gets another value in its place", () => {
  assert.equal(withHeader("", "A", "b"), ONE);
  assert.equal(withHeader(ONE, "C", "d"), "NATS/1.0\r\nA: b\r\nC: d\r\n\r\n");
  assert.equal(
    withHeaderSet("NATS/1.0\r\nX: 1\r\nA: b\r\n\r\n", "X", "22"),
    "NATS/1.0\r\nX: 22\r\nA: b\r\n\r\n",
  );
  assert.equal(withHeaderSet("NATS/1.0\r\nX:1\r\n\r\n", "X", "2"), "NATS/1.0\r\nX:2\r\n\r\n");
  assert.equal(withHeaderSet("", "A", "b"), ONE);
});
