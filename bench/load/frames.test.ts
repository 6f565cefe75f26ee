import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { FrameReader } from "./frames.ts";

/** Feeds `stream` in pieces cut at the given places and returns the frames seen. */
function read(stream: string, frameBytes: number, cuts: readonly number[]): string[] {
  const frames: string[] = [];
  const reader = new FrameReader(frameBytes, (frame, index) => {
    assert.equal(index, frames.length);
    frames.push(frame.toString("latin1"));
  });
  const bytes = Buffer.from(stream, "latin1");
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (let i = 1; i < places.length; i++) reader.push(bytes.subarray(places[i - 1], places[i]));
  assert.equal(reader.frameCount, frames.length);
  return frames;
}

test("messages come out whole however the stream is cut, PING and PONG left out", () => {
  const part = fc.constantFrom("PING\r\n", "PONG\r\n", "MSG a 1 1\r\nx\r\n", "MSG b 2 1\r\ny\r\n");
  fc.assert(
    fc.property(fc.array(part), fc.array(fc.nat()), (parts, cuts) => {
      const messages = parts.filter((text) => text.startsWith("MSG"));
      assert.deepEqual(read(parts.join(""), "MSG a 1 1\r\nx\r\n".length, cuts), messages);
    }),
  );
});

test("what is no message is refused", () => {
  assert.throws(() => read("-ERR 'Slow Consumer'\r\n", 14, []), /expected a message, got "-ERR/);
  assert.throws(() => read("PONGPI", 14, []), /expected a message, got "PONGPI"/);
});
