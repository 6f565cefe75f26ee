import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { SILENT_LOG } from "../io/log.ts";
import { type Logger, logTo } from "./logger.ts";

const ALL = { debug: true, trace: true };
const LEVELS = ["info", "warn", "error", "fatal", "debug", "trace"] as const;

/** Says one thing on each level. */
function talk(logger: Logger): void {
  const log = logTo(logger, ALL);
  for (const level of LEVELS) log[level](`a ${level} line`);
}

test("each level goes to the logger's function of that name", () => {
  const lines: string[] = [];
  const noteAs =
    (level: string) =>
    (message: string): void =>
      void lines.push(`${level}: ${message}`);
  talk({
    info: noteAs("info"),
    warn: noteAs("warn"),
    error: noteAs("error"),
    fatal: noteAs("fatal"),
    debug: noteAs("debug"),
    trace: noteAs("trace"),
  });
  assert.deepEqual(
    lines,
    LEVELS.map((level) => `${level}: a ${level} line`),
  );
});

test("a level that a logger lacks goes to the next one", () => {
  const lines: string[] = [];
  const noteAs =
    (level: string) =>
    (message: string): void =>
      void lines.push(`${level}: ${message}`);
  talk({ info: noteAs("info"), warn: noteAs("warn"), error: noteAs("error") });
  assert.deepEqual(lines, [
    "info: a info line",
    "warn: a warn line",
    "error: a error line",
    "error: a fatal line",
    "info: a debug line",
    "info: a trace line",
  ]);
});

test("a logger keeps its this", () => {
  class Counter {
    count = 0;
    info(): void {
      this.count++;
    }
    warn(): void {
      this.count++;
    }
    error(): void {
      this.count++;
    }
    trace(): void {
      this.count++;
    }
  }
  const counter = new Counter();
  talk(counter);
  assert.equal(counter.count, LEVELS.length);
});

test("a console gets trace lines without stacks", () => {
  let text = "";
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  talk(new console.Console(stream, stream));
  assert.equal(text, LEVELS.map((level) => `a ${level} line\n`).join(""));
});

test("levels are on as the options say, and without a logger there is silence", () => {
  const log = logTo(console, { debug: true, trace: false });
  assert.deepEqual([log.debugEnabled, log.traceEnabled], [true, false]);
  assert.deepEqual(logTo(undefined, ALL), SILENT_LOG);
});
