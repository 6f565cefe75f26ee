import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { FakePipe } from "../../../../test/support/fake-pipe.ts";
import type { Bytes } from "../base/bytes.ts";
import { SLAB_BYTES, STALL_BYTES_MAX, WRITE_BYTES_MAX } from "../base/limits.ts";
import { Flusher } from "./flusher.ts";
import { makeMessage, type Message } from "./message.ts";
import { Outbound, type OutboundOwner } from "./outbound.ts";
import { SlabPool } from "./slab-pool.ts";

/** A pool that knows where its slabs are. */
class AuditedPool extends SlabPool {
  readonly #pipe: FakePipe;
  readonly out = new Set<Bytes>();

  constructor(pipe: FakePipe) {
    super();
    this.#pipe = pipe;
  }

  override take(classIndex: number): Bytes {
    const slab = super.take(classIndex);
    assert.ok(!this.out.has(slab), "a slab is given out once");
    this.out.add(slab);
    return slab;
  }

  override give(slab: Bytes): void {
    assert.ok(this.out.delete(slab), "what comes back was taken, and comes back once");
    assert.ok(!this.#pipe.holds(slab.buf), "the pipe is done with it");
    super.give(slab);
  }
}

/** One outbound with a pipe, a pool and an owner that the test looks into. */
class Bench implements OutboundOwner {
  readonly pipe = new FakePipe();
  readonly pool = new AuditedPool(this.pipe);
  readonly flusher = new Flusher();
  readonly outbound: Outbound;
  readonly maxPending: number;
  /** What a slow consumer's connection does; a client closes. */
  closesWhenExceeded = true;
  exceeded = 0;
  outrun = 0;
  caughtUp = 0;
  /** Writes that are pending by what the owner was told. */
  writesPending = 0;
  whenCaughtUp: () => void = () => {};

  constructor(maxPending: number) {
    this.maxPending = maxPending;
    this.outbound = new Outbound(this, this.pipe, this.pool, this.flusher, maxPending);
  }

  onPendingExceeded(): void {
    this.exceeded++;
    if (this.closesWhenExceeded) this.outbound.close();
  }
  onWrite(): void {}
  onWritePending(): void {
    this.writesPending++;
  }
  onWriteDone(): void {
    this.writesPending = 0;
  }
  onOutrun(message: Message): void {
    assert.ok(message.input.capacity > 0);
    this.outrun++;
  }
  onCaughtUp(): void {
    this.caughtUp++;
    this.whenCaughtUp();
  }

  complete(): void {
    this.pipe.completeSilently();
    this.outbound.onWritten();
  }

  /** Lets everything out that is there. */
  drainAll(): void {
    this.pipe.takesAll = true;
    this.flusher.flush();
    while (this.pipe.isWriting) this.complete();
  }
}

/** What a receiver of `message` gets. */
function delivered(subject: string, sid: string, reply: string, headers: string, body: string): string {
  const middle = `${subject} ${sid} ${reply === "" ? "" : `${reply} `}`;
  const size = headers.length + body.length;
  return headers === ""
    ? `MSG ${middle}${size}\r\n${body}\r\n`
    : `HMSG ${middle}${headers.length} ${size}\r\n${headers}${body}\r\n`;
}

const HEADERS = "NATS/1.0\r\nKey: value\r\n\r\n";
/** The most that room is reckoned above what a message takes: spaces and a letter it may not need. */
const ROOM_RECKONED_MORE_BYTES = 2;

const size = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 200 }) },
  { weight: 4, arbitrary: fc.integer({ min: 3_900, max: 4_200 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 80_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 500_000, max: 600_000 }) },
);
const step = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      append: size,
      subject: fc.constantFrom("a", "foo.bar", "s".repeat(100), "\xff\x80"),
      sid: fc.constantFrom("1", "a-long-sid-that-is-no-number"),
      reply: fc.constantFrom("", "", "_INBOX.x"),
      headers: fc.constantFrom("", "", HEADERS),
      strips: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      text: fc.constantFrom("PING\r\n", "+OK\r\n", "x".repeat(5_000), "i".repeat(70_000)),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ flush: true }) },
  { weight: 4, arbitrary: fc.constant({ complete: true }) },
  { weight: 3, arbitrary: fc.record({ takesAll: fc.boolean() }) },
);
const ending = fc.constantFrom("drain", "close", "neither");
const maxPendings = fc.constantFrom(40, 300, 4_096, 5_000, 70_000, 1_000_000, 64 * 1024 * 1024);

/** Filler that shows where it was cut or swapped. */
function bodyOf(length: number): string {
  return "0123456789abcdef".repeat(Math.ceil(length / 16)).slice(0, length);
}

test("bytes come out complete and in order, pending bytes are exact and bounded, slabs come back", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60, size: "max" }),
      maxPendings,
      fc.boolean(),
      ending,
      fc.nat(),
      (steps, maxPending, closes, end, endAt) => {
        const bench = new Bench(maxPending);
        const { outbound, pipe, pool } = bench;
        bench.closesWhenExceeded = closes;
        let wanted = "";
        let got = "";
        let messages = 0;
        let payloadBytes = 0;
        let isOpen = true;
        let isClosed = false;
        const append = (text: string, attempt: () => boolean): boolean => {
          // What was not offered to the kernel yet is not pending if that takes it.
          const before = pipe.takesAll && !pipe.isWriting ? 0 : outbound.pendingBytes;
          const exceededBefore = bench.exceeded;
          const done = attempt();
          if (done) {
            assert.ok(isOpen, "only an open outbound takes output");
            assert.ok(before + text.length <= maxPending, "max_pending holds");
            wanted += text;
          } else if (isOpen) {
            assert.equal(
              bench.exceeded,
              exceededBefore + 1,
              "output is refused for being too much, and said so once",
            );
            assert.ok(
              before + text.length + ROOM_RECKONED_MORE_BYTES > maxPending,
              "and for no other reason",
            );
            if (closes) {
              isOpen = false;
              isClosed = true;
              // What was in flight may be lost or not; nothing is promised about it any more.
              wanted = "";
            }
          } else {
            assert.equal(bench.exceeded, exceededBefore, "a closed outbound complains about nothing");
          }
          return done;
        };
        const check = (): void => {
          outbound.checkInvariants();
          got += pipe.takeOutput();
          if (!isClosed)
            assert.equal(outbound.pendingBytes, wanted.length - got.length, "pending is what is not out yet");
          assert.equal(outbound.isOpen, isOpen);
        };
        for (const [number, what] of steps.entries()) {
          if (number === endAt % 60 && isOpen) {
            if (end === "drain") {
              isOpen = false;
              assert.equal(outbound.drain(), !pipe.isWriting);
            } else if (end === "close") {
              isOpen = false;
              isClosed = true;
              wanted = "";
              outbound.close();
              assert.equal(outbound.pendingBytes, 0);
            }
          }
          if ("append" in what) {
            const { subject, sid, reply, headers } = what;
            const body = bodyOf(what.append);
            const message = makeMessage(subject, reply, headers, Buffer.from(body, "latin1"));
            const strips = what.strips && headers !== "";
            const kept = strips ? "" : headers;
            const done = append(delivered(subject, sid, reply, kept, body), () =>
              strips
                ? outbound.appendMessageWithoutHeaders(message, sid)
                : outbound.appendMessage(message, sid),
            );
            if (done) {
              messages++;
              payloadBytes += kept.length + body.length;
            }
          } else if ("text" in what) {
            append(what.text, () => outbound.appendText(what.text));
          } else if ("flush" in what) {
            bench.flusher.flush();
            if (wanted !== "" && !pipe.isWriting) {
              got += pipe.takeOutput();
              assert.equal(
                got.length,
                wanted.length,
                "a flush leaves nothing behind unless a write is outstanding",
              );
            }
          } else if ("complete" in what) {
            if (pipe.isWriting) bench.complete();
          } else {
            pipe.takesAll = what.takesAll;
          }
          assert.equal(
            bench.writesPending > 0 && outbound.pendingBytes > 0,
            pipe.isWriting && outbound.pendingBytes > 0,
          );
          check();
        }
        bench.drainAll();
        check();
        if (!isClosed) assert.ok(got === wanted, "all bytes, in order");
        assert.equal(outbound.messageCount, messages);
        assert.equal(outbound.payloadBytes, payloadBytes);
        // A closed outbound leaves the slabs of its outstanding write to the garbage collector.
        if (!isClosed) assert.equal(pool.out.size, 0, "every slab is back");
        outbound.close();
        assert.equal(outbound.pendingBytes, 0);
        outbound.checkInvariants();
      },
    ),
    { numRuns: 150 },
  );
});

function plain(body: string): Message {
  return makeMessage("foo", "", "", Buffer.from(body, "latin1"));
}

test("one turn's messages leave in one write, in a slab of the smallest size that fits", () => {
  const bench = new Bench(1024 * 1024);
  for (let i = 0; i < 50; i++) assert.ok(bench.outbound.appendMessage(plain("hello"), "1"));
  assert.equal(bench.pipe.writes, 0, "appending does not write");
  bench.flusher.flush();
  assert.equal(bench.pipe.writes, 1);
  assert.equal(bench.pipe.takeOutput(), "MSG foo 1 5\r\nhello\r\n".repeat(50));
  assert.equal(bench.pool.freeBytes, SLAB_BYTES[0]);
  bench.flusher.flush();
  assert.equal(bench.pipe.writes, 1, "and nothing twice");
});

test("max_pending is respected to the byte, whatever is in flight, queued or being filled", () => {
  // HMSG with a reply: the one form for which the room is reckoned exactly.
  const text = delivered("foo", "1", "r", HEADERS, "hello");
  const message = makeMessage("foo", "r", HEADERS, Buffer.from("hello"));
  for (const count of [1, 7, 200, 3_000]) {
    for (const spare of [0, 1, text.length - 1]) {
      const bench = new Bench(count * text.length + spare);
      bench.pipe.takesAll = false;
      for (let i = 0; i < count; i++) {
        assert.ok(bench.outbound.appendMessage(message, "1"), `message ${i} of ${count}`);
        if (i % 50 === 0) bench.flusher.flush();
      }
      assert.equal(bench.exceeded, 0);
      assert.equal(bench.outbound.pendingBytes, count * text.length);
      assert.ok(!bench.outbound.appendMessage(message, "1"), "one more");
      assert.equal(bench.exceeded, 1);
    }
  }
});

test("a turn may put out more than max_pending as long as the kernel takes it", () => {
  const bench = new Bench(10_000);
  const message = plain("x".repeat(900));
  for (let i = 0; i < 1_000; i++) assert.ok(bench.outbound.appendMessage(message, "1"));
  bench.flusher.flush();
  assert.equal(bench.exceeded, 0);
  assert.equal(bench.pipe.takeOutput(), delivered("foo", "1", "", "", "x".repeat(900)).repeat(1_000));
});

test("a slow receiver outruns no memory: it is closed, its slabs come back but for those in flight", () => {
  const bench = new Bench(10 * 1024 * 1024);
  bench.pipe.takesAll = false;
  const message = plain("x".repeat(1_000));
  while (bench.outbound.appendMessage(message, "1")) bench.flusher.flush();
  assert.equal(bench.exceeded, 1);
  assert.ok(!bench.outbound.isOpen);
  assert.equal(bench.outbound.pendingBytes, 0);
  const held = [...bench.pool.out];
  assert.ok(
    held.every((slab) => bench.pipe.holds(slab.buf)),
    "only what the kernel may still read is missing",
  );
  bench.complete();
  bench.outbound.checkInvariants();
  assert.deepEqual([...bench.pool.out], held, "and that is the pipe's until it has closed");
  bench.outbound.onPipeClosed();
  assert.equal(bench.pool.out.size, 0);
  assert.ok(!bench.outbound.appendMessage(message, "1"));
  assert.equal(bench.exceeded, 1, "a closed outbound complains no more");
});

test("publishers hear when they outrun the receiver, and once when it has caught up", () => {
  const bench = new Bench(64 * 1024 * 1024);
  bench.pipe.takesAll = false;
  const message = plain("x".repeat(10_000));
  let appended = 0;
  bench.outbound.appendMessage(message, "1");
  bench.flusher.flush();
  while (bench.outrun === 0) {
    assert.ok(bench.outbound.appendMessage(message, "1"));
    appended = bench.outbound.pendingBytes;
    assert.ok(appended < 2 * STALL_BYTES_MAX, "it is said in time");
  }
  assert.ok(appended > STALL_BYTES_MAX);
  assert.equal(bench.caughtUp, 0);
  let appendedMeanwhile = false;
  bench.whenCaughtUp = () => {
    assert.ok(bench.outbound.pendingBytes < STALL_BYTES_MAX / 4);
    // The publisher goes on from within: what it publishes is taken like anything else.
    appendedMeanwhile = bench.outbound.appendMessage(message, "1");
  };
  while (bench.pipe.isWriting) bench.complete();
  bench.flusher.flush();
  while (bench.pipe.isWriting) bench.complete();
  assert.equal(bench.caughtUp, 1);
  assert.ok(appendedMeanwhile);
  assert.equal(bench.outbound.pendingBytes, 0);
  assert.equal(bench.pool.out.size, 0);
});

test("protocol text of the server itself holds nobody back", () => {
  const bench = new Bench(64 * 1024 * 1024);
  bench.pipe.takesAll = false;
  for (let i = 0; i < 100; i++) {
    assert.ok(bench.outbound.appendText("x".repeat(100_000)));
    bench.flusher.flush();
  }
  assert.equal(bench.outrun, 0);
});

test("one write takes a bounded number of bytes", () => {
  const bench = new Bench(64 * 1024 * 1024);
  // Busy turns first, so that the largest slabs come into use.
  for (let i = 0; i < 40; i++) assert.ok(bench.outbound.appendText("x".repeat(100_000)));
  bench.pipe.takesAll = false;
  for (let i = 0; i < 400; i++) {
    assert.ok(bench.outbound.appendText("x".repeat(100_000)));
    if (i === 0) bench.flusher.flush();
  }
  const bound = WRITE_BYTES_MAX + SLAB_BYTES[SLAB_BYTES.length - 1];
  let most = 0;
  while (bench.pipe.isWriting) {
    bench.complete();
    most = Math.max(most, bench.pipe.heldBytes);
  }
  assert.ok(most <= bound, `${most} bytes in one write`);
  assert.ok(most > WRITE_BYTES_MAX / 2, `and not many small ones: ${most}`);
  assert.equal(bench.outbound.pendingBytes, 0);
});

test("a message that comes while the write before it is outstanding follows that write", () => {
  const bench = new Bench(1024);
  bench.pipe.takesAll = false;
  bench.outbound.appendText("one");
  bench.flusher.flush();
  bench.outbound.appendText("two");
  bench.flusher.flush();
  assert.equal(bench.pipe.takeOutput(), "");
  bench.pipe.takesAll = true;
  bench.complete();
  assert.equal(bench.pipe.takeOutput(), "onetwo");
  assert.equal(bench.outbound.pendingBytes, 0);
});

test("draining sends what is there, behind an outstanding write too, and takes nothing more", () => {
  for (const held of [false, true]) {
    const bench = new Bench(1024);
    bench.pipe.takesAll = !held;
    bench.outbound.appendText("one");
    bench.flusher.flush();
    bench.outbound.appendText("two");
    assert.equal(bench.outbound.drain(), !held);
    bench.outbound.checkInvariants();
    assert.ok(!bench.outbound.appendText("three"));
    assert.ok(!bench.outbound.appendMessage(plain("x"), "1"));
    assert.equal(bench.exceeded, 0);
    while (bench.pipe.isWriting) bench.complete();
    assert.ok(bench.outbound.drain());
    assert.equal(bench.pipe.takeOutput(), "onetwo");
    assert.equal(bench.pool.out.size, 0);
  }
});

test("a word that overshoots its end never shows in what is sent", () => {
  const bench = new Bench(1024 * 1024);
  let wanted = "";
  // Every length around the word size, up to slabs that are filled to their last byte.
  for (let length = 0; length < 130; length++) {
    const message = makeMessage(
      "s".repeat(1 + (length % 20)),
      "r".repeat(length % 9),
      "",
      Buffer.alloc(length, "p"),
    );
    assert.ok(bench.outbound.appendMessage(message, "sid"));
    wanted += delivered("s".repeat(1 + (length % 20)), "sid", "r".repeat(length % 9), "", "p".repeat(length));
  }
  bench.flusher.flush();
  assert.equal(bench.pipe.takeOutput(), wanted);
});

test("slabs that nobody needed for a while are let go, those in use stay", () => {
  const pool = new SlabPool();
  const taken = [0, 0, 1, 2].map((classIndex) => pool.take(classIndex));
  for (const slab of taken) pool.give(slab);
  const all = 2 * SLAB_BYTES[0] + SLAB_BYTES[1] + SLAB_BYTES[2];
  assert.equal(pool.freeBytes, all);
  pool.upkeep();
  assert.equal(pool.freeBytes, all, "they were in use since the last time");
  const warm = pool.take(0);
  pool.give(warm);
  pool.upkeep();
  assert.equal(pool.freeBytes, SLAB_BYTES[0], "one of them still is");
  assert.equal(pool.take(0), warm, "the one that was used last");
});
