import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { goQuote } from "./go-quote.ts";

/** Wire strings and what nats-server 2.15.1 writes for them in a permissions error (probed). */
const PROBED: readonly (readonly [wire: string, quoted: string])[] = [
  ["\xff", '"\\xff"'],
  ["\x80a\xc3\xa9", '"\\x80a\xc3\xa9"'],
  ["\xef\xbf\xbd", '"\xef\xbf\xbd"'],
  ["\xed\xa0\x80", '"\\xed\\xa0\\x80"'],
  ["\xc2\x80\xc2\xad\xe2\x80\x8b\xc2\xa0\xe2\x80\xa8", '"\\u0080\\u00ad\\u200b\\u00a0\\u2028"'],
  ["\xf0\x9f\x98\x80\xf3\xa0\x80\x81", '"\xf0\x9f\x98\x80\\U000e0001"'],
  ['\x7f\x01"\\\x07\x08\x0c\x0b', '"\\x7f\\x01\\"\\\\\\a\\b\\f\\v"'],
  [
    "\xee\x80\x80\xf4\x8f\xbf\xbf\xf4\x90\x80\x80\xc0\x80",
    '"\\ue000\\U0010ffff\\xf4\\x90\\x80\\x80\\xc0\\x80"',
  ],
  ["\xe3\x80\x80", '"\\u3000"'],
  ["a b\r\n\t", '"a b\\r\\n\\t"'],
  ["", '""'],
];

test("wire strings in quotes, as the reference writes them", () => {
  for (const [wire, quoted] of PROBED) assert.equal(goQuote(wire), quoted, JSON.stringify(wire));
});

test("what is quoted can be read back, and holds no control character", () => {
  const wire = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
  fc.assert(
    fc.property(wire, (text) => {
      const quoted = goQuote(text);
      // oxlint-disable-next-line no-control-regex
      assert.doesNotMatch(quoted, /[\x00-\x1f\x7f]/);
      assert.equal(unquote(quoted), text);
    }),
    { numRuns: 1_000 },
  );
});

/** The wire string that a quoted one stands for. */
function unquote(quoted: string): string {
  const names = 'abfnrtv"\\';
  const meant = '\x07\b\f\n\r\t\v"\\';
  return quoted
    .slice(1, -1)
    .replaceAll(
      /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))/g,
      (_all, byte?: string, short?: string, long?: string, name?: string) => {
        if (byte !== undefined) return String.fromCharCode(Number.parseInt(byte, 16));
        if (name !== undefined) return meant[names.indexOf(name)];
        const code = Number.parseInt(short ?? long ?? "", 16);
        return Buffer.from(String.fromCodePoint(code)).toString("latin1");
      },
    );
}
