import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { type Carriage, frameOf, framedBlock, OPERATIONS_PER_FRAME, Unframer } from "./websocket.ts";

/** As a server would send it: what `frameOf` makes, without the mask. */
function unmasked(frame: Buffer): Buffer {
  const bytes = Buffer.from(frame);
  const short = bytes[1] & 0x7f;
  const headBytes = short === 127 ? 10 : short === 126 ? 4 : 2;
  const mask = bytes.subarray(headBytes, headBytes + 4);
  const payload = bytes.subarray(headBytes + 4).map((byte, i) => byte ^ mask[i & 3]);
  bytes[1] &= 0x7f;
  return Buffer.concat([bytes.subarray(0, headBytes), payload]);
}

for (const carriage of ["websocket", "websocket-deflate"] satisfies Carriage[]) {
  test(`${carriage}: what was framed comes out whole, however the stream is cut`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300, size: "max" }), { maxLength: 5, size: "max" }),
        fc.array(fc.nat()),
        (messages, cuts) => {
          const stream = Buffer.concat(
            messages.map((data) => unmasked(frameOf(Buffer.from(data), carriage))),
          );
          const places = cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b);
          const seen: Buffer[] = [];
          const unframer = new Unframer((data) => seen.push(Buffer.from(data)));
          let start = 0;
          for (const end of [...places, stream.length]) {
            unframer.push(stream.subarray(start, end));
            start = end;
          }
          assert.deepEqual(Buffer.concat(seen), Buffer.concat(messages));
        },
      ),
    );
  });

  test(`${carriage}: a block has whole frames, and operations have a share of them`, () => {
    const operation = Buffer.from("PUB bench.000000 3\r\nabc\r\n");
    const { bytes, operationBytes } = framedBlock(
      { bytes: Buffer.concat(Array<Buffer>(1_000).fill(operation)), operationBytes: operation.length },
      carriage,
    );
    assert.equal(bytes.length % (operationBytes * OPERATIONS_PER_FRAME), 0);
  });
}

test("a close frame is a failure", () => {
  assert.throws(() => new Unframer(() => {}).push(Buffer.from([0x88, 0])), /closed the WebSocket/);
});
