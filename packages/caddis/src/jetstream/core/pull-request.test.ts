import assert from "node:assert/strict";
import { test } from "node:test";
import { decodePullRequest } from "./pull-request.ts";

const PLAIN = { batch: 1, expires: 0, noWait: false, maxBytes: 0, idleHeartbeat: 0, priority: null };
const NO_PRIORITY = { group: "", minPending: 0, minAckPending: 0, id: "", priority: 0 };

/** In the middle of other bytes, as it comes from a connection. */
function decode(body: string): unknown {
  const buf = Buffer.from(`9${body}9`);
  return decodePullRequest(buf, 1, buf.length - 1);
}

test("a body that is no JSON asks for a number of messages, or for one", () => {
  assert.deepEqual(decode(""), PLAIN);
  assert.deepEqual(decode(" \t\r\n\v\f"), PLAIN);
  for (const body of [
    "nonsense",
    "1.5",
    "1e3",
    "0x10",
    "1 2",
    "[1]",
    "null",
    '"3"',
    "--3",
    "+",
    "9".repeat(20),
  ])
    assert.deepEqual(decode(body), PLAIN, body);
  assert.deepEqual(decode("25"), { ...PLAIN, batch: 25 });
  assert.deepEqual(decode(" +25\r\n"), { ...PLAIN, batch: 25 });
  assert.deepEqual(decode("0"), { ...PLAIN, batch: 0 });
  assert.deepEqual(decode("-3"), { ...PLAIN, batch: -3 });
});

test("JSON says all there is to say, in any case and with names nobody knows", () => {
  assert.deepEqual(decode("{}"), { ...PLAIN, batch: 0, priority: NO_PRIORITY });
  const whole = {
    batch: 7,
    expires: 5_000_000_000,
    noWait: true,
    maxBytes: 1024,
    idleHeartbeat: 500_000_000,
    priority: { group: "g", minPending: 3, minAckPending: 4, id: "pin", priority: 9 },
  };
  const fields = {
    batch: 7,
    expires: 5e9,
    no_wait: true,
    max_bytes: 1024,
    idle_heartbeat: 5e8,
    group: "g",
    min_pending: 3,
    min_ack_pending: 4,
    id: "pin",
    priority: 9,
  };
  assert.deepEqual(decode(JSON.stringify(fields)), whole);
  const shouted = Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name.toUpperCase(), value]),
  );
  assert.deepEqual(decode(JSON.stringify(shouted)), whole);
  assert.deepEqual(decode(JSON.stringify({ ...fields, foo: [1.5], __proto__: 1 })), whole);
  assert.deepEqual(decode('{"batch":1,"batch":2,"id":null}'), { ...PLAIN, batch: 2, priority: NO_PRIORITY });
  assert.deepEqual(decode('{"id":"1.5"}'), { ...PLAIN, batch: 0, priority: { ...NO_PRIORITY, id: "1.5" } });
});

test("what can't be is refused in the reference's words", () => {
  const field = (kind: string, name: string, type: string): string =>
    `json: cannot unmarshal ${kind} into Go struct field .${name} of type ${type}`;
  const cases: readonly [string, string][] = [
    ['{"batch":"x"}', field("string", "batch", "int")],
    ['{"batch":1.5}', field("number 1.5", "batch", "int")],
    ['{"batch":1e30}', field("number 1e30", "batch", "int")],
    ['{"expires":1e9,"batch":1}', field("number 1e9", "expires", "time.Duration")],
    ['{"group":1}', field("number", "group", "string")],
    ['{"no_wait":1}', field("number", "no_wait", "bool")],
    ["{", "unexpected end of JSON input"],
    ['{"batch":1,"idle_heartbeat":100}', "heartbeat value too large"],
    ['{"idle_heartbeat":51,"expires":101}', "heartbeat value too large"],
  ];
  for (const [body, problem] of cases) assert.deepEqual(decode(body), { problem }, body);
  assert.ok(!("problem" in (decode('{"idle_heartbeat":50,"expires":100}') as object)));
});
