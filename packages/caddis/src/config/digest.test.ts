import assert from "node:assert/strict";
import { test } from "node:test";
import { configDigest } from "./digest.ts";
import { parseConfig } from "./parser.ts";

function digest(text: string): string {
  const unavailable = (): never => assert.fail("no files here");
  return configDigest(
    parseConfig(text, {
      file: "conf",
      readFile: unavailable,
      resolvePath: unavailable,
      env: () => undefined,
    }),
  );
}

// What `nats-server -t` 2.15.1 printed for these texts.
const DIGESTS: readonly [string, string][] = [
  ["port: 4222", "797533ebd0dfba7d34a0f9337ecf147e442871f48ddfd07ed751575a5737267e"],
  ["{port:4222}\nhost: x", "4e31f80dd34c230ec8681415e9e9babe1b3878b189bd7e19ddae5c8d5250dfa9"],
  [
    'server_tags: ["<&>\u2028\u00e9\\x01\\x80\\"\\\\", "a\\tb"]',
    "a803c8f3d73a540a14ad95411ca9d0d85309fc425fe876fe2ca6a9cf27ce918d",
  ],
  ["authorization {timeout: 2.5}", "827d63f846f5cdf9228c7688c56b19cc08dea626bcdb06f37d07a8dc0e4a402b"],
  ["x: 1\nport: $x", "08112112ac865f1c910f6214a53eacfa76de0b2609f757fa772d4c795cc6982e"],
  // Keys are sorted by bytes, which is not the order of UTF-16.
  [
    "server_metadata {'\u{1F600}': a, '\uFFFD': b}",
    "c9019de0011e0ada1639448ecb2b86f2ebfcad463b924929fcdfe1200b817c27",
  ],
  ["port: 9223372036854775807", "00a87b8f5206202ecc8ecebf81dadc34a5d40078c5e78499d621f5111838414e"],
];

for (const [text, expected] of DIGESTS) {
  test(`digest of ${JSON.stringify(text)}`, () => assert.equal(digest(text), `sha256:${expected}`));
}

test("spelling, order and comments do not matter", () => {
  assert.equal(digest("a: 1; b: {c: [x, yes]}"), digest('# c\nb { "c" [\n"x"\ntrue ] }\na = 1'));
});
