import assert from "node:assert/strict";
import { test } from "node:test";
import { isFastBatchReply, parseFastBatchReply } from "./fast-batch-reply.ts";

test("a reply subject says all about a message", () => {
  assert.deepEqual(parseFastBatchReply("_INBOX.a.b.uuid.25.fail.1.0.$FI"), {
    id: "uuid",
    flow: 25,
    isGapFine: false,
    seq: 1,
    operation: "start",
  });
  const parsed = (tokens: string) => parseFastBatchReply(`p.${tokens}.$FI`);
  assert.deepEqual(
    ["u.1.ok.2.1", "u.1.ok.1.2", "u.1.ok.7.2", "u.1.ok.2.3", "u.1.ok.1.4", "u.1.ok.9.4"].map(
      (tokens) => parsed(tokens)?.operation,
    ),
    ["append", "commit", "commit", "commitEnd", "ping", "ping"],
  );
  assert.equal(parsed("u.0.ok.1.0")?.flow, 10);
  assert.equal(parsed("u.x.ok.1.0")?.flow, 10);
  assert.equal(parsed("u..ok.1.0")?.flow, 10);
  assert.equal(parsed("u.70000.ok.1.0")?.flow, 65_535);
  assert.equal(parsed("u.5.ok.1.0")?.isGapFine, true);
  assert.equal(parsed(".5.ok.1.0")?.id, "");
});

test("what does not have the form", () => {
  const wrong = [
    "u.1.ok.1.0", // no prefix
    "p.u.1.ok.1.5",
    "p.u.1.ok.1.x",
    "p.u.1.ok.1.",
    "p.u.1.ok.0.0",
    "p.u.1.ok.2.0",
    "p.u.1.ok.1.1",
    "p.u.1.ok.1.3",
    "p.u.1.ok.-1.1",
    "p.u.1.ok.99999999999999999.1",
    "p.u.1.OK.1.0",
    "p.u.1..1.0",
    "x",
  ];
  for (const tokens of wrong) assert.equal(parseFastBatchReply(`${tokens}.$FI`), null, tokens);
  assert.equal(isFastBatchReply("a.$FI"), true);
  for (const reply of ["", ".$FI", "a.$fi", "a.$FI.b", "$FI"])
    assert.equal(isFastBatchReply(reply), false, reply);
});
