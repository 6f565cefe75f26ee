/** Things done by chance to a stream and its consumers, answered as by the reference. More: `npm run proof -- model`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { differences } from "./support/random-play.ts";
import { findReferenceServer, OUR_SERVER } from "./support/server-process.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;
const PLAYS = 25;

test("whatever is asked in whatever order is answered as by the reference", { skip }, async () => {
  const first = Number(process.env["SEED"] ?? 1);
  const seeds = Array.from({ length: process.env["SEED"] === undefined ? PLAYS : 1 }, (_, i) => first + i);
  const found = await differences(reference ?? "", OUR_SERVER, seeds);
  assert.deepEqual([...found], [], "by SEED");
});
