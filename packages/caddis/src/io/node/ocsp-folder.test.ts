import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { openOcspFolder } from "./ocsp-folder.ts";

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "caddis-ocsp-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test("writes whole files for its owner alone, and makes the folder", async (t) => {
  const path = join(folder(t), "a", "b");
  const files = openOcspFolder(path);
  assert.equal(await files.read("x", 10), null);
  assert.equal(await files.write("x", Uint8Array.of(1)), null);
  assert.equal(await files.write("x", Uint8Array.of(2, 3)), null);
  assert.deepEqual(await files.read("x", 10), Buffer.of(2, 3));
  assert.deepEqual(readdirSync(path), ["x"]);
  assert.equal(statSync(join(path, "x")).mode & 0o777, 0o600);
  assert.equal(statSync(path).mode & 0o027, 0);
});

test("reads no more than it may", async (t) => {
  const path = folder(t);
  writeFileSync(join(path, "x"), "12345");
  const files = openOcspFolder(path);
  assert.deepEqual(await files.read("x", 5), Buffer.from("12345"));
  assert.equal(await files.read("x", 4), `${join(path, "x")} is larger than 4 bytes`);
});

test("says what does not work", async (t) => {
  const path = join(folder(t), "file");
  writeFileSync(path, "");
  const files = openOcspFolder(path);
  assert.equal(await files.read("x", 5), `open ${join(path, "x")}: not a directory`);
  assert.match((await files.write("x", Uint8Array.of(1))) ?? "", /^write .*: file already exists$/);
});
