import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import type { Broker } from "../broker/broker.ts";
import { ConsumerTurns } from "./consumer-turns.ts";

test("what is delivered to be delivered again does not go on for ever in one turn", async () => {
  const nextTurns: (() => void)[] = [];
  const broker = {
    clock: { nextTurn: (run: () => void) => nextTurns.push(run) },
    flusher: { flush: () => {} },
  } as unknown as Broker;
  const turns = new ConsumerTurns();
  let rounds = 0;
  // Each delivery is stored in the stream that it comes from, and can be seen a microtask later.
  const again = {
    isScheduled: false,
    onTurn: () => {
      if (++rounds < 1_000) queueMicrotask(() => turns.schedule(again, broker));
      return 1;
    },
  };
  turns.schedule(again, broker);
  await turn();
  assert.ok(rounds < 20, `${rounds} rounds in one turn`);
  for (let before = 0; rounds > before;) {
    before = rounds;
    nextTurns.shift()?.();
    await turn();
    assert.ok(rounds < before + 20, `${rounds - before} rounds in one turn`);
  }
  assert.equal(rounds, 1_000, "it goes on in later turns");
});
