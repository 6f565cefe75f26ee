import assert from "node:assert/strict";
import { test } from "node:test";
import type { PolicyUser, PublishAnswer } from "../server/policy/policy.ts";
import { answerText, authTestHelp } from "./auth-test-text.ts";

const USER: PolicyUser = {
  name: "UABC",
  nameTag: "ann",
  account: "AABC",
  accountTag: "SHOP",
  permissionsFrom: "scoped signing key",
  role: "team",
};

const ANSWER: PublishAnswer = {
  kind: "publish",
  allowed: false,
  reason: "no rule",
  rule: null,
  user: USER,
  subject: "a",
  outcomes: [
    {
      allowed: true,
      reason: "a rule",
      rule: { list: "allow", subject: "b" },
      percent: 60,
      subject: "b",
      routes: [],
    },
    { allowed: false, reason: "no rule", rule: null, percent: 30, subject: "a", routes: [] },
    { allowed: true, reason: "lost", rule: null, percent: 10, subject: "", routes: [] },
  ],
  reply: null,
  responses: { max: -1, expiresMs: 0 },
  warnings: ["something"],
};

test("an answer, one fact a line", () => {
  assert.equal(
    answerText(ANSWER),
    `denied: publish to a
  why      no rule
  user     ann (UABC) in account SHOP (AABC), permissions of a scoped signing key (team)
  mapping  60 % go to b, allowed: a rule: allow "b"
  mapping  30 % keep their subject, denied: no rule
  mapping  10 % are lost
  answers  may answer each request it gets by any number of messages
  warning  something
`,
  );
});

test("ways into other accounts, with what lies behind them", () => {
  const way = { percent: 100, importedAs: "i", exportedAs: "e" };
  const routes = [
    {
      ...way,
      kind: "service" as const,
      account: "B",
      subject: "x",
      onward: [{ ...way, kind: "service" as const, account: "C", subject: "", percent: 20, onward: [] }],
    },
    { ...way, kind: "stream" as const, account: "D", subject: "y", onward: [] },
  ];
  const outcomes = [{ allowed: true, reason: "r", rule: null, percent: 100, subject: "a", routes }];
  const text = answerText({ ...ANSWER, allowed: true, outcomes, warnings: [], user: { ...USER, name: "" } });
  assert.deepEqual(text.split("\n").slice(3), [
    "  service  a goes to account B as x, by the service import of i",
    "  service  x goes to account C, whose mappings lose it (20 %), by the service import of i",
    "  stream   a goes to account D as y, by its stream import of e",
    "",
  ]);
});

test("users that are refused", () => {
  const text = answerText({ kind: "refused", allowed: false, reason: "expired", warnings: [] });
  assert.equal(text, "denied: expired\n");
});

test("nothing that a terminal would obey is printed", () => {
  const text = answerText({
    kind: "refused",
    allowed: false,
    reason: "\u001b[31m\u009b1m\r\n",
    warnings: [],
  });
  assert.equal(text, "denied: \\u001b[31m\\u009b1m\\r\\n\n");
});

test("help fits and names the program", () => {
  const lines = authTestHelp("nats-server").split("\n");
  assert.ok(lines.some((line) => line.startsWith("Usage: nats-server auth test")));
  for (const line of lines) assert.ok(line.length <= 140, line);
});
