import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAdvertised, checkServerName, parseAdvertised, parseHostPort } from "./checks.ts";
import { parseSize } from "./size.ts";

test("host:port", () => {
  const good: [string, string, number][] = [
    ["a:5", "a", 5],
    [":5", "", 5],
    ["[::1]:5", "::1", 5],
    [" 1.2.3.4:-1", "1.2.3.4", -1],
    ["a:+5", "a", 5],
    ["a:0", "a", 0],
  ];
  for (const [text, host, port] of good) assert.deepEqual(parseHostPort(text), { host, port }, text);
  const bad: [string, string][] = [
    ["abc", 'could not parse address string "abc"'],
    ["", 'could not parse address string ""'],
    ["::1:5", 'could not parse address string "::1:5"'],
    ["1.2.3.4:5:6", 'could not parse address string "1.2.3.4:5:6"'],
    ["a:b", 'could not parse port "b"'],
    ["a:", 'could not parse port ""'],
    ["a: 5", 'could not parse port " 5"'],
    ["a:70000", "invalid port 70000"],
    ["a:-2", "invalid port -2"],
  ];
  for (const [text, problem] of bad) assert.deepEqual(parseHostPort(text), { problem }, text);
});

test("advertised addresses: what nats-server starts with (probed), and nothing else", () => {
  const good: [string, string, number][] = [
    ["h", "h", 0],
    ["h:1", "h", 1],
    ["h:0", "h", 0],
    ["h:-1", "h", 0],
    ["h:+5", "h", 5],
    ["h:00005", "h", 5],
    [" h : 5 ", "h", 5],
    [":5", "", 5],
    [" ", "", 0],
    ["[::1]:5", "::1", 5],
    ["[::1]", "::1", 0],
    ["[h]:5", "h", 5],
    ["[]:5", "", 5],
    ["h:65536", "h", 65_536],
    ["h:-2", "h", -2],
  ];
  for (const [text, host, port] of good) {
    assert.deepEqual(parseAdvertised(text), { host, port }, text);
    assert.equal(checkAdvertised(text), null);
  }
  for (const text of ["::1", "a:b:c", "[x]y:3", "[::1]5:6", "nats://h:5", "[h", "h]"]) {
    assert.equal(checkAdvertised(text), `could not parse address string ${JSON.stringify(text)}`);
  }
  for (const port of ["", "x", "0x5", "1.5", "9".repeat(20)]) {
    assert.equal(checkAdvertised(`h:${port}`), `could not parse port ${JSON.stringify(port)}`);
  }
});

test("server names", () => {
  assert.equal(checkServerName("a-b"), null);
  assert.equal(checkServerName("a b"), "server name cannot contain spaces");
});

test("sizes", () => {
  const cases: [string, number | null][] = [
    ["5", 5],
    ["-5", -5],
    ["64k", 64_000],
    ["64KB", 65_536],
    ["1MiB", 1_048_576],
    ["2gi", 2 ** 31],
    ["9e", null],
    ["", null],
    ["5x", null],
    ["1.5k", null],
    ["k", null],
  ];
  for (const [text, size] of cases) assert.equal(parseSize(text), size, text);
});
