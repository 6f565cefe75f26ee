/** However a peer cuts its bytes into messages, frames and segments, the same arrives; and no bytes bring the server down. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { constants, deflateRawSync } from "node:zlib";
import * as fc from "fast-check";
import { frame, OPCODES } from "./support/ws-frames.ts";
import { WsServer } from "./support/ws-server.ts";

const { binary, continuation, ping, text } = OPCODES;
const RSV1 = 0x40;
const OFFER = { headers: { "Sec-WebSocket-Extensions": "permessage-deflate" } };
const QUIET = "max_traced_msg_len: 10";

/** How a part of the stream travels: as one message, in so many frames. */
interface Cut {
  readonly bytes: number;
  readonly frames: number;
  readonly isText: boolean;
  readonly isCompressed: boolean;
  readonly isInterrupted: boolean;
}

const CUT: fc.Arbitrary<Cut> = fc.record({
  bytes: fc.integer({ min: 1, max: 500 }),
  frames: fc.integer({ min: 1, max: 4 }),
  isText: fc.boolean(),
  isCompressed: fc.boolean(),
  isInterrupted: fc.boolean(),
});

/** The frames of one message. */
function framesOf(data: Buffer, { frames, isText, isCompressed, isInterrupted }: Cut): Buffer[] {
  const payload = isCompressed
    ? deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
    : data;
  const size = Math.ceil(payload.length / frames);
  return Array.from({ length: frames }, (_, i) => {
    const opcode = i > 0 ? continuation : isText ? text : binary;
    const part = frame(opcode, payload.subarray(i * size, (i + 1) * size), {
      isFinal: i === frames - 1,
      reserved: isCompressed && i === 0 ? RSV1 : 0,
    });
    // Not after every byte: nobody is let ping without end.
    return isInterrupted && data.length >= 100 ? Buffer.concat([part, frame(ping)]) : part;
  });
}

test("what is published arrives, whatever it is cut into", { timeout: 60_000 }, async (t) => {
  const server = await WsServer.start(t, "compression: true", QUIET);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 2_000 }), { minLength: 1, maxLength: 20, size: "max" }),
      fc.array(CUT, { minLength: 1, maxLength: 50, size: "max" }),
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 50, size: "max" }),
      async (sizes, cuts, segments) => {
        const peer = await server.enter(OFFER);
        const payloads = sizes.map((size, i) => String(i).padEnd(size, "*"));
        const published = payloads.map((payload) => `PUB a ${payload.length}\r\n${payload}\r\n`).join("");
        const stream = Buffer.from(`SUB a 1\r\n${published}`);
        const frames: Buffer[] = [];
        for (let start = 0, i = 0; start < stream.length; i++) {
          const cut = cuts[i % cuts.length];
          frames.push(...framesOf(stream.subarray(start, start + cut.bytes), cut));
          start += cut.bytes;
        }
        const bytes = Buffer.concat(frames);
        for (let start = 0, i = 0; start < bytes.length; i++) {
          const end = start + segments[i % segments.length];
          peer.send(bytes.subarray(start, end));
          start = end;
        }
        assert.ok(await peer.barrier());
        const delivered = payloads.map((payload) => `MSG a 1 ${payload.length}\r\n${payload}\r\n`).join("");
        assert.ok(peer.text.includes(delivered));
        peer.drop();
      },
    ),
    { numRuns: 60 },
  );
});

test("no frames bring the server down", { timeout: 60_000 }, async (t) => {
  const server = await WsServer.start(t, "compression: true", `authorization { token: t }\n${QUIET}`);
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 300, size: "max" }),
    fc
      .record({
        opcode: fc.nat(15),
        reserved: fc.constantFrom(0, RSV1, 0x20),
        isFinal: fc.boolean(),
        isMasked: fc.boolean(),
      })
      .chain((shape) =>
        fc.uint8Array({ maxLength: 200, size: "max" }).map((data) => frame(shape.opcode, data, shape)),
      ),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { maxLength: 10, size: "max" }),
      fc.boolean(),
      async (pieces, isAdmitted) => {
        const peer = isAdmitted ? await server.enter(OFFER, { auth_token: "t" }) : await server.open(OFFER);
        for (const bytes of pieces) peer.send(bytes);
        peer.drop();
        await peer.waitUntil(() => peer.isClosed);
      },
    ),
    { numRuns: 200 },
  );
  assert.ok(await (await server.enter({}, { auth_token: "t" })).barrier());
});
