import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { claimsDirectory } from "../../io/node/claims-directory.ts";
import { StillDirectory } from "./still-directory.ts";

test("it shows what is there and what was changed, and leaves the folder as it is", async (t) => {
  const path = await mkdtemp(join(tmpdir(), "caddis-still-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  await writeFile(join(path, "a"), "1");
  await writeFile(join(path, "b.unfinished"), "2");
  const still = new StillDirectory(claimsDirectory(path, 100));
  assert.equal((await still.open()).ok, true);
  assert.deepEqual(await still.names(), { ok: true, value: ["a", "b.unfinished"] });
  assert.deepEqual(await still.read("a"), { ok: true, value: "1" });

  await still.write("c", "3");
  assert.deepEqual(await still.read("c"), { ok: true, value: "3" });
  assert.deepEqual(await still.rename("a", "d"), { ok: true, value: true });
  assert.deepEqual(await still.rename("a", "e"), { ok: true, value: false });
  assert.deepEqual(await still.read("a"), { ok: true, value: null });
  assert.deepEqual(await still.read("d"), { ok: true, value: "1" });
  assert.deepEqual(await still.remove("c"), { ok: true, value: true });
  assert.deepEqual(await still.remove("c"), { ok: true, value: false });
  assert.deepEqual(await still.names(), { ok: true, value: ["b.unfinished", "d"] });

  assert.deepEqual((await readdir(path)).toSorted(), ["a", "b.unfinished"]);
  assert.equal(await readFile(join(path, "a"), "utf8"), "1");
});

test("a folder that is missing is empty, and is not made; one that is a file is a problem", async (t) => {
  const path = await mkdtemp(join(tmpdir(), "caddis-still-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  const missing = new StillDirectory(claimsDirectory(join(path, "none"), 100));
  assert.equal((await missing.open()).ok, true);
  assert.deepEqual(await missing.names(), { ok: true, value: [] });
  assert.deepEqual(await readdir(path), []);
  await writeFile(join(path, "file"), "");
  const file = new StillDirectory(claimsDirectory(join(path, "file"), 100));
  assert.equal((await file.names()).ok, false);
});
