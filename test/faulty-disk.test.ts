import assert from "node:assert/strict";
import { test } from "node:test";
import { diskContract } from "./contract/disk.ts";
import { FaultyDisk } from "./support/faulty-disk.ts";

diskContract("faulty disk", async () => {
  const disk = new FaultyDisk(1);
  await disk.makeFolder("/x");
  return { disk, folder: "/x", [Symbol.asyncDispose]: () => Promise.resolve() };
});

/** What a file holds after the power went, over many seeds; "": there is none. */
async function fates(prepare: (disk: FaultyDisk) => Promise<void>, path: string): Promise<Set<string>> {
  const seen = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    const disk = new FaultyDisk(seed);
    await prepare(disk).catch((error: unknown) => {
      if (!disk.isKilled) throw error;
    });
    const after = disk.crash();
    seen.add(after.paths.includes(path) ? after.content(path).toString("latin1") : "");
  }
  return seen;
}

const OLD = "a".repeat(1024);
const NEW = "b".repeat(1024);

async function writeBoth(disk: FaultyDisk, syncsNew: boolean): Promise<void> {
  const file = await disk.openToWrite("/f");
  await file.writeDurably(0, [Buffer.from(OLD)]);
  await file.write(0, [Buffer.from(NEW)]);
  if (syncsNew) await file.sync();
}

test("what was synced stays; what was not is there, lost, or torn, sector by sector", async () => {
  assert.deepEqual([...(await fates((disk) => writeBoth(disk, true), "/f"))], [NEW]);
  const seen = await fates((disk) => writeBoth(disk, false), "/f");
  assert.ok(seen.has(OLD) && seen.has(NEW));
  const half = 512;
  assert.ok(seen.has(OLD.slice(0, half) + NEW.slice(half)), "the later sector alone");
  assert.ok(
    [...seen].some((text) => /ab|ba/.test(text.slice(0, half)) || /ab|ba/.test(text.slice(half))),
    "torn",
  );
});

test("a new end of a file is there, missing, or partly zeros", async () => {
  const seen = await fates(async (disk) => {
    const file = await disk.openToWrite("/f");
    await file.writeDurably(0, [Buffer.from("a".repeat(512))]);
    await file.write(512, [Buffer.from(NEW)]);
  }, "/f");
  const lengths = new Set([...seen].map((text) => text.length));
  assert.ok(lengths.has(512) && lengths.has(512 + 1024) && lengths.size > 2);
  assert.ok([...seen].some((text) => text.includes("\0") && text.endsWith("b")));
  assert.ok([...seen].every((text) => text.startsWith("a".repeat(512))));
});

test("a sync that fails leaves its bytes unsynced for good, whatever is synced later", async () => {
  const seen = await fates(async (disk) => {
    const file = await disk.openToWrite("/f");
    await file.writeDurably(0, [Buffer.from(OLD)]);
    await file.write(0, [Buffer.from(NEW.slice(0, 512))]);
    disk.failAt(disk.steps.length);
    await assert.rejects(file.sync());
    await file.write(512, [Buffer.from(NEW.slice(512))]);
    await file.sync();
  }, "/f");
  assert.deepEqual([...seen], [OLD.slice(0, 512) + NEW.slice(512)]);
});

test("a file is replaced as a whole or not at all, whenever the power goes", async () => {
  const replace = async (disk: FaultyDisk): Promise<void> => {
    await disk.replace("/f", Buffer.from(OLD));
    await disk.replace("/f", Buffer.from(NEW));
  };
  const whole = new FaultyDisk(0);
  await replace(whole);
  assert.equal(whole.steps.length, 10);
  for (let step = 0; step < 10; step++) {
    const seen = await fates((disk) => {
      disk.killAt(step);
      return replace(disk);
    }, "/f");
    const allowed = step < 5 ? ["", OLD] : [OLD, NEW];
    assert.ok(
      [...seen].every((text) => allowed.includes(text)),
      `step ${step}`,
    );
    // In the midst of the renaming and of the sync of its folder it may be either.
    if (step === 3 || step === 4 || step === 8 || step === 9) assert.equal(seen.size, 2, `step ${step}`);
  }
});

test("names that were not synced are there or not; the same seed gives the same disk", async () => {
  const rename = async (disk: FaultyDisk): Promise<void> => {
    await disk.replace("/f", Buffer.from("1"));
    disk.killAt(disk.steps.length + 1);
    await disk.rename("/f", "/g");
  };
  assert.deepEqual(await fates(rename, "/f"), new Set(["", "1"]));
  assert.deepEqual(await fates(rename, "/g"), new Set(["", "1"]));
  assert.deepEqual([...(await fates(rename, "/g"))], [...(await fates(rename, "/g"))]);
});

test("a disk that is filled takes what fits", async () => {
  const disk = new FaultyDisk(1);
  const file = await disk.openToWrite("/f");
  disk.fill(10);
  await file.write(0, [Buffer.from("12345678")]);
  await assert.rejects(file.write(8, [Buffer.from("abc")]), { fault: "full" });
  await assert.rejects(disk.replace("/g", Buffer.from("abc")), { fault: "full" });
  await file.write(4, [Buffer.from("abcd")]);
  disk.fill(Infinity);
  await file.write(8, [Buffer.from("abc")]);
  assert.equal(disk.content("/f").toString(), "1234abcdabc");
});
