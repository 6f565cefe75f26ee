import assert from "node:assert/strict";
import { test } from "node:test";
import { DiskError } from "../../packages/caddis/src/io/disk.ts";
import type { Disk, DiskFault } from "../../packages/caddis/src/io/disk.ts";

/** A disk to test, and a folder on it that is there and empty. */
export interface DiskUnderTest extends AsyncDisposable {
  readonly disk: Disk;
  readonly folder: string;
}

function isFault(fault: DiskFault): (error: unknown) => boolean {
  return (error) => error instanceof DiskError && error.fault === fault;
}

function contentOf(disk: Disk, path: string): string {
  const target = Buffer.alloc(disk.size(path));
  assert.equal(disk.read(path, 0, target, 0, target.length), target.length);
  return target.toString("latin1");
}

/** What every `Disk` does: tests to be run for each of them. */
export function diskContract(name: string, open: () => Promise<DiskUnderTest>): void {
  test(`${name}: writes in parts, reads in parts, also later`, async () => {
    await using under = await open();
    const { disk, folder } = under;
    const path = `${folder}/a`;
    const file = await disk.openToWrite(path);
    const chunks = Array.from({ length: 2500 }, (_, i) => Buffer.from(`${i};`));
    await file.write(0, chunks);
    const end = Buffer.concat(chunks).length;
    await file.writeDurably(end, [Buffer.alloc(0), Buffer.from("end"), Buffer.from("!")]);
    await file.write(end + 2, [Buffer.from("D")]);
    await file.sync();
    await file.writeDurably(2, []);
    await file.close();
    assert.equal(disk.size(path), end + 4);
    assert.equal(contentOf(disk, path), `${Buffer.concat(chunks).toString()}enD!`);
    const target = Buffer.alloc(8, ".");
    assert.equal(disk.read(path, end, target, 1, 7), 4, "less only at the end");
    assert.equal(target.toString(), ".enD!...");
    assert.equal(await disk.readLater(path, end + 3, target, 0, 8), 1);
    assert.equal(await disk.readLater(path, end + 4, target, 0, 8), 0);
    assert.equal(target.toString(), "!enD!...");
  });

  test(`${name}: a file opened again keeps its content, and a gap reads as zeros`, async () => {
    await using under = await open();
    const { disk, folder } = under;
    const path = `${folder}/a`;
    const file = await disk.openToWrite(path);
    await file.write(0, [Buffer.from("abc")]);
    await file.close();
    const again = await disk.openToWrite(path);
    await again.write(5, [Buffer.from("f")]);
    await again.sync();
    await again.close();
    assert.equal(contentOf(disk, path), "abc\0\0f");
  });

  test(`${name}: names are given, changed and taken, and who reads sees what has the name now`, async () => {
    await using under = await open();
    const { disk, folder } = under;
    await disk.makeFolder(`${folder}/x/y`);
    await disk.makeFolder(`${folder}/x/y`);
    await disk.replace(`${folder}/x/b`, Buffer.from("first"));
    assert.equal(contentOf(disk, `${folder}/x/b`), "first");
    await disk.replace(`${folder}/x/b`, Buffer.from("2nd"));
    assert.equal(contentOf(disk, `${folder}/x/b`), "2nd");
    await disk.replace(`${folder}/x/a`, Buffer.from("other"));
    assert.deepEqual(await disk.list(`${folder}/x`), [
      { name: "a", isFolder: false },
      { name: "b", isFolder: false },
      { name: "y", isFolder: true },
    ]);
    await disk.rename(`${folder}/x/a`, `${folder}/x/b`);
    assert.equal(contentOf(disk, `${folder}/x/b`), "other");
    assert.equal(disk.size(`${folder}/x/a`), -1);
    await disk.rename(`${folder}/x`, `${folder}/z`);
    assert.equal(contentOf(disk, `${folder}/z/b`), "other");
    assert.deepEqual(await disk.list(`${folder}/z/y`), []);
    await disk.remove(`${folder}/z/b`);
    await disk.remove(`${folder}/z/b`);
    assert.equal(disk.size(`${folder}/z/b`), -1);
    await disk.removeFolder(`${folder}/z`);
    await disk.removeFolder(`${folder}/z`);
    assert.deepEqual(await disk.list(folder), []);
    assert.deepEqual(await disk.list(`${folder}/z`), []);
  });

  test(`${name}: what is not there is absent`, async () => {
    await using under = await open();
    const { disk, folder } = under;
    assert.equal(disk.size(`${folder}/none`), -1);
    assert.ok(disk.size(folder) >= 0);
    assert.throws(() => disk.read(`${folder}/none`, 0, Buffer.alloc(1), 0, 1), isFault("absent"));
    await assert.rejects(disk.readLater(`${folder}/none`, 0, Buffer.alloc(1), 0, 1), isFault("absent"));
    await assert.rejects(disk.rename(`${folder}/none`, `${folder}/other`), isFault("absent"));
    await assert.rejects(disk.openToWrite(`${folder}/none/file`), isFault("absent"));
    await assert.rejects(disk.replace(`${folder}/none/file`, Buffer.from("x")), isFault("absent"));
  });

  test(`${name}: there is a space to write to`, async () => {
    await using under = await open();
    const { freeBytes, totalBytes } = await under.disk.space(`${under.folder}/not/yet`);
    assert.ok(freeBytes > 0 && totalBytes >= freeBytes);
  });
}
