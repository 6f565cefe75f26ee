/**
 * Mirrors and sources against the reference server: the same streams and messages on both; what the API answers, what
 * streams hold and what they say of their origins are compared as texts.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MIRROR_SCENES } from "./support/jetstream-mirror-scenes.ts";
import { playMirrorScene } from "./support/jetstream-mirror-side.ts";
import { findReferenceServer, OUR_SERVER } from "./support/server-process.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;

for (const [number, scene] of MIRROR_SCENES.entries()) {
  const storage = number % 2 === 0 ? "file" : "memory";
  test(`as by the reference: ${scene.name}; ${storage} storage`, { skip }, async () => {
    const [expected, actual] = await Promise.all([
      playMirrorScene(reference ?? "", scene, storage),
      playMirrorScene(OUR_SERVER, scene, storage),
    ]);
    for (const [index, line] of actual.entries()) assert.equal(line, expected[index]);
    assert.equal(actual.length, expected.length);
  });
}
