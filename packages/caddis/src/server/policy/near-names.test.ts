import assert from "node:assert/strict";
import { test } from "node:test";
import { nearNames, unknownName } from "./near-names.ts";

test("names with a slip are near, the nearest first, whatever the case", () => {
  const known = ["alice", "Alicia", "bob", "alcie", "malice"];
  assert.deepEqual(nearNames("alice", known), ["alice", "malice"]);
  assert.deepEqual(nearNames("ALICE", known), ["alice", "malice"]);
  assert.deepEqual(nearNames("bo", known), ["bob"]);
  assert.deepEqual(nearNames("zzz", known), []);
});

test("names that are very long are not compared", () => {
  const long = "a".repeat(100_000);
  assert.deepEqual(nearNames(long, [long]), []);
});

test("nothing near: all names if they are few", () => {
  assert.equal(unknownName("user", "zzz", ["b", "a"]), 'there is no user "zzz"; there is a, b');
  assert.equal(unknownName("user", "zzz", []), 'there is no user "zzz"');
  assert.equal(unknownName("user", "zzz", ["a", "b", "c", "d", "e", "f"]), 'there is no user "zzz"');
  assert.equal(
    unknownName("account", "alic", ["alice", "b"]),
    'there is no account "alic"; did you mean alice?',
  );
});
