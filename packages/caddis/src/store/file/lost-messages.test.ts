import assert from "node:assert/strict";
import { test } from "node:test";
import { LostMessages } from "./lost-messages.ts";

test("lost sequences are listed in their order, where it is known which they are", () => {
  const lost = new LostMessages();
  lost.add({ from: 40, to: 42, count: 3, bytes: 30 });
  lost.add({ from: 7, to: 7, count: 1, bytes: 10 });
  // One of these had been removed before: nobody knows which.
  lost.add({ from: 10, to: 12, count: 2, bytes: 20 });
  assert.deepEqual([...lost.seqs()], [7, 40, 41, 42]);
  lost.moveFront(41);
  assert.deepEqual([...lost.seqs()], [41, 42]);
  assert.equal(lost.count, 2);
});

test("a list of what is lost costs no more than what is taken of it", () => {
  const lost = new LostMessages();
  lost.add({ from: 1, to: 2 ** 50, count: 2 ** 50, bytes: 1 });
  assert.deepEqual([...Iterator.from(lost.seqs()).take(2)], [1, 2]);
});
