import assert from "node:assert/strict";
import type { HttpAnswer, HttpRequest } from "../../packages/caddis/src/io/http.ts";
import type { Monitor } from "../../packages/caddis/src/monitor/monitor.ts";

/** What `monitor` answers in the same turn, as it does unless it has thousands of things to look at. */
export function answerNow(monitor: Monitor, request: HttpRequest): HttpAnswer {
  const answer = monitor.answer(request);
  assert.ok(!(answer instanceof Promise), `${request.path} takes more than a turn`);
  return answer;
}
