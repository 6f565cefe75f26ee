import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { diskContract } from "../../../../../test/contract/disk.ts";
import type { DiskUnderTest } from "../../../../../test/contract/disk.ts";
import { DiskError } from "../disk.ts";
import { diskError } from "./disk-error.ts";
import { NodeDisk } from "./disk.ts";

async function open(): Promise<DiskUnderTest & { disk: NodeDisk }> {
  const disk = new NodeDisk();
  const folder = mkdtempSync(join(tmpdir(), "caddis-disk-"));
  return {
    disk,
    folder,
    [Symbol.asyncDispose]: async () => {
      disk.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** How many descriptors of this process lie in `folder`; null where the system does not tell. */
function openFilesIn(folder: string): number | null {
  let fds: string[];
  try {
    fds = readdirSync("/proc/self/fd");
  } catch {
    return null;
  }
  return fds.filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder);
    } catch {
      return false;
    }
  }).length;
}

diskContract("node disk", open);

test("files and folders are for the user of the server alone", async () => {
  await using under = await open();
  const { disk, folder } = under;
  await disk.makeFolder(`${folder}/x`);
  await disk.replace(`${folder}/x/a`, Buffer.from("1"));
  await (await disk.openToWrite(`${folder}/x/b`)).close();
  assert.equal(statSync(`${folder}/x`).mode & 0o777, 0o700);
  assert.equal(statSync(`${folder}/x/a`).mode & 0o777, 0o600);
  assert.equal(statSync(`${folder}/x/b`).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(`${folder}/x`), ["a", "b"]);
});

test("many files are read with few descriptors, and none is left behind", async (t) => {
  await using under = await open();
  const { disk, folder } = under;
  if (openFilesIn(folder) === null) {
    t.skip("the system does not list open files");
    return;
  }
  const count = 300;
  for (let i = 0; i < count; i++) writeFileSync(`${folder}/${i}`, `${i}`);
  const target = Buffer.alloc(8 * count);
  const reads = Array.from({ length: count }, (_, i) =>
    disk.readLater(`${folder}/${i}`, 0, target, 8 * i, 8),
  );
  for (let i = 0; i < count; i++) disk.read(`${folder}/${i}`, 0, Buffer.alloc(8), 0, 8);
  assert.deepEqual(
    await Promise.all(reads),
    Array.from({ length: count }, (_, i) => `${i}`.length),
  );
  for (let i = 0; i < count; i++)
    assert.equal(target.toString("latin1", 8 * i, 8 * i + `${i}`.length), `${i}`);
  assert.equal(openFilesIn(folder), 128);
  const file = await disk.openToWrite(`${folder}/0`);
  await file.writeDurably(0, [Buffer.from("x")]);
  assert.equal(openFilesIn(folder), 129, "a file being written has one descriptor");
  await file.close();
  await disk.removeFolder(folder);
  assert.equal(openFilesIn(folder), 0);
  await disk.makeFolder(folder);
});

test("faults of the system have names", async (t) => {
  await using under = await open();
  const { disk, folder } = under;
  writeFileSync(`${folder}/file`, "");
  await assert.rejects(disk.makeFolder(`${folder}/file/x`), (error) => {
    assert.ok(error instanceof DiskError);
    assert.equal(error.fault, "failed");
    assert.equal(error.message, `mkdir ${folder}/file/x: not a directory`);
    return true;
  });
  if (process.getuid?.() === 0) {
    t.diagnostic("as root nothing is denied");
    return;
  }
  chmodSync(folder, 0o500);
  await assert.rejects(disk.openToWrite(`${folder}/x`), { fault: "denied" });
  chmodSync(folder, 0o700);
});

test("where no descriptor is left the disk is busy: nothing was done", () => {
  for (const code of ["EMFILE", "ENFILE"]) {
    const error = Object.assign(new Error(code), { code });
    assert.equal(diskError("open", "/x", error).fault, "busy");
  }
});

test("a full device is full", async (t) => {
  if (process.platform !== "linux") {
    t.skip("no /dev/full");
    return;
  }
  const disk = new NodeDisk();
  // Opening syncs the folder, which /dev may not allow: the file is what matters.
  const { open } = await import("node:fs/promises");
  const { OpenFile } = await import("./open-file.ts");
  const file = new OpenFile("/dev/full", await open("/dev/full", "r+"));
  await assert.rejects(file.write(0, [Buffer.from("x"), Buffer.from("y")]), {
    fault: "full",
    message: "write /dev/full: no space left on device",
  });
  await file.close();
  disk.close();
});
