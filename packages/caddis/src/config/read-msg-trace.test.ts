import assert from "node:assert/strict";
import { test } from "node:test";
import { faultsOf, optionsOf } from "../../../../test/support/config-options.ts";
import { loadConfig, resolveOptions } from "./load.ts";
import type { TraceConfig } from "./accounts.ts";

function traceOf(text: string): TraceConfig | undefined {
  return optionsOf(`accounts {A {${text}}}`).accounts[0].msg_trace;
}

test("a destination, and a share of what may be traced", () => {
  assert.equal(traceOf(""), undefined);
  assert.deepEqual(traceOf("msg_trace: a.b"), { dest: "a.b", sampling: 100 });
  assert.deepEqual(traceOf("trace_dest: a"), { dest: "a", sampling: 100 });
  assert.deepEqual(traceOf("trace_dest {Dest: a, SAMPLING: 7}"), { dest: "a", sampling: 7 });
  assert.deepEqual(traceOf(`msg_trace {dest: a, sampling: "50%"}`), { dest: "a", sampling: 50 });
  assert.deepEqual(traceOf("msg_trace {dest: é}"), { dest: "é", sampling: 100 });
  assert.equal(traceOf("msg_trace {}"), undefined);
});

test("from a program", () => {
  const { accounts } = resolveOptions({ accounts: { A: { msg_trace: { dest: "t", sampling: "3%" } } } });
  assert.deepEqual(accounts[0].msg_trace, { dest: "t", sampling: 3 });
});

test("a share of nothing is ignored, and said", () => {
  const read = { file: "conf", readFile: () => "", env: () => undefined };
  const { options, errors, warnings } = loadConfig("accounts {A {msg_trace {sampling: 5}}}", read);
  assert.deepEqual(errors, []);
  assert.deepEqual(warnings, ["conf:1:13: Trace destination sampling ignored since no destination was set"]);
  assert.equal(resolveOptions(options).accounts[0].msg_trace, undefined);
});

for (const [text, fault] of [
  [`msg_trace: "t.*"`, 'Trace destination "t.*" is not valid'],
  [`msg_trace: ""`, 'Trace destination "" is not valid'],
  ["msg_trace: 5", 'Expected account message trace "msg_trace" to be a string or a map/struct, got int64'],
  ["trace_dest {dest: 5}", 'Field "dest" should be a string, got int64'],
  ["msg_trace {dest: t, sampling: 0}", "Trace destination sampling value 0 is invalid, needs to be [1..100]"],
  [
    "msg_trace {dest: t, sampling: 101}",
    "Trace destination sampling value 101 is invalid, needs to be [1..100]",
  ],
  ["msg_trace {dest: t, sampling: x}", 'Invalid trace destination sampling value "x"'],
  [
    "msg_trace {dest: t, sampling: 1.5}",
    'Trace destination sampling field "sampling" should be an integer or a percentage, got float64',
  ],
  ["msg_trace {x: 5}", 'Unknown field "x" parsing account message trace map/struct "msg_trace"'],
]) {
  test(`refused: ${text}`, () => assert.deepEqual(faultsOf(`accounts {A {${text}}}`), [fault]));
}
