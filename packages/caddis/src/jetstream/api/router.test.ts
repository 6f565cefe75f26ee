import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiEndpoint } from "./endpoint.ts";
import { ENDPOINTS } from "./endpoints.ts";
import { Router } from "./router.ts";

function endpoint(subject: string): ApiEndpoint {
  return { subject, type: "x", answer: () => null };
}

test("an endpoint is found by its subject, with the names in it", () => {
  const router = new Router(["INFO", "S.*", "S.*.LEADER", "C.*.>", "C.D.*", "C.*"].map(endpoint));
  const found = (subject: string): unknown => {
    const route = router.find(subject);
    return route === null ? null : [route.endpoint.subject, ...route.names];
  };
  assert.deepEqual(found("INFO"), ["INFO"]);
  assert.deepEqual(found("S.a"), ["S.*", "a"]);
  assert.deepEqual(found("S.a.LEADER"), ["S.*.LEADER", "a"]);
  assert.deepEqual(found("C.a.b.c"), ["C.*.>", "a", "b.c"]);
  assert.deepEqual(found("C.D.x"), ["C.D.*", "x"]);
  assert.deepEqual(found("C.D.x.y"), ["C.*.>", "D", "x.y"]);
  assert.deepEqual(found("C.D"), ["C.*", "D"]);
  for (const subject of ["", "X", "S", "S.a.b", "S..LEADER", "INFO.x", "S.", "__proto__"]) {
    assert.equal(found(subject), null, subject);
  }
});

test("no two endpoints have one subject", () => {
  const subjects = ENDPOINTS.map(({ subject }) => subject);
  assert.deepEqual([...new Set(subjects)], subjects);
});
