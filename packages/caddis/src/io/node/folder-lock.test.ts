import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { lockFolder, take } from "./folder-lock.ts";

function folderOf(t: TestContext, name = ""): string {
  const root = mkdtempSync(join(tmpdir(), "caddis-lock-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

test("a folder has one holder at a time, and is left as it was", async (t) => {
  const folder = folderOf(t);
  const lock = await lockFolder(folder);
  await assert.rejects(
    lockFolder(folder),
    new RegExp(`in use by another server \\(process ${process.pid}\\)`),
  );
  await lock.release();
  assert.deepEqual(readdirSync(folder), []);
  await (await lockFolder(folder)).release();
  assert.deepEqual(readdirSync(folder), []);
});

test("of many at once one gets it", async (t) => {
  const folder = folderOf(t);
  const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder)));
  const locks = tries.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  assert.equal(locks.length, 1);
  await assert.rejects(lockFolder(folder), /in use/);
  await locks[0].release();
  assert.deepEqual(readdirSync(folder), []);
});

test("a path longer than a socket's may be", async (t) => {
  const folder = folderOf(t, "x".repeat(120));
  const lock = await lockFolder(folder);
  await assert.rejects(lockFolder(folder), /in use/);
  await lock.release();
  assert.deepEqual(readdirSync(folder), []);
});

test("whoever is killed leaves the folder to others", async (t) => {
  const folder = folderOf(t);
  const module = new URL("folder-lock.ts", import.meta.url).href;
  const script = `import { lockFolder, take } from ${JSON.stringify(module)};
await lockFolder(${JSON.stringify(folder)});
process.stdout.write("locked");
setInterval(() => {}, 1_000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  await assert.rejects(lockFolder(folder), new RegExp(`process ${child.pid}`));
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.deepEqual(readdirSync(folder), [".lock"]);
  const lock = await lockFolder(folder);
  await assert.rejects(lockFolder(folder), new RegExp(`process ${process.pid}`));
  await lock.release();
  assert.deepEqual(readdirSync(folder), []);
});

test("whoever comes in between a look and the taking keeps it", async (t) => {
  const folder = folderOf(t);
  const lock = await lockFolder(folder);
  await assert.rejects(take(folder, folder), /another server takes it just now/);
  await assert.rejects(lockFolder(folder), /in use/);
  assert.deepEqual(readdirSync(folder), [".lock"]);
  await lock.release();
  assert.deepEqual(readdirSync(folder), []);
});
