import assert from "node:assert/strict";
import { test } from "node:test";
import { ackKindOf, nakDelayMs } from "./consumer-ack.ts";

test("payloads of acknowledgements", () => {
  const kinds = {
    "": "ack",
    "+ACK": "ack",
    "+OK": "ack",
    "+ACK ": "unknown",
    "+OKAY": "unknown",
    "-NAK": "nak",
    "-NAK 5s": "nak",
    "-NAKED": "nak",
    "+WPI": "progress",
    "+WPI ": "unknown",
    "+NXT": "next",
    "+NXT 10": "next",
    "+TERM": "term",
    "+TERM because": "term",
    "+TER": "unknown",
    "+": "unknown",
    yes: "unknown",
  };
  for (const [payload, kind] of Object.entries(kinds)) {
    const buf = Buffer.from(`#${payload}#`);
    assert.equal(ackKindOf(buf, 1, 1 + payload.length), kind, JSON.stringify(payload));
  }
});

test("delays of negative acknowledgements", () => {
  const delays: readonly (readonly [string, number | null])[] = [
    ["", null],
    ["  ", null],
    [" 5s ", 5_000],
    ["1m0.5s", 60_500],
    ["-1s", -1_000],
    ["5", null],
    ["soon", null],
    ['{"delay": 1500000}', 1.5],
    ['{"DELAY": 1000000}', 1],
    ['{"delay": "5s"}', null],
    ['{"delay": 1.5}', null],
    ["{}", 0],
    ["{", null],
    ['{"delay": null}', 0],
    ['{"__proto__": {"delay": 5}}', 0],
  ];
  for (const [text, ms] of delays) assert.equal(nakDelayMs(text), ms, text);
});
