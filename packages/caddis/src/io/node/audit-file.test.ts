import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { SILENT_LOG } from "../log.ts";
import { openAuditFile } from "./audit-file.ts";

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "caddis-audit-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("lines are appended, in a file of the server's user alone", (t) => {
  const path = join(folderFor(t), "audit.log");
  writeFileSync(path, "before\n");
  chmodSync(path, 0o644);
  const file = openAuditFile(path, SILENT_LOG);
  file.write("after");
  assert.equal(readFileSync(path, "utf8"), "before\nafter\n");
  assert.equal(statSync(path).mode & 0o777, 0o600);
  file.close();
});

test("a new file has the same mode", (t) => {
  const path = join(folderFor(t), "audit.log");
  openAuditFile(path, SILENT_LOG).close();
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test("a file that was moved away is made anew", (t) => {
  const path = join(folderFor(t), "audit.log");
  const file = openAuditFile(path, SILENT_LOG);
  file.write("one");
  renameSync(path, `${path}.1`);
  file.write("two");
  rmSync(path);
  file.write("three");
  assert.equal(readFileSync(`${path}.1`, "utf8"), "one\n");
  assert.equal(readFileSync(path, "utf8"), "three\n");
  file.close();
});

test("one that can't be made anew goes on in the old one, and the log hears of it once", (t) => {
  const path = join(folderFor(t), "audit.log");
  const errors: string[] = [];
  const file = openAuditFile(path, { ...SILENT_LOG, error: (text) => void errors.push(text) });
  renameSync(path, `${path}.1`);
  mkdirSync(path);
  file.write("one");
  file.write("two");
  assert.equal(readFileSync(`${path}.1`, "utf8"), "one\ntwo\n");
  assert.deepEqual(errors, [
    `Audit log: goes on in the file that was moved away: audit_log: open ${path}: is a directory`,
  ]);
  file.close();
});

test("a file that can't be opened is an error that names it", (t) => {
  const path = join(folderFor(t), "missing", "audit.log");
  assert.throws(() => openAuditFile(path, SILENT_LOG), {
    message: `audit_log: open ${path}: no such file or directory`,
  });
});

test("lines that are lost are told of once, and counted", (t) => {
  const told: string[] = [];
  const tell = (text: string): void => void told.push(text);
  const file = openAuditFile("/dev/full", { ...SILENT_LOG, error: tell, warn: tell });
  t.after(() => file.close());
  file.write("one");
  file.write("two");
  assert.deepEqual(told, ["Audit log: lines are lost: write /dev/full: no space left on device"]);
});
