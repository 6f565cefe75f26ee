import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "../io/seeded-random.ts";
import { sampledHeaders } from "./service-sampling.ts";

const ID = "80f198ee56343ba864fe8b2a57d3eff7";

function byHeaders(fields: string): readonly string[] | null {
  const headers = sampledHeaders("headers", `NATS/1.0\r\n${fields}\r\n\r\n`, new SeededRandom(1));
  return headers === null ? null : Object.keys(headers);
}

test("a share is measured, and of the rest what its headers ask for", () => {
  const random = new SeededRandom(1);
  let count = 0;
  for (let i = 0; i < 10_000; i++) if (sampledHeaders(30, "", random) !== null) count++;
  assert.ok(count > 2_800 && count < 3_200, `${count} of 10000`);
  assert.deepEqual(sampledHeaders(100, "", random), {});
  assert.equal(sampledHeaders("headers", "", random), null);
  const block = "NATS/1.0\r\nX-B3-Sampled: 1\r\n\r\n";
  for (let i = 0; i < 100; i++) assert.ok(sampledHeaders(1, block, random) !== null);
});

test("each kind of trace header says whether to measure", () => {
  assert.deepEqual(byHeaders("uber-trace-id: a:b:c:1\r\nuberctx-x: 1"), ["Uber-Trace-Id", "Uberctx-X"]);
  assert.equal(byHeaders("Uber-Trace-Id: a:b:c:2"), null);
  assert.equal(byHeaders("Uber-Trace-Id: a:b:1"), null);
  assert.deepEqual(byHeaders("X-B3-Sampled: 1"), ["X-B3-Sampled"]);
  assert.deepEqual(byHeaders(`X-B3-TraceId: ${ID}\r\nX-B3-SpanId: 1`), ["X-B3-Spanid", "X-B3-Traceid"]);
  assert.equal(byHeaders(`X-B3-Sampled: 0\r\nX-B3-TraceId: ${ID}`), null);
  assert.deepEqual(byHeaders(`b3: ${ID}-1-1-2`), ["B3"]);
  assert.equal(byHeaders(`b3: ${ID}-1-0`), null);
  assert.equal(byHeaders("b3: 0"), null);
  assert.deepEqual(byHeaders(`traceparent: 00-${ID}-1-01\r\ntracestate: a=b`), ["Traceparent", "Tracestate"]);
  assert.equal(byHeaders(`traceparent: 00-${ID}-1-00`), null);
});

test("the first kind decides for the others", () => {
  assert.equal(
    byHeaders("Uber-Trace-Id: a:b:c:0\r\nX-B3-Sampled: 1\r\nb3: 1\r\ntraceparent: 00-1-1-01"),
    null,
  );
  assert.equal(byHeaders("X-B3-Sampled: 0\r\nb3: 1\r\ntraceparent: 00-1-1-01"), null);
  assert.equal(byHeaders("b3: 0\r\ntraceparent: 00-1-1-01"), null);
  assert.equal(byHeaders("Other: 1"), null);
  assert.equal(byHeaders("broken line"), null);
});
