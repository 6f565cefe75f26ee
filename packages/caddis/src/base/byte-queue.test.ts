import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { ByteQueue } from "./byte-queue.ts";

test("bytes come out in the order in which they went in, however they are cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom("append", "take", "skip", "peek"), fc.nat(20)), { maxLength: 60 }),
      (steps) => {
        const queue = new ByteQueue();
        let next = 0;
        let first = 0;
        for (const [kind, wanted] of steps) {
          const count = Math.min(wanted, queue.length);
          const expected = Array.from({ length: count }, (_, i) => (first + i) & 0xff);
          if (kind === "append")
            queue.append(Buffer.from(Array.from({ length: wanted }, () => next++ & 0xff)));
          else if (kind === "peek") assert.deepEqual([...queue.peek(count)], expected);
          else {
            if (kind === "take") assert.deepEqual([...queue.take(count)], expected);
            else queue.skip(count);
            first += count;
          }
          assert.equal(queue.length, next - first);
        }
      },
    ),
  );
});
