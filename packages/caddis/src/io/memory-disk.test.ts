import assert from "node:assert/strict";
import { test } from "node:test";
import { diskContract } from "../../../../test/contract/disk.ts";
import { DiskError } from "./disk.ts";
import { MemoryDisk } from "./memory-disk.ts";

async function open(): Promise<{ disk: MemoryDisk; folder: string; [Symbol.asyncDispose](): Promise<void> }> {
  const disk = new MemoryDisk();
  await disk.makeFolder("/tmp/test");
  return { disk, folder: "/tmp/test", [Symbol.asyncDispose]: () => Promise.resolve() };
}

diskContract("memory disk", open);

test("a memory disk that has no room says so, and takes what fits", async () => {
  const disk = new MemoryDisk(10);
  const file = await disk.openToWrite("/a");
  await file.write(0, [Buffer.from("12345678")]);
  const isFull = (error: unknown): boolean => error instanceof DiskError && error.fault === "full";
  await assert.rejects(file.writeDurably(8, [Buffer.from("123")]), isFull);
  await assert.rejects(disk.replace("/b", Buffer.from("123")), isFull);
  assert.equal(disk.size("/a"), 8);
  await file.writeDurably(6, [Buffer.from("1234")]);
  assert.deepEqual(await disk.space(), { freeBytes: 0, totalBytes: 10 });
});
