import assert from "node:assert/strict";
import { test } from "node:test";
import { AssertionFailure } from "../../base/assert.ts";
import { kept } from "./consumer-change.ts";

test("a change that can't be kept is an answer, a fault of our own is not", async () => {
  assert.equal(await kept(Promise.resolve(), "consumerStoreFailed"), null);
  assert.deepEqual(await kept(Promise.reject(new Error("disk full")), "consumerStoreFailed"), {
    error: { code: 500, err_code: 10104, description: "error creating store for consumer: disk full" },
  });
  await assert.rejects(
    kept(Promise.reject(new AssertionFailure("x")), "consumerStoreFailed"),
    AssertionFailure,
  );
});
