import assert from "node:assert/strict";
import { test } from "node:test";
import { matches, matchesInAnyOrder } from "./match.ts";
import { parseTranscript } from "./transcript.ts";

test("a transcript has cases of steps", () => {
  const text = `# comment
config {
  max_payload: 20
}
later: a part
== one
A> PING
A sync
A< PONG
A|B< x
B>> y
== two
! SIGUSR2
A~ z
`;
  const { cases } = parseTranscript("x.txt", text);
  const setup = { config: "  max_payload: 20", later: "a part" };
  assert.deepEqual(
    cases.map(({ name, server }) => ({ name, server })),
    [
      { name: "one", server: { ...setup, exclusive: false } },
      { name: "two", server: { ...setup, exclusive: true } },
    ],
  );
  const [step, last] = cases[0]?.steps ?? [];
  assert.deepEqual(step?.commands, [
    { kind: "send", connection: "A", text: "PING", byteByByte: false, line: 7 },
    { kind: "action", connection: "A", action: "sync", line: 8 },
  ]);
  assert.deepEqual(step?.expectations, [
    { connections: ["A"], anyOrder: false, text: "PONG", line: 9 },
    { connections: ["A", "B"], anyOrder: false, text: "x", line: 10 },
  ]);
  assert.equal(last?.commands.length, 1);
});

test("what is not understood is an error with file and line", () => {
  assert.throws(() => parseTranscript("x.txt", "== a\nA jump\n"), /x\.txt:2: not understood: A jump/);
  assert.throws(() => parseTranscript("x.txt", "A> PING\n"), /x\.txt:1: outside of a case/);
  assert.throws(() => parseTranscript("x.txt", "config {\n"), /x\.txt:1: config block/);
  assert.throws(() => parseTranscript("x.txt", "== a\nA< PONG\n"), /x\.txt:2: expects output before/);
});

test("a line is the bytes it stands for", () => {
  assert.ok(matches("MSG grüße 1", "MSG gr\xc3\xbc\xc3\x9fe 1"));
  assert.ok(!matches("MSG foo.* 1", "MSG foo.x 1"));
  assert.ok(!matches("PONG", "PONG "));
});

test("placeholders stand for texts", () => {
  assert.ok(matches("MSG foo <<1|2>> 1", "MSG foo 2 1"));
  assert.ok(!matches("MSG foo <<1|2>> 1", "MSG foo 3 1"));
  assert.ok(matches("a <<*>> b", "a \n b"));
});

test("an INFO is compared by the fields that are named", () => {
  const received = 'INFO {"a":1,"b":"x","c":{"d":true}} ';
  assert.ok(matches('INFO {"a":1}', received));
  assert.ok(matches('INFO {"a":"<<number>>","b":"<</^x$/>>","c":{"d":true},"e":"<<absent>>"}', received));
  assert.ok(!matches('INFO {"a":2}', received));
  assert.ok(!matches('INFO {"b":"<<absent>>"}', received));
  assert.ok(!matches('INFO {"b":"<</^y$/>>"}', received));
  assert.ok(!matches('INFO {"a":1}', received.trimEnd()), "one space stands before CRLF");
});

test("messages in any order keep their payloads", () => {
  const expected = ["MSG foo 1 1", "a", "MSG foo 2 1", "b"];
  assert.ok(matchesInAnyOrder(expected, ["MSG foo 2 1", "b", "MSG foo 1 1", "a"]));
  assert.ok(!matchesInAnyOrder(expected, ["MSG foo 2 1", "a", "MSG foo 1 1", "b"]));
  assert.ok(!matchesInAnyOrder(expected, ["MSG foo 1 1", "a"]));
  assert.ok(!matchesInAnyOrder(["MSG foo 1 1", "a"], expected));
});
