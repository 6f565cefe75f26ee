import assert from "node:assert/strict";
import { test } from "node:test";
import { MeasuredDisk } from "./measured-disk.ts";
import { MemoryDisk } from "./memory-disk.ts";

test("what makes something durable is timed while somebody wants to know; all else passes through", async () => {
  let nowMs = 0;
  let observer: ((ms: number) => void) | null = null;
  const seen: number[] = [];
  // Each look at the clock is a millisecond after the last.
  const disk = new MeasuredDisk(new MemoryDisk(), { monotonicMs: () => nowMs++ }, () => observer);
  await disk.makeFolder("/a");
  const file = await disk.openToWrite("/a/f");
  await file.write(0, [Buffer.from("12")]);
  await file.sync();
  assert.equal(nowMs, 0);
  observer = (ms) => void seen.push(ms);
  await file.sync();
  await file.writeDurably(2, [Buffer.from("3"), Buffer.from("4")]);
  await disk.replace("/a/g", Buffer.from("g"));
  assert.deepEqual(seen, [1, 1, 1]);
  await file.close();
  const target = Buffer.alloc(8);
  assert.equal(disk.read("/a/f", 0, target, 0, 8), 4);
  assert.equal(target.toString("latin1", 0, 4), "1234");
  assert.equal(await disk.readLater("/a/f", 1, target, 0, 2), 2);
  await disk.rename("/a/g", "/a/h");
  await disk.remove("/a/f");
  assert.deepEqual(
    (await disk.list("/a")).map(({ name }) => name),
    ["h"],
  );
  assert.equal(disk.size("/a/h"), 1);
  await disk.removeFolder("/a");
  assert.equal(disk.size("/a/h"), -1);
  assert.ok((await disk.space("/")).freeBytes > 0);
});
