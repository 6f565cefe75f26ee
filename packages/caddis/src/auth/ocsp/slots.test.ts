import assert from "node:assert/strict";
import { test } from "node:test";
import { Slots } from "./slots.ts";

test("so many at a time, the others in order, and no more than may wait", async () => {
  const slots = new Slots(2, 2);
  const order: string[] = [];
  const take = async (name: string): Promise<void> => {
    order.push(`${name} ${await slots.take()}`);
  };
  const all = ["a", "b", "c", "d", "e"].map(take);
  await Promise.all([all[0], all[1], all[4]]);
  assert.deepEqual(order, ["a true", "b true", "e false"]);
  slots.give();
  await all[2];
  assert.equal(order.at(-1), "c true");
  slots.give();
  await all[3];
  assert.equal(order.at(-1), "d true");
  slots.give();
  slots.give();
  assert.deepEqual(await Promise.all([slots.take(), slots.take()]), [true, true]);
});
