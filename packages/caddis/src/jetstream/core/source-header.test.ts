import assert from "node:assert/strict";
import test from "node:test";
import { keyText, parseSourceHeader, sourceHeader } from "./source-header.ts";

const KEY = { origin: "O:hash", filters: "a.*\fb", destinations: ">\fc.$1" };

test("what is written is read again", () => {
  for (const identity of ["", "identity"]) {
    const header = sourceHeader(KEY, 42, "a.b", identity);
    assert.deepEqual(parseSourceHeader(header), { key: keyText(KEY), origin: "O:hash", seq: 42, identity });
  }
  assert.equal(sourceHeader(KEY, 42, "a.b", "id"), "O:hash 42 a.*\fb >\fc.$1 a.b id");
});

test("what older servers wrote is understood", () => {
  const old = { key: "", origin: "O", seq: 7, identity: "" };
  assert.deepEqual(parseSourceHeader("O 7"), old);
  assert.deepEqual(parseSourceHeader("$JS.ACK.O.C.1.7.3.1700000000000000000.4"), old);
  assert.deepEqual(parseSourceHeader("$JS.ACK._.acc.O.C.1.7.3.1700000000000000000.4.x"), old);
  assert.deepEqual(parseSourceHeader("O 7 > >"), { ...old, key: "O > >" });
});

test("nonsense is none", () => {
  for (const header of [
    "",
    "O",
    "O 7 >",
    "O x",
    "O 7x > > s",
    "O -1 > > s",
    "$JS.ACK.O",
    "$JS.ACK.O.C.1.x.3.17.4",
  ])
    assert.equal(parseSourceHeader(header), null, header);
});
