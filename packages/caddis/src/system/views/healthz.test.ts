import assert from "node:assert/strict";
import { test } from "node:test";
import { type StubbedStream, stubJetStream } from "../../../../../test/support/jetstream-stub.ts";
import { type HealthzQuery, healthz } from "./healthz.ts";

const ANY: HealthzQuery = { account: "", stream: "", consumer: "", details: false };

/** The status, and what is wrong in one text. */
function health(stub: StubbedStream, query: Partial<HealthzQuery> = {}): readonly unknown[] {
  const { httpStatus, body } = healthz(true, { ...ANY, ...query }, stubJetStream(stub));
  return [httpStatus, body.status, body.error ?? body.errors];
}

test("streams that store what they get are well", () => {
  assert.deepEqual(health({}), [200, "ok", undefined]);
  assert.deepEqual(health({}, { account: "$G", stream: "S", consumer: "c" }), [200, "ok", undefined]);
});

test("a store that failed, or is full, is not", () => {
  const error = "JetStream stream '$G > S' write error: no luck";
  for (const stub of [{ failure: "failed" }, { failure: "full" }, { consumersFail: true }] as const) {
    assert.deepEqual(health(stub), [503, "unavailable", error]);
    assert.deepEqual(health(stub, { account: "$G", stream: "S" }), [503, "unavailable", error]);
    assert.deepEqual(health(stub, { account: "A" }), [200, "ok", undefined]);
    // Not asked for.
    for (const checks of ["enabled", "server"] as const) {
      assert.deepEqual(health(stub, { checks }), [200, "ok", undefined]);
    }
  }
});

test("a stream that could not be brought back; all that is wrong with details", () => {
  const lost = "JetStream stream '$G > D' could not be recovered";
  assert.deepEqual(health({ damaged: true }), [503, "unavailable", lost]);
  assert.deepEqual(health({ damaged: true }, { account: "$G", stream: "S" }), [200, "ok", undefined]);
  assert.deepEqual(health({ damaged: true }, { account: "$G", stream: "D" }), [503, "unavailable", lost]);
  assert.deepEqual(health({ damaged: true, failure: "full" }, { details: true }), [
    503,
    "error",
    [
      { type: "STREAM", account: "$G", stream: "D", error: lost },
      { type: "STREAM", account: "$G", stream: "S", error: "JetStream stream '$G > S' write error: no luck" },
    ],
  ]);
});

test("JetStream that is wanted and not there", () => {
  const { httpStatus, body } = healthz(true, ANY, "missing");
  assert.deepEqual(
    [httpStatus, body],
    [503, { status: "unavailable", error: "JetStream not enabled (10076)" }],
  );
  assert.equal(healthz(true, { ...ANY, checks: "server" }, "missing").httpStatus, 200);
});
