import assert from "node:assert/strict";
import { test } from "node:test";
import { type ClientInfo, infoLine } from "./info.ts";

const INFO: ClientInfo = {
  server_id: "N",
  server_name: "caf\u00e9 \u2603",
  version: "2.15.1",
  proto: 1,
  go: "node",
  host: "0.0.0.0",
  port: 4222,
  headers: true,
  auth_required: undefined,
  max_payload: 1_048_576,
  client_id: 7,
  caddis: "0.1.0",
};

test("INFO is a line of JSON with a space before its end, without the fields that say nothing", () => {
  const line = infoLine(INFO);
  assert.match(line, /^INFO \{"server_id":"N",.*\} \r\n$/);
  assert.ok(!line.includes("auth_required") && !line.includes("nonce"));
  const json = Buffer.from(line.slice(5, -3), "latin1").toString("utf8");
  assert.deepEqual(JSON.parse(json), JSON.parse(JSON.stringify(INFO)));
});

test("INFO is a wire string: each character is one byte", () => {
  assert.ok(Array.from(infoLine(INFO)).every((char) => char.charCodeAt(0) < 256));
});
