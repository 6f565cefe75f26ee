import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { logCode } from "../log-codes.ts";
import { formatLine, oneLine, type LineFormat } from "./log-format.ts";

const TEXT: LineFormat = { style: "text", pid: 4242, time: "utc", colors: false };
/** 2026-11-20T05:29:41.588138Z */
const MICROS = Date.UTC(2026, 10, 20, 5, 29, 41) * 1000 + 588_138;

test("a text line has process id, time, level and message", () => {
  assert.equal(
    formatLine(TEXT, "info", "Server is ready", MICROS),
    "[4242] 2026/11/20 05:29:41.588138 [INF] Server is ready\n",
  );
});

test("a text line without time", () => {
  assert.equal(formatLine({ ...TEXT, time: "none" }, "error", "no", MICROS), "[4242] [ERR] no\n");
});

test("every level has its label, and its colour on a terminal", () => {
  const format: LineFormat = { ...TEXT, time: "none" };
  const lines = (["info", "warn", "error", "fatal", "debug", "trace"] as const).map((level) => [
    formatLine(format, level, "m", MICROS),
    formatLine({ ...format, colors: true }, level, "m", MICROS),
  ]);
  assert.deepEqual(lines, [
    ["[4242] [INF] m\n", "[4242] [\x1b[32mINF\x1b[0m] m\n"],
    ["[4242] [WRN] m\n", "[4242] [\x1b[0;93mWRN\x1b[0m] m\n"],
    ["[4242] [ERR] m\n", "[4242] [\x1b[31mERR\x1b[0m] m\n"],
    ["[4242] [FTL] m\n", "[4242] [\x1b[31mFTL\x1b[0m] m\n"],
    ["[4242] [DBG] m\n", "[4242] [\x1b[36mDBG\x1b[0m] m\n"],
    ["[4242] [TRC] m\n", "[4242] [\x1b[33mTRC\x1b[0m] m\n"],
  ]);
});

test("local time follows the time zone", (t) => {
  const zone = process.env["TZ"];
  t.after(() => {
    if (zone === undefined) delete process.env["TZ"];
    else process.env["TZ"] = zone;
  });
  process.env["TZ"] = "Asia/Tokyo";
  const line = formatLine({ ...TEXT, time: "local" }, "info", "m", MICROS);
  assert.equal(line, "[4242] 2026/11/20 14:29:41.588138 [INF] m\n");
});

test("a JSON line has time, level, pid and msg, and the code of its kind", () => {
  const format: LineFormat = { ...TEXT, style: "json" };
  assert.equal(
    formatLine(format, "warn", 'a "b"\nc', MICROS),
    '{"time":"2026-11-20T05:29:41.588138Z","level":"warn","pid":4242,"msg":"a \\"b\\"\\nc"}\n',
  );
  assert.equal(
    formatLine({ ...format, time: "none" }, "trace", "m", MICROS),
    '{"level":"trace","pid":4242,"code":"client.traffic","msg":"m"}\n',
  );
  assert.equal(
    formatLine({ ...format, time: "none" }, "info", "Server is ready", MICROS),
    '{"level":"info","pid":4242,"code":"server.ready","msg":"Server is ready"}\n',
  );
});

test("control characters are written as escapes, everything else stays", () => {
  for (const unsafe of "\0\x1f\x7f\x80\x9f\u2028\u2029") assert.match(oneLine(unsafe), /^\\[xu][0-9a-f]+$/);
  assert.equal(oneLine("a\r\nb\tc\x1b[31m\x7f\x9b\u2028é日"), "a\\r\\nb\\tc\\x1b[31m\\x7f\\x9b\\u2028é日");
});

test("whatever the message, a text line is one line and a JSON line gives it back", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (message) => {
      const line = formatLine(TEXT, "info", message, MICROS);
      // eslint-disable-next-line no-control-regex
      assert.match(line, /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*\n$/);
      const json: unknown = JSON.parse(formatLine({ ...TEXT, style: "json" }, "info", message, MICROS));
      const code = logCode("info", message);
      assert.deepEqual(json, {
        time: "2026-11-20T05:29:41.588138Z",
        level: "info",
        pid: 4242,
        ...(code === undefined ? {} : { code }),
        msg: message,
      });
    }),
  );
});
