import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { test } from "node:test";
import { zlibCompression } from "../../io/node/compression.ts";
import { acceptedEncoding, encode, encodingHeaders } from "./answer-encoding.ts";

test("what is asked for is read as loosely as in the reference", () => {
  const cases = new Map<string, string>([
    ["gzip", "gzip"],
    ["GZIP, deflate", "gzip"],
    ["snappy", "snappy"],
    ["S2", "snappy"],
    ["gzip, snappy", "snappy"],
    ["br", "identity"],
    ["", "none"],
  ]);
  for (const [asked, encoding] of cases) {
    assert.equal(acceptedEncoding(`NATS/1.0\r\nAccept-Encoding: ${asked}\r\n\r\n`), encoding, asked);
  }
  assert.equal(acceptedEncoding(""), "none");
  assert.equal(acceptedEncoding("NATS/1.0\r\nOther: gzip\r\n\r\n"), "none");
});

test("an answer says how it is packed", () => {
  assert.equal(encodingHeaders("gzip"), "NATS/1.0\r\nContent-Encoding: gzip\r\n\r\n");
  assert.equal(encodingHeaders("identity"), "NATS/1.0\r\nContent-Encoding: identity\r\n\r\n");
  assert.equal(encodingHeaders("none"), "");
});

test("gzip is what every reader of it reads", async () => {
  const bytes = Buffer.from("an answer ".repeat(100));
  const packed = await encode(bytes, "gzip", zlibCompression);
  assert.ok(packed.length < bytes.length);
  assert.deepEqual(gunzipSync(packed), bytes);
  assert.equal(await encode(bytes, "identity", zlibCompression), bytes);
});
