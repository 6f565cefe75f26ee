import assert from "node:assert/strict";
import { test } from "node:test";
import {
  errorLine,
  publishNotAllowed,
  queueNotAllowed,
  replyNotAllowed,
  tooManyTokens,
  WIRE_ERRORS,
} from "./errors.ts";

test("an error is one protocol line", () => {
  assert.equal(errorLine("Stale Connection"), "-ERR 'Stale Connection'\r\n");
  for (const text of Object.values(WIRE_ERRORS)) assert.match(text, /^[A-Za-z .]+$/);
});

test("errors name subjects in quotes", () => {
  assert.equal(publishNotAllowed("$NRG.x"), 'Permissions Violation for Publish to "$NRG.x"');
  assert.equal(replyNotAllowed("_R_.x"), 'Permissions Violation for Publish with Reply of "_R_.x"');
  assert.equal(
    queueNotAllowed("a", "_sys_"),
    'Permissions Violation for Subscription to "a" using queue "_sys_"',
  );
  assert.equal(tooManyTokens("a.b"), 'Permissions Violation for Subscription to "a.b", too many tokens');
});

test("no byte of a subject breaks out of the line", () => {
  for (let byte = 0; byte < 256; byte++) {
    const line = errorLine(publishNotAllowed(`$NRG.${String.fromCharCode(byte)}x`));
    assert.match(
      line,
      /^-ERR 'Permissions Violation for Publish to "\$NRG\.[^\r\n"]*(?:\\"x|[^\r\n"]*)"'\r\n$/,
      `byte ${byte}`,
    );
    assert.ok(
      Array.from(line).every((char) => char.charCodeAt(0) < 256),
      "a wire string",
    );
  }
  assert.ok(publishNotAllowed('a"\\\n\0\x7f\t').endsWith('"a\\"\\\\\\n\\x00\\x7f\\t"'));
  // Text stays the text it is.
  assert.ok(publishNotAllowed("caf\xc3\xa9").endsWith('"caf\xc3\xa9"'));
});
