import assert from "node:assert/strict";
import test from "node:test";
import * as fc from "fast-check";
import { DeliveryReply } from "./delivery-reply.ts";

const seq = fc.integer({ min: 1, max: 1e15 - 1 });
const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/);

function read(text: string): DeliveryReply | null {
  const reply = new DeliveryReply();
  const buf = Buffer.from(`xx${text}yy`, "latin1");
  return reply.read(buf, 2, buf.length - 2) ? reply : null;
}

test("a reply says what was delivered, with and without domain and account", () => {
  fc.assert(
    fc.property(
      fc.record({ stream: name, consumer: name, deliveries: seq, streamSeq: seq, consumerSeq: seq }),
      fc.record({
        ms: fc.integer({ min: 1, max: 4e12 }),
        ns: fc.integer({ min: 0, max: 999_999 }),
        pending: fc.nat(),
      }),
      fc.constantFrom("", "_.ACCOUNT.", "hub.ACCOUNT."),
      fc.constantFrom("", ".x", ".x.y"),
      ({ stream, consumer, deliveries, streamSeq, consumerSeq }, { ms, ns, pending }, owner, tail) => {
        const time = `${ms}${String(ns).padStart(6, "0")}`;
        const numbers = `${deliveries}.${streamSeq}.${consumerSeq}.${time}.${pending}`;
        const reply = read(`$JS.ACK.${owner}${stream}.${consumer}.${numbers}${owner === "" ? "" : tail}`);
        assert.ok(reply !== null);
        const { timeMs, timeNs } = reply;
        assert.deepEqual(
          [reply.deliveries, reply.streamSeq, reply.consumerSeq],
          [deliveries, streamSeq, consumerSeq],
        );
        assert.deepEqual([timeMs, timeNs, reply.pending], [ms, ns, pending]);
        assert.ok(reply.isFrom(consumer));
        assert.ok(
          !reply.isFrom(`${consumer}x`) &&
            !reply.isFrom(consumer.slice(1)) &&
            !reply.isFrom(`.${consumer.slice(1)}`),
        );
      },
    ),
  );
});

test("anything else is no such reply", () => {
  const good = "$JS.ACK.S.C.1.2.3.1700000000000000000.4";
  assert.ok(read(good) !== null);
  assert.equal(read(good.replace(".2.", ".9007199254740991."))?.streamSeq, Number.MAX_SAFE_INTEGER);
  for (const bad of [
    "",
    "$JS.ACK.",
    "_INBOX.x",
    good.replace("ACK", "ACL"),
    `${good}.x`,
    good.slice(0, -2),
    good.replace(".1.", ".x."),
    good.replace(".1.", "..").replace(".2.", ".2.2."),
    good.replace(".2.", ".0."),
    good.replace(".2.", ".-2."),
    good.replace(".2.", ".9007199254740992."),
    good.replace(".2.", ".12345678901234567."),
    good.replace("17000", "17x00"),
    good.replace(".4", "."),
  ])
    assert.equal(read(bad), null, bad);
});
