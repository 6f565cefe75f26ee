import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeConnect, defaultConnectOptions } from "./connect.ts";

test("what a CONNECT does not name stays as it was", () => {
  const first = decodeConnect(
    '{"verbose":false,"name":"a","auth_token":"t","protocol":1}',
    defaultConnectOptions(),
  );
  assert.ok(!("problem" in first));
  assert.deepEqual(first, {
    ...defaultConnectOptions(),
    verbose: false,
    name: "a",
    auth_token: "t",
    protocol: 1,
  });
  const second = decodeConnect('{"NAME":"b","verbose":null}', first);
  assert.deepEqual(second, { ...first, name: "b" });
  assert.equal(first.name, "a", "the first is left alone");
});

test("before a CONNECT one is told everything", () => {
  const { verbose, pedantic, echo, headers, protocol } = defaultConnectOptions();
  assert.deepEqual([verbose, pedantic, echo, headers, protocol], [true, true, true, false, 0]);
});

test("permissions of server links are recognised and dropped; of the wrong type they are refused", () => {
  const connect = decodeConnect('{"import":{"allow":[]},"export":{}}', defaultConnectOptions());
  assert.deepEqual(connect, defaultConnectOptions());
  for (const json of ['{"import":1}', '{"protocol":"1"}', '{"lang":1}', "[]", ""]) {
    assert.ok("problem" in decodeConnect(json, defaultConnectOptions()), json);
  }
});
