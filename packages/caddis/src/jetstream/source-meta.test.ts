import assert from "node:assert/strict";
import test from "node:test";
import { decodeSources, encodeSources } from "./source-meta.ts";

const KEPT = {
  upTo: 7,
  cursors: new Map([["O a.* >", { seq: 5, storedSeq: 4, identity: "id" }]]),
};
const NOTHING = { upTo: 0, cursors: new Map() };

test("what is kept of sources is read again, by the stream that wrote it", () => {
  const json = encodeSources(KEPT, "S");
  assert.deepEqual(decodeSources(json, "S"), KEPT);
  assert.equal(decodeSources(json, "T"), null);
  assert.deepEqual(decodeSources(encodeSources(NOTHING, "S"), "S"), NOTHING);
  assert.deepEqual(decodeSources(json.replace('"stream":"S",', ""), "T"), KEPT, "as it was written before");
});

test("what is something else, or newer, is not taken", () => {
  assert.equal(decodeSources('{"format":2,"upTo":1,"sources":[]}', "S"), null);
  assert.equal(decodeSources('{"format":1,"created":{},"config":{}}', "S"), null);
  for (const sources of ["5", "[5]", '[["O",5]]', '[["O",{"seq":"5","storedSeq":4,"identity":"id"}]]'])
    assert.equal(decodeSources(`{"format":1,"upTo":1,"sources":${sources}}`, "S"), null, sources);
});
