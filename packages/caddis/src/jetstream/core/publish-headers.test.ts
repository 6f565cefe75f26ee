import assert from "node:assert/strict";
import test from "node:test";
import * as fc from "fast-check";
import { PUBLISH_HEADERS, type PublishHeader, PublishHeaders } from "./publish-headers.ts";

function read(block: string): PublishHeaders {
  const headers = new PublishHeaders();
  // Something stands on both sides that must not be read.
  const buf = Buffer.from(`Nats-Msg-Id: before\r\n${block}Nats-Msg-Id: behind\r\n`, "latin1");
  headers.read(buf, 21, 21 + block.length);
  return headers;
}

test("fields are found as the reference finds them", () => {
  const cases: readonly (readonly [block: string, name: PublishHeader, value: string])[] = [
    ["NATS/1.0\r\nNats-Msg-Id: a b \r\n\r\n", "Nats-Msg-Id", "a b "],
    ["NATS/1.0\r\nNats-Msg-Id:x\r\n\r\n", "Nats-Msg-Id", "x"],
    ["NATS/1.0\r\nNats-Msg-Id:   x\r\n\r\n", "Nats-Msg-Id", "x"],
    ["NATS/1.0\r\nNats-Msg-Id:\r\n\r\n", "Nats-Msg-Id", ""],
    ["NATS/1.0\r\nNats-Msg-Id: a\r\nNats-Msg-Id: b\r\n\r\n", "Nats-Msg-Id", "a"],
    ["NATS/1.0\r\nnats-msg-id: x\r\n\r\n", "Nats-Msg-Id", ""],
    ["NATS/1.0\r\n Nats-Msg-Id: x\r\n\r\n", "Nats-Msg-Id", ""],
    ["NATS/1.0\r\nNats-Msg-Id : x\r\n\r\n", "Nats-Msg-Id", ""],
    ["NATS/1.0\r\nX: Nats-Msg-Id: x\r\n\r\n", "Nats-Msg-Id", ""],
    ["NATS/1.0\r\nX: y\nNats-Msg-Id: x\r\n\r\n", "Nats-Msg-Id", ""],
    [
      "NATS/1.0\r\nNats-Expected-Last-Subject-Sequence-Subject: a\r\n\r\n",
      "Nats-Expected-Last-Subject-Sequence",
      "",
    ],
    ["NATS/1.0 503\r\nNats-TTL: 5\r\n\r\n", "Nats-TTL", "5"],
  ];
  for (const [block, name, value] of cases) assert.equal(read(block).get(name), value, JSON.stringify(block));
});

test("a field that is empty is there, one that is not there is not", () => {
  const headers = read("NATS/1.0\r\nNats-Schedule-Time-Zone:\r\n\r\n");
  assert.equal(headers.has("Nats-Schedule-Time-Zone"), true);
  assert.equal(headers.has("Nats-Schedule"), false);
  assert.equal(headers.isAny, true);
  assert.equal(read("NATS/1.0\r\nX: y\r\n\r\n").isAny, false);
});

test("numbers are digits, or wrong", () => {
  const number = (value: string): number | null =>
    read(`NATS/1.0\r\nNats-Expected-Last-Sequence: ${value}\r\n\r\n`).number("Nats-Expected-Last-Sequence");
  assert.deepEqual(["", "0", "17", "007", "-1", "+1", "1.0", "x", "9".repeat(17), " "].map(number), [
    null,
    0,
    17,
    7,
    -1,
    -1,
    -1,
    -1,
    -1,
    null,
  ]);
});

test("one object reads block after block", () => {
  const headers = new PublishHeaders();
  const first = Buffer.from("NATS/1.0\r\nNats-Msg-Id: 1\r\nNats-TTL: 1s\r\n\r\n");
  const second = Buffer.from("NATS/1.0\r\nNats-TTL: 2s\r\n\r\n");
  headers.read(first, 0, first.length);
  headers.read(second, 0, second.length);
  assert.deepEqual([headers.get("Nats-Msg-Id"), headers.get("Nats-TTL")], ["", "2s"]);
  headers.clear();
  assert.deepEqual([headers.isAny, headers.get("Nats-TTL")], [false, ""]);
});

test("any bytes: the same as a search by lines", () => {
  const piece = fc.oneof(
    fc.constantFrom(...PUBLISH_HEADERS, "\r\n", "\r", "\n", ":", ": ", " ", "NATS/1.0", "x"),
    fc.string({ maxLength: 3, unit: "binary-ascii" }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const block = pieces.join("");
      const headers = read(block);
      for (const name of PUBLISH_HEADERS) {
        const lines = block.split("\r\n").slice(1);
        const line = lines.find((text) => text.startsWith(`${name}:`));
        const value = line === undefined ? "" : line.slice(name.length + 1).replace(/^ +/, "");
        // What is no whole line any more may be cut off by the end of the block.
        assert.equal(headers.get(name), value, name);
        assert.equal(headers.has(name), line !== undefined, name);
      }
    }),
    { numRuns: 500 },
  );
});
