import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { makeFolders } from "./make-folder.ts";

const MODE = 0o700;

function rootOf(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), "caddis-folders-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

test("what is missing is made, from the top, and the topmost is told", async (t) => {
  const root = rootOf(t);
  const path = join(root, "a", "b", "c");
  assert.equal(await makeFolders(path, MODE), join(root, "a"));
  assert.ok(statSync(path).isDirectory());
  assert.equal(statSync(path).mode & 0o777, MODE);
  assert.equal(await makeFolders(path, MODE), undefined, "all are there");
  assert.equal(await makeFolders(join(path, "d"), MODE), join(path, "d"));
  symlinkSync(path, join(root, "link"));
  assert.equal(await makeFolders(join(root, "link"), MODE), undefined, "a link to a folder is one");
});

test("several that make the same folders all succeed", async (t) => {
  const path = join(rootOf(t), "a", "b", "c", "d");
  await Promise.all(Array.from({ length: 16 }, () => makeFolders(path, MODE)));
  assert.ok(existsSync(path));
});

test("a file in the way is named", async (t) => {
  const file = join(rootOf(t), "file");
  writeFileSync(file, "");
  await assert.rejects(makeFolders(file, MODE), { code: "EEXIST" });
  await assert.rejects(makeFolders(join(file, "a", "b"), MODE), { code: "ENOTDIR" });
});

test("where the system makes no folder, there is an end", async (t) => {
  if (!existsSync("/proc/self")) {
    t.skip("no /proc here");
    return;
  }
  await assert.rejects(makeFolders("/proc/nothing/here", MODE), { code: "ENOENT", path: "/proc/nothing" });
});
