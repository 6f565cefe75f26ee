import assert from "node:assert/strict";
import { test } from "node:test";
import { BlockFileHash } from "./block-file-hash.ts";

/** By length: what the library that nats-server uses makes of bytes that rise by seven from their count. */
const HASHES: ReadonlyMap<number, string> = new Map([
  [0, "67ea67b3b3832cc5"],
  [1, "c1e6d185694dd562"],
  [2, "8dbd3fb08da99722"],
  [3, "b728dbd1118e9454"],
  [4, "c32cf15622d4d45f"],
  [7, "3178d4d30fd1ba87"],
  [15, "d3616fafbd8daf4f"],
  [16, "a855f6b2e93d8aee"],
  [17, "6aa144137b3d9e60"],
  [19, "f9661e317702f176"],
  [20, "3a07fc2e290ab637"],
  [31, "9340b21262c07527"],
  [32, "715804973894fe78"],
  [33, "f4d5dca1c20306f3"],
  [63, "134c6240a7c130da"],
  [64, "6e0b5092e74ecafe"],
  [100, "1ff19457b66ad6a6"],
  [1000, "9720dd81414490ec"],
]);

test("hashes as the library that nats-server uses", () => {
  const hash = new BlockFileHash(Buffer.from("S-1"));
  for (const [length, expected] of HASHES) {
    const bytes = Buffer.from(Array.from({ length }, (_, i) => (i * 7 + length) & 0xff));
    assert.equal(hash.hash(bytes).toString("hex"), expected, `${length} bytes`);
  }
});
