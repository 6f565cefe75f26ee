import assert from "node:assert/strict";
import { test } from "node:test";
import { isConnectionTypeAllowed, readConnectionTypes } from "./connection-types.ts";

test("no list allows every type", () => {
  assert.equal(isConnectionTypeAllowed(null, "STANDARD"), true);
  assert.equal(isConnectionTypeAllowed([], "WEBSOCKET"), true);
});

test("a list allows its types only", () => {
  assert.equal(isConnectionTypeAllowed(["MQTT", "STANDARD"], "STANDARD"), true);
  assert.equal(isConnectionTypeAllowed(["MQTT"], "MQTT_WS"), false);
  assert.equal(isConnectionTypeAllowed(["STANDARD"], "IN_PROCESS"), false);
});

test("types are read in any case, unknown ones left out", () => {
  assert.deepEqual(readConnectionTypes(["websocket", "Carrier_Pigeon", "STANDARD"]), [
    "STANDARD",
    "WEBSOCKET",
  ]);
  assert.deepEqual(readConnectionTypes([]), []);
});

test("a list of unknown types only is not a list of none", () => {
  assert.equal(readConnectionTypes(["CARRIER_PIGEON"]), null);
});
