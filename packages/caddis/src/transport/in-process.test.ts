import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { Bytes } from "../base/bytes.ts";
import type { PipeEvents, UnattachedPipe } from "../io/pipe.ts";
import { inProcessPair } from "./in-process.ts";

/** Turns of an event loop, run by hand. */
class Turns {
  #queue: (() => void)[] = [];

  nextTurn(run: () => void): void {
    this.#queue.push(run);
  }

  /** Runs one turn: what was asked for before it began. */
  run(): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const run of queue) run();
  }

  runAll(): void {
    while (this.#queue.length > 0) this.run();
  }
}

/** Notes what a pipe tells. */
class Notes implements PipeEvents {
  readonly events: string[] = [];
  onText: (text: string) => void = () => {};

  onData(input: Bytes, length: number): void {
    const text = input.buf.latin1Slice(0, length);
    // The bytes end with the call: whoever kept them would see this.
    input.buf.fill(0x21);
    this.events.push(text);
    this.onText(text);
  }

  onSecured(): void {
    assert.fail("nothing is encrypted here");
  }
  onWritten(): void {
    this.events.push("(written)");
  }

  onClosed(error: Error | null): void {
    this.events.push(error === null ? "(closed)" : `(closed: ${error.message})`);
  }
}

interface Ends {
  readonly turns: Turns;
  readonly left: UnattachedPipe;
  readonly right: UnattachedPipe;
  readonly atLeft: Notes;
  readonly atRight: Notes;
}

function ends(): Ends {
  const turns = new Turns();
  const [left, right] = inProcessPair(turns);
  const [atLeft, atRight] = [new Notes(), new Notes()];
  left.attach(atLeft);
  right.attach(atRight);
  turns.runAll();
  return { turns, left, right, atLeft, atRight };
}

function write(pipe: UnattachedPipe, text: string): boolean {
  const buf = Buffer.from(text, "latin1");
  const isGone = pipe.write(buf, buf.length);
  // The writer may use its buffer again at once.
  if (isGone) buf.fill(0x3f);
  return isGone;
}

test("bytes arrive in a later turn, in order, in both directions", () => {
  const { turns, left, right, atLeft, atRight } = ends();
  assert.equal(write(left, "a"), true);
  assert.equal(left.writeAll([Buffer.from("bcX"), Buffer.from("dX")], [2, 1]), true);
  write(right, "back");
  assert.deepEqual([atLeft.events, atRight.events], [[], []]);
  turns.run();
  assert.deepEqual(atRight.events, ["a", "bc", "d"]);
  assert.deepEqual(atLeft.events, ["back"]);
});

test("an answer takes a turn of its own: neither side runs inside the other", () => {
  const { turns, left, right, atLeft, atRight } = ends();
  atRight.onText = (text) => void write(right, `re: ${text}`);
  write(left, "question");
  turns.run();
  assert.deepEqual(atLeft.events, []);
  turns.run();
  assert.deepEqual(atLeft.events, ["re: question"]);
});

test("what comes before the listener is kept for it, the end too", () => {
  const turns = new Turns();
  const [left, right] = inProcessPair(turns);
  write(left, "early");
  left.end();
  turns.runAll();
  const notes = new Notes();
  right.attach(notes);
  turns.runAll();
  assert.deepEqual(notes.events, ["early", "(closed)"]);
});

test("a paused end keeps what comes; the writer hears when it has been taken", () => {
  const { turns, left, right, atLeft, atRight } = ends();
  right.pause();
  assert.equal(write(left, "one"), false);
  turns.runAll();
  assert.deepEqual(atRight.events, []);
  assert.deepEqual(atLeft.events, []);
  right.resume();
  turns.runAll();
  assert.deepEqual(atRight.events, ["one"]);
  assert.deepEqual(atLeft.events, ["(written)"]);
  assert.equal(write(left, "two"), true);
});

test("end comes after what was written, in a turn of its own, on both sides", () => {
  const { turns, left, atLeft, atRight } = ends();
  write(left, "last words");
  left.end();
  turns.run();
  assert.deepEqual(atRight.events, ["last words"]);
  turns.runAll();
  assert.deepEqual(atRight.events, ["last words", "(closed)"]);
  assert.deepEqual(atLeft.events, ["(closed)"]);
});

test("destroy drops what this end has not read, and closes a paused end as well", () => {
  const { turns, left, right, atLeft, atRight } = ends();
  left.pause();
  write(right, "unread");
  left.destroy();
  turns.runAll();
  assert.deepEqual(atLeft.events, ["(closed)"]);
  assert.deepEqual(atRight.events, ["(closed)"]);
});

test("destroy does not call back before it returns", () => {
  const { turns, left, atLeft, atRight } = ends();
  left.destroy();
  assert.deepEqual([atLeft.events, atRight.events], [[], []]);
  turns.runAll();
  assert.deepEqual([atLeft.events, atRight.events], [["(closed)"], ["(closed)"]]);
});

test("after the end nothing follows, whatever is called", () => {
  const { turns, left, right, atLeft, atRight } = ends();
  left.end();
  turns.runAll();
  assert.equal(write(left, "late"), true);
  assert.equal(write(right, "late"), true);
  left.end();
  right.destroy();
  left.resume();
  turns.runAll();
  assert.deepEqual([atLeft.events, atRight.events], [["(closed)"], ["(closed)"]]);
});

test("whatever is written, paused and resumed, the same bytes arrive in the same order", () => {
  const anyStep = fc.oneof(
    fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 20 }),
    fc.constantFrom("(pause)", "(resume)", "(turn)"),
  );
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
      const { turns, left, right, atLeft, atRight } = ends();
      let sent = "";
      let refused = 0;
      for (const step of steps) {
        if (step === "(pause)") right.pause();
        else if (step === "(resume)") right.resume();
        else if (step === "(turn)") turns.run();
        else {
          // The rule of pipes: one write is outstanding at most.
          if (refused > atLeft.events.length) continue;
          sent += step;
          if (!write(left, step)) refused++;
        }
      }
      right.resume();
      left.end();
      turns.runAll();
      assert.equal(atRight.events.pop(), "(closed)");
      assert.equal(atRight.events.join(""), sent);
      assert.deepEqual(atLeft.events, [...Array<string>(refused).fill("(written)"), "(closed)"]);
    }),
  );
});
