import assert from "node:assert/strict";
import { test } from "node:test";
import { mentionsTrace, traceHeadersOf } from "./trace-headers.ts";

/** Of a block in the middle of a read, with what asks for a trace right before and behind it. */
function mentions(block: string, hasAccountDestination: boolean): boolean {
  const around = "Nats-Trace-Dest";
  const buf = Buffer.from(around + block + around, "latin1");
  return mentionsTrace(buf, around.length, around.length + block.length, hasAccountDestination);
}

const SAMPLED = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

function headers(...fields: readonly string[]): ReturnType<typeof traceHeadersOf> {
  return traceHeadersOf(`NATS/1.0\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n`);
}

test("a quick look never overlooks what a thorough one finds", () => {
  assert.ok(mentions("NATS/1.0\r\nNats-Trace-Dest: t\r\n\r\n", false));
  assert.ok(!mentions(`NATS/1.0\r\n${SAMPLED}\r\n\r\n`, false));
  assert.ok(mentions(`NATS/1.0\r\n${SAMPLED.toUpperCase()}\r\n\r\n`, true));
  assert.ok(!mentions("NATS/1.0\r\nA: b\r\n\r\n", true));
  assert.ok(!mentions("NATS/1.0\r\nNats-Trace-Des", false));
  assert.ok(mentions("NATS/1.0\r\nNNats-Trace-Dest: t\r\n\r\n", false), "a look, no more");
});

test("fields stand as they were spelled, without blanks around their values", () => {
  const found = headers(
    "b:  1 \t",
    "Nats-Trace-Dest:t",
    "B: 2",
    "b:3",
    "empty: ",
    ": nameless",
    "__proto__: p",
  );
  assert.equal(found?.destination, "t");
  assert.deepEqual(
    [...(found?.fields ?? [])],
    [
      ["b", ["1", "3"]],
      ["Nats-Trace-Dest", ["t"]],
      ["B", ["2"]],
      ["__proto__", ["p"]],
    ],
  );
});

test("a destination is spelled in one way only, and may be that there is none", () => {
  assert.equal(headers("nats-trace-dest: t"), null);
  assert.equal(headers("Nats-Trace-Dest: trace disabled", SAMPLED), null);
  assert.equal(headers("Nats-Trace-Dest: t", "Nats-Trace-Dest: trace disabled")?.destination, "t");
});

test("trace only is said by a few words", () => {
  for (const [value, isTraceOnly] of [
    ["1", true],
    ["TRUE", true],
    ["On", true],
    ["yes", false],
    ["0", false],
  ] as const) {
    assert.equal(headers("Nats-Trace-Dest: t", `Nats-Trace-Only: ${value}`)?.isTraceOnly, isTraceOnly, value);
  }
  assert.equal(headers(SAMPLED, "Nats-Trace-Only: 1")?.isTraceOnly, false, "it goes with a destination");
});

test("a trace of somebody else's counts when it is sampled", () => {
  assert.deepEqual(headers(SAMPLED)?.destination, null);
  assert.deepEqual(headers(SAMPLED.replace("t", "T"))?.destination, null);
  for (const flags of ["00", "81", "1", "zz", "01-", ""]) {
    assert.equal(headers(SAMPLED.replace(/01$/, flags)), null, flags);
  }
  assert.notEqual(headers(SAMPLED.replace(/01$/, "00"), SAMPLED), null, "any of several");
});

test("what is no header block says nothing", () => {
  for (const block of [
    "",
    "NATS/1.0",
    "NATS/1.0 503\r\nNats-Trace-Dest: t\r\n\r\n",
    "NATS/1.0\r\nNats-Trace-Dest: t",
  ]) {
    assert.equal(traceHeadersOf(block), null, block);
  }
});
