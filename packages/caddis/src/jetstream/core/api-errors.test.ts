import assert from "node:assert/strict";
import { test } from "node:test";
import { apiError } from "./api-error.ts";
import { API_ERRORS } from "./api-errors.ts";

/** Numbers of the first and the last error that the API of this level knows. */
const FIRST = 10_002;
const LAST = 10_228;

test("the table has each error of the API once", () => {
  const codes = Object.values(API_ERRORS).map(([, code]) => code);
  const all = Array.from({ length: LAST - FIRST + 1 }, (_, i) => FIRST + i);
  assert.deepEqual(codes, all);
  for (const [code, , text] of Object.values(API_ERRORS)) {
    assert.ok([400, 404, 409, 412, 429, 500, 503].includes(code), String(code));
    assert.notEqual(text, "");
  }
});

test("an error says what its text leaves open, and what is not given stays as it is", () => {
  const { code, err_code, description } = apiError("sequenceNotFound", { seq: 7 });
  assert.deepEqual([code, err_code, description], [400, 10_043, "sequence 7 not found"]);
  assert.equal(apiError("streamRestore", { err: "{seq} $&" }).description, "restore failed: {seq} $&");
  assert.equal(apiError("sequenceNotFound").description, "sequence {seq} not found");
});
