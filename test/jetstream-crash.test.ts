/** A server that is killed at random moments keeps what it acknowledged. The long form: `npm run proof -- crash`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { crashRounds } from "./support/crash-rounds.ts";
import { OUR_SERVER } from "./support/server-process.ts";

const ROUNDS = 10;

test("what is acknowledged outlives kill -9", async (t) => {
  const seed = Date.now() % 1_000_000;
  t.diagnostic(`seed ${seed}`);
  const report = await crashRounds(OUR_SERVER, ROUNDS, seed);
  t.diagnostic(JSON.stringify(report));
  assert.ok(report.acknowledged > 0 && report.confirmed > 0, "something was under way");
});
