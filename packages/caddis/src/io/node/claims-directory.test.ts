import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { claimsDirectory } from "./claims-directory.ts";

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "caddis-claims-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test("makes the folder and writes files that only the server's user may see", async (t) => {
  const path = join(temporaryFolder(t), "a/b");
  const directory = claimsDirectory(path, 1_000);
  assert.deepEqual(await directory.open(), { ok: true, value: undefined });
  assert.equal(statSync(path).mode & 0o777, 0o700);
  assert.equal((await directory.write("x.jwt", "one")).ok, true);
  assert.equal((await directory.write("x.jwt", "two")).ok, true);
  assert.equal(statSync(join(path, "x.jwt")).mode & 0o777, 0o600);
  assert.deepEqual(await directory.read("x.jwt"), { ok: true, value: "two" });
  assert.deepEqual(readdirSync(path), ["x.jwt"]);
});

test("tells what is not there from what fails", async (t) => {
  const path = temporaryFolder(t);
  const directory = claimsDirectory(path, 10);
  assert.deepEqual(await directory.read("x"), { ok: true, value: null });
  assert.deepEqual(await directory.remove("x"), { ok: true, value: false });
  assert.deepEqual(await directory.rename("x", "y"), { ok: true, value: false });
  mkdirSync(join(path, "folder"));
  writeFileSync(join(path, "large"), "x".repeat(11));
  writeFileSync(join(path, "fits"), "x".repeat(10));
  symlinkSync(join(path, "fits"), join(path, "link"));
  assert.equal(spawnSync("mkfifo", [join(path, "pipe")]).status, 0);
  assert.deepEqual(await directory.names(), { ok: true, value: ["fits", "large", "link", "pipe"] });
  const problems = await Promise.all(["folder", "large", "pipe"].map((name) => directory.read(name)));
  assert.deepEqual(problems, [
    { ok: false, problem: `open ${path}/folder: not a regular file` },
    { ok: false, problem: `open ${path}/large: larger than 10 bytes` },
    { ok: false, problem: `open ${path}/pipe: not a regular file` },
  ]);
  assert.deepEqual(await directory.read("link"), { ok: true, value: "x".repeat(10) });
});

test("renames and removes", async (t) => {
  const path = temporaryFolder(t);
  const directory = claimsDirectory(path, 10);
  for (const name of ["a", "b"]) writeFileSync(join(path, name), name);
  assert.deepEqual(await directory.rename("a", "c"), { ok: true, value: true });
  assert.deepEqual(await directory.remove("b"), { ok: true, value: true });
  assert.deepEqual(readdirSync(path), ["c"]);
});

test("a crash between writing and renaming leaves the old text, and the rest is cleared away", async (t) => {
  const path = temporaryFolder(t);
  writeFileSync(join(path, "x.jwt"), "old");
  writeFileSync(join(path, "x.jwt.unfinished"), "new, or a part of it");
  writeFileSync(join(path, "mine.txt"), "hello");
  const directory = claimsDirectory(path, 1_000);
  assert.equal((await directory.open()).ok, true);
  assert.deepEqual(readdirSync(path).sort(), ["mine.txt", "x.jwt"]);
  assert.deepEqual(await directory.read("x.jwt"), { ok: true, value: "old" });
});

test("an unfinished file that became a link is not followed", async (t) => {
  const path = temporaryFolder(t);
  writeFileSync(join(path, "victim"), "untouched");
  symlinkSync(join(path, "victim"), join(path, "x.unfinished"));
  const directory = claimsDirectory(path, 1_000);
  assert.equal((await directory.write("x", "text")).ok, true);
  assert.equal(readFileSync(join(path, "victim"), "utf8"), "untouched");
  assert.equal(readFileSync(join(path, "x"), "utf8"), "text");
});

test("a folder that can't be had is told", async (t) => {
  const path = temporaryFolder(t);
  writeFileSync(join(path, "file"), "");
  const directory = claimsDirectory(join(path, "file"), 10);
  assert.equal((await directory.open()).ok, false);
  const written = await directory.write("x", "text");
  assert.deepEqual(written, { ok: false, problem: `write ${path}/file/x: not a directory` });
});

test("on a full disk a write fails, and what was there stays", async (t) => {
  // A limit of the process stands in for the disk's: no file may grow beyond 1024 bytes.
  const path = temporaryFolder(t);
  writeFileSync(join(path, "x.jwt"), "old");
  const script = `
    process.on("SIGXFSZ", () => {});
    const { claimsDirectory } = await import(${JSON.stringify(join(import.meta.dirname, "claims-directory.ts"))});
    const written = await claimsDirectory(${JSON.stringify(path)}, 1e6).write("x.jwt", "n".repeat(5000));
    console.log(JSON.stringify(written));`;
  const command = 'ulimit -f 1 && exec "$0" --input-type=module -e "$1"';
  const child = spawnSync("bash", ["-c", command, process.execPath, script], { encoding: "utf8" });
  assert.equal(child.status, 0, child.stderr);
  assert.deepEqual(JSON.parse(child.stdout), {
    ok: false,
    problem: `write ${path}/x.jwt: file too large`,
  });
  assert.equal(readFileSync(join(path, "x.jwt"), "utf8"), "old");
  assert.equal(existsSync(join(path, "x.jwt.unfinished")), false);
});
