import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { unmask } from "./websocket-mask.ts";

test("every byte loses its part of the mask, wherever the data lies, and no other byte", () => {
  const mask = fc.uint8Array({ minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200, size: "max" }), fc.nat(9), mask, (data, offset, key) => {
      const memory = new Uint8Array(offset + data.length + 9).fill(0xaa);
      memory.set(data, offset);
      unmask(memory.subarray(offset, offset + data.length), key);
      assert.deepEqual(
        memory,
        memory.map((_, i) =>
          i >= offset && i < offset + data.length ? data[i - offset] ^ key[(i - offset) & 3] : 0xaa,
        ),
      );
    }),
  );
});
