import assert from "node:assert/strict";
import { test } from "node:test";
import { Bytes } from "../base/bytes.ts";
import { ClientParser } from "../wire/client-parser.ts";
import type { ClientOps } from "../wire/operations.ts";
import { Backlog, BacklogBudget } from "./backlog.ts";

function bytesOf(text: string): Bytes {
  const bytes = new Bytes(text.length);
  bytes.buf.latin1Write(text, 0);
  return bytes;
}

/** A parser that tells PINGs and stops after so many. */
function pingParser(said: string[], onPing: (parser: ClientParser) => void): ClientParser {
  const unexpected = (): never => assert.fail("only PINGs were sent");
  const ops: ClientOps = {
    onPub: unexpected,
    onPubLine: unexpected,
    onSub: unexpected,
    onUnsub: unexpected,
    onConnect: unexpected,
    onPong: unexpected,
    onInfo: unexpected,
    onOk: unexpected,
    onErr: unexpected,
    onFault: unexpected,
    onTrace: unexpected,
    onPing() {
      said.push("PING");
      onPing(parser);
    },
  };
  const parser = new ClientParser(ops, 4096, 1024, false);
  return parser;
}

test("what was added is parsed in order, in pieces, and the budget knows what is held", () => {
  const budget = new BacklogBudget();
  const backlog = new Backlog(budget);
  const said: string[] = [];
  const parser = pingParser(said, (p) => {
    if (said.length % 2 === 0) p.state = "suspended";
  });
  const input = bytesOf("PING\r\n".repeat(5));
  for (const [start, end] of [
    [0, 7],
    [7, 13],
    [13, 30],
  ]) {
    backlog.add(input, start, end);
    assert.ok(budget.bytes >= end);
  }
  for (const total of [2, 4, 5]) {
    parser.state = "running";
    backlog.parse(parser);
    assert.equal(said.length, total);
  }
  assert.ok(backlog.isEmpty);
  assert.equal(budget.bytes, 0);
});

test("a backlog that is cleared in the middle of its own parsing is given back once", () => {
  const budget = new BacklogBudget();
  const backlog = new Backlog(budget);
  const other = new Backlog(budget);
  other.add(bytesOf("PING"), 0, 4);
  const said: string[] = [];
  const input = bytesOf("PING\r\nPING\r\n");
  backlog.add(input, 0, 12);
  const parser = pingParser(said, (p) => {
    p.state = "ended";
    backlog.clear();
  });
  backlog.parse(parser);
  assert.deepEqual(said, ["PING"]);
  assert.equal(budget.bytes, 4);
});
