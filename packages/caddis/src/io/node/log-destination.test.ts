import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { LineWriter } from "./log-destination.ts";

const PAGE_BYTES = 4_096;

/** A pipe that does not wait when it is full, as others who share stderr may make it. */
class FullPipe {
  readonly fd: number;

  constructor(t: TestContext) {
    const folder = mkdtempSync(join(tmpdir(), "caddis-pipe-"));
    const path = join(folder, "pipe");
    assert.equal(spawnSync("mkfifo", [path]).status, 0);
    this.fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    t.after(() => {
      closeSync(this.fd);
      rmSync(folder, { recursive: true });
    });
    this.fill();
  }

  fill(): void {
    try {
      for (;;) writeSync(this.fd, "x".repeat(512));
    } catch {
      // Now it is full.
    }
  }

  /** Makes room for one page, which a pipe gives free as a whole. */
  drainPage(): void {
    readSync(this.fd, Buffer.alloc(PAGE_BYTES));
  }

  /** What was in it, without what filled it. */
  drain(): string {
    let text = "";
    const buf = Buffer.alloc(65_536);
    try {
      for (;;) text += buf.toString("latin1", 0, readSync(this.fd, buf));
    } catch {
      return text.replace(/^x*/, "");
    }
  }
}

test("only the first line waits for a full pipe; what is lost is told when lines get through again", (t) => {
  const pipe = new FullPipe(t);
  const naps = t.mock.method(Atomics, "wait", () => "timed-out");
  const writer = new LineWriter(pipe.fd, { style: "text", pid: 7, time: "none", colors: false }, () => 0);
  assert.equal(writer.write("info", "one"), 0);
  const patience = naps.mock.callCount();
  assert.ok(patience > 0, "a moment of patience");
  for (const message of ["two", "three", "four"]) assert.equal(writer.write("info", message), 0);
  // There is room to tell of the loss, but not for what comes next.
  pipe.drainPage();
  assert.equal(writer.write("info", "y".repeat(PAGE_BYTES)), 0);
  assert.equal(naps.mock.callCount(), patience);
  pipe.drain();
  assert.ok(writer.write("info", "five") > 0);
  assert.equal(pipe.drain(), "[7] [WRN] 1 log line(s) lost before this one\n[7] [INF] five\n");
  // It has worked, so that patience makes sense again.
  pipe.fill();
  writer.write("info", "six");
  assert.equal(naps.mock.callCount(), 2 * patience);
});
