import assert from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { LogOpenError } from "./log-destination.ts";
import { LogFile, type Rotation } from "./log-file.ts";
import type { LineFormat } from "./log-format.ts";

const FORMAT: LineFormat = { style: "text", pid: 7, time: "none", colors: false };
const KEEP_ONE: Rotation = { sizeLimitBytes: 0, filesMax: 0 };

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "caddis-log-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A clock that is one second later at each look. */
function tickingClock(): () => number {
  let micros = Date.UTC(2026, 0, 2, 3, 4, 5) * 1000 + 678_901;
  return () => (micros += 1_000_000);
}

function open(t: TestContext, path: string, rotation: Rotation = KEEP_ONE): LogFile {
  const file = new LogFile(path, rotation, FORMAT, tickingClock());
  t.after(() => file.close());
  return file;
}

test("lines are appended, and in the file when write returns", (t) => {
  const path = join(folderFor(t), "a.log");
  writeFileSync(path, "before\n");
  open(t, path).write("info", "after");
  assert.equal(readFileSync(path, "utf8"), "before\n[7] [INF] after\n");
});

test("the file is made for its user and group alone", (t) => {
  const path = join(folderFor(t), "a.log");
  open(t, path);
  assert.equal(statSync(path).mode & 0o777, 0o640 & ~process.umask());
});

test("a file that cannot be opened is an error that names file and reason", (t) => {
  const path = join(folderFor(t), "missing", "a.log");
  assert.throws(
    () => open(t, path),
    new LogOpenError(`error opening file: open ${path}: no such file or directory`),
  );
});

test("a file over its size is set aside under a name with the time", (t) => {
  const folder = folderFor(t);
  const path = join(folder, "a.log");
  const file = open(t, path, { sizeLimitBytes: 20, filesMax: 0 });
  file.write("info", "1234567");
  assert.deepEqual(readdirSync(folder), ["a.log"], "17 bytes are not over 20");
  file.write("info", "x");
  const backup = readdirSync(folder).find((name) => name !== "a.log") ?? "";
  assert.match(backup, /^a\.log\.2026\.01\.0\d\.\d\d\.\d\d\.\d\d\.678901000$/);
  assert.equal(readFileSync(join(folder, backup), "utf8"), "[7] [INF] 1234567\n[7] [INF] x\n");
  assert.equal(
    readFileSync(path, "utf8"),
    `[7] [INF] Rotated log, backup saved as ${JSON.stringify(join(folder, backup))}\n`,
  );
});

test("what stood in the file before counts for its size", (t) => {
  const folder = folderFor(t);
  const path = join(folder, "a.log");
  writeFileSync(path, "x".repeat(100));
  open(t, path, { sizeLimitBytes: 50, filesMax: 0 }).write("info", "m");
  assert.equal(readdirSync(folder).length, 2);
});

for (const filesMax of [1, 2, 4]) {
  test(`of many rotated files ${filesMax} stay, the newest`, (t) => {
    const folder = folderFor(t);
    const path = join(folder, "a.log");
    writeFileSync(join(folder, "a.log.notes"), "somebody else's");
    writeFileSync(join(folder, "b.log.2020.01.01.00.00.00.000000000"), "another log's");
    writeFileSync(`${path}.2020.01.01.00.00.00.000000000`, "an older run's");
    const file = open(t, path, { sizeLimitBytes: 200, filesMax });
    for (let count = 0; count < 20; count++) file.write("info", `${count} ${"x".repeat(200)}`);
    const names = readdirSync(folder).sort();
    const ours = names.filter((name) => name.startsWith("a.log") && name !== "a.log.notes");
    assert.equal(ours.length, filesMax);
    assert.ok(names.includes("a.log.notes") && names.includes("b.log.2020.01.01.00.00.00.000000000"));
    const last = readFileSync(path, "utf8");
    assert.match(last, /Rotated log[^\n]*\n\[7\] \[INF\] Purged log file "[^"]*a\.log\.\d{4}/);
    // Line n is in the n-th newest backup: the rotation follows each line.
    if (filesMax > 1) assert.match(readFileSync(join(folder, ours.at(-1) ?? ""), "utf8"), /\] 19 x/);
  });
}

test("reopen writes on in a new file once the old one was moved away", (t) => {
  const folder = folderFor(t);
  const path = join(folder, "a.log");
  const file = open(t, path);
  file.write("info", "one");
  renameSync(path, join(folder, "moved"));
  file.write("info", "two");
  assert.equal(file.reopen(), true);
  file.write("info", "three");
  assert.equal(readFileSync(join(folder, "moved"), "utf8"), "[7] [INF] one\n[7] [INF] two\n");
  assert.equal(readFileSync(path, "utf8"), "[7] [INF] File log re-opened\n[7] [INF] three\n");
});

test("a file that cannot be reopened goes on with the open one and says so", (t) => {
  const folder = folderFor(t);
  const path = join(folder, "a.log");
  const file = open(t, path);
  renameSync(path, join(folder, "moved"));
  mkdirSync(path);
  file.reopen();
  file.write("info", "still here");
  assert.match(
    readFileSync(join(folder, "moved"), "utf8"),
    /^\[7\] \[ERR\] File log not re-opened: open .*a\.log: .+\n\[7\] \[INF\] still here\n$/,
  );
});

test("a rotation that fails loses nothing and is tried again later", (t) => {
  const folder = folderFor(t);
  const inner = join(folder, "logs");
  mkdirSync(inner);
  const path = join(inner, "a.log");
  const file = open(t, path, { sizeLimitBytes: 300, filesMax: 0 });
  renameSync(inner, join(folder, "away"));
  file.write("info", "x".repeat(300));
  file.write("info", "y");
  renameSync(join(folder, "away"), inner);
  const text = readFileSync(path, "utf8");
  assert.match(
    text,
    /x{300}\n\[7\] \[ERR\] Unable to rotate log, next attempt at \d+ bytes: .*\n\[7\] \[INF\] y\n$/,
  );
  file.write("info", "z".repeat(600));
  assert.equal(readdirSync(inner).length, 2);
});
