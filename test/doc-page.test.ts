import assert from "node:assert/strict";
import { test } from "node:test";
import { endOfShown, isShown, stepsOf } from "./support/doc-page.ts";

const PAGE = `# Page

Save this as \`a.conf\`:

\`\`\`conf
port: 4222
\`\`\`

<!-- stays -->

\`\`\`sh
caddis -c a.conf
\`\`\`

<!-- fails -->

\`\`\`sh
false
\`\`\`

\`\`\`sh
echo one
echo two
\`\`\`

\`\`\`text
one
two
\`\`\`

<!-- in: caddis -->

\`\`\`text
ready
\`\`\`
`;

test("a page's blocks are steps", () => {
  assert.deepEqual(stepsOf(PAGE), [
    { kind: "file", line: 5, text: "port: 4222", name: "a.conf" },
    { kind: "stay", line: 11, text: "caddis -c a.conf" },
    { kind: "fail", line: 17, text: "false" },
    { kind: "run", line: 21, text: "echo one\necho two" },
    { kind: "output", line: 26, text: "one\ntwo", terminal: null },
    { kind: "output", line: 33, text: "ready", terminal: "caddis" },
  ]);
});

for (const [what, block] of [
  ["a file without a name", "Look at this:\n\n```conf\nport: 4222\n```\n"],
  ["a comment that means nothing", "<!-- stayz -->\n\n```sh\ncaddis\n```\n"],
]) {
  test(`${what} is no step`, () => {
    assert.throws(() => stepsOf(block), /what is this block/);
  });
}

const SHOWN: readonly (readonly [shown: string, actual: string, isSame: boolean])[] = [
  ["a\nb", "a\nb\n", true],
  ["a\nb", "a  \nb\n", true],
  ["a", "a\nb", false],
  ["b", "a\nb", false],
  ["a.", "ab", false],
  ["a … c", "a b c", true],
  ["a … c", "a b d", false],
  ["a…", "b a", false],
  ["…\nb\n…", "a\nb\nc", true],
  ["…\nb", "b", true],
  ["…\nb", "b\na\nb", true],
  ["…\nb", "b\na", false],
  ["a\n…", "a", true],
  ["12:00:00 a", "09:07:54 a", true],
  ["12:00:00 a", "9:07:54 a", false],
];

for (const [shown, actual, isSame] of SHOWN) {
  test(`${JSON.stringify(shown)} ${isSame ? "shows" : "does not show"} ${JSON.stringify(actual)}`, () => {
    assert.equal(isShown(actual, shown), isSame);
  });
}

test("shown lines are looked for in order, from a line on", () => {
  const log = "start\nready\nx\nreloaded\nreloaded\n";
  assert.equal(endOfShown(log, "ready\nreloaded", 0), 4);
  assert.equal(endOfShown(log, "reloaded", 4), 5);
  assert.equal(endOfShown(log, "reloaded", 5), null);
  assert.equal(endOfShown(log, "reloaded\nready", 0), null);
});
