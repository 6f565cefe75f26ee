import assert from "node:assert/strict";
import { test } from "node:test";
import { Bytes } from "../base/bytes.ts";
import type { PipeEvents, UnattachedPipe } from "../io/pipe.ts";
import { openInProcessConnection } from "./in-process-connection.ts";

/** A pipe that notes what is asked of it, and takes what is written at once or later. */
class NotingPipe implements UnattachedPipe {
  readonly remoteHost = "";
  readonly remotePort = 0;
  readonly calls: string[] = [];
  takesAtOnce = true;
  events: PipeEvents | null = null;

  secure(): void {
    this.calls.push("secure");
  }

  attach(events: PipeEvents): void {
    this.events = events;
  }

  write(buf: Buffer, length: number): boolean {
    this.calls.push(`write ${buf.latin1Slice(0, length)}`);
    return this.takesAtOnce;
  }

  writeAll(bufs: readonly Buffer[], lengths: readonly number[]): boolean {
    this.calls.push(`writeAll ${bufs.map((buf, i) => buf.latin1Slice(0, lengths[i])).join(" ")}`);
    return this.takesAtOnce;
  }

  pause(): void {
    this.calls.push("pause");
  }

  resume(): void {
    this.calls.push("resume");
  }

  end(): void {
    this.calls.push("end");
  }

  destroy(): void {
    this.calls.push("destroy");
  }
}

const NOBODY = { onData: (): void => {}, onClose: (): void => {} };

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");

test("sends at once while the pipe takes it, and the part that a view shows", () => {
  const pipe = new NotingPipe();
  const connection = openInProcessConnection(pipe, NOBODY);
  connection.send(bytes("one"));
  connection.send(bytes("<two>").subarray(1, 4));
  assert.deepEqual(pipe.calls, ["write one", "write two"]);
});

test("one write is outstanding at most; what comes meanwhile follows in one", () => {
  const pipe = new NotingPipe();
  const connection = openInProcessConnection(pipe, NOBODY);
  pipe.takesAtOnce = false;
  for (const text of ["a", "b", "c"]) connection.send(bytes(text));
  assert.deepEqual(pipe.calls, ["write a"]);
  pipe.events?.onWritten();
  assert.deepEqual(pipe.calls, ["write a", "writeAll b c"]);
  connection.send(bytes("d"));
  pipe.takesAtOnce = true;
  pipe.events?.onWritten();
  connection.send(bytes("e"));
  assert.deepEqual(pipe.calls.slice(2), ["writeAll d", "write e"]);
});

test("end waits for what was sent; nothing is sent after it", () => {
  const pipe = new NotingPipe();
  const connection = openInProcessConnection(pipe, NOBODY);
  pipe.takesAtOnce = false;
  connection.send(bytes("a"));
  connection.send(bytes("b"));
  connection.end();
  connection.send(bytes("late"));
  pipe.events?.onWritten();
  assert.deepEqual(pipe.calls, ["write a", "writeAll b"]);
  pipe.events?.onWritten();
  connection.end();
  assert.deepEqual(pipe.calls, ["write a", "writeAll b", "end"]);
});

test("destroy does not wait, also after an end that does", () => {
  const pipe = new NotingPipe();
  const connection = openInProcessConnection(pipe, NOBODY);
  pipe.takesAtOnce = false;
  connection.send(bytes("a"));
  connection.send(bytes("lost"));
  connection.end();
  connection.destroy();
  connection.destroy();
  pipe.events?.onWritten();
  assert.deepEqual(pipe.calls, ["write a", "destroy"]);
});

test("after destroy nothing comes but the end; after end what the server still sends", () => {
  for (const how of ["end", "destroy"] as const) {
    const pipe = new NotingPipe();
    const told: string[] = [];
    const connection = openInProcessConnection(pipe, {
      onData: (data) => told.push(Buffer.from(data).toString("latin1")),
      onClose: () => told.push("closed"),
    });
    connection[how]();
    const input = new Bytes(4);
    input.buf.latin1Write("late", 0);
    pipe.events?.onData(input, 4);
    pipe.events?.onClosed(null);
    assert.deepEqual(told, how === "end" ? ["late", "closed"] : ["closed"]);
  }
});

test("destroy after an end that is through does not wait for the server", () => {
  const pipe = new NotingPipe();
  const connection = openInProcessConnection(pipe, NOBODY);
  connection.end();
  connection.destroy();
  assert.deepEqual(pipe.calls, ["end", "destroy"]);
});

test("what comes belongs to the application, and the end is told", () => {
  const pipe = new NotingPipe();
  const got: Uint8Array[] = [];
  let closed = 0;
  const connection = openInProcessConnection(pipe, {
    onData: (data) => got.push(data),
    onClose: () => closed++,
  });
  const input = new Bytes(8);
  input.buf.latin1Write("hello...", 0);
  pipe.events?.onData(input, 5);
  input.buf.fill(0);
  assert.deepEqual(
    got.map((data) => Buffer.from(data).toString("latin1")),
    ["hello"],
  );
  connection.pause();
  connection.resume();
  pipe.events?.onClosed(null);
  connection.send(bytes("late"));
  connection.end();
  connection.destroy();
  assert.equal(closed, 1);
  assert.deepEqual(pipe.calls, ["pause", "resume"]);
});
