import assert from "node:assert/strict";
import test from "node:test";
import * as fc from "fast-check";
import { PubAckQueue } from "./pub-ack-queue.ts";

test("first in, first out, whatever comes between", () => {
  const push = fc.record({
    reply: fc.string({ minLength: 1, maxLength: 60, unit: "binary-ascii" }),
    later: fc.nat({ max: 3 }),
  });
  const step = fc.oneof({ weight: 3, arbitrary: push }, { weight: 2, arbitrary: fc.nat({ max: 200 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const queue = new PubAckQueue();
      const model: { position: number; seq: number; tail: string; reply: string }[] = [];
      const target = Buffer.alloc(64);
      let position = 0;
      let durable = 0;
      for (const [seq, one] of steps.entries()) {
        if (typeof one !== "number") {
          position += one.later;
          const tail = `,${seq % 3}}`;
          const buf = Buffer.from(`<${one.reply}>`, "latin1");
          queue.push(position, seq, tail, buf, 1, buf.length - 1);
          model.push({ position, seq, tail, reply: one.reply });
        } else {
          durable = Math.min(durable + one, position);
          while (queue.isDue(durable)) {
            const first = model.shift();
            assert.ok(first !== undefined && first.position <= durable);
            assert.deepEqual(
              [queue.seq, queue.tail, queue.replyText()],
              [first.seq, first.tail, first.reply],
            );
            queue.copyReply(target);
            assert.equal(target.latin1Slice(0, queue.replyLength), first.reply);
            queue.shift();
          }
          assert.ok(model.length === 0 || model[0].position > durable);
        }
        assert.equal(queue.size, model.length);
      }
    }),
  );
});
