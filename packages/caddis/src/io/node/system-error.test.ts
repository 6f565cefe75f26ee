import assert from "node:assert/strict";
import { mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readTextFile, writePidFile } from "./process-files.ts";
import { describeSystemError, systemReason } from "./system-error.ts";

test("errors are worded as the system words them", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "caddis-error-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const reasonOf = (path: string): string => {
    try {
      return String(openSync(path, "r+"));
    } catch (error) {
      return systemReason(error);
    }
  };
  assert.equal(reasonOf(folder), "is a directory");
  assert.equal(reasonOf(join(folder, "none")), "no such file or directory");
  assert.equal(reasonOf(join(folder, "a".repeat(300))), "file name too long");
  assert.throws(() => writePidFile(folder, 1), { message: `open ${folder}: is a directory` });
  // It opens, and then there is nothing to read.
  assert.throws(() => readTextFile(folder), { message: `read ${folder}: is a directory` });
});

test("what is no error of the system keeps its own words", () => {
  assert.equal(describeSystemError("open", "x", new Error("odd")), "open x: odd");
  assert.equal(systemReason("text"), "text");
});
