import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Bytes } from "../base/bytes.ts";
import { TAIL_BYTES_INITIAL } from "../base/limits.ts";
import { ClientParser } from "./client-parser.ts";
import type { ClientOps, ParseFault } from "./operations.ts";

/** What a parser reported, as values that compare: content instead of offsets. */
type Call =
  | { readonly op: "pub"; subject: string; reply: string; headers: string; payload: string; suffix: string }
  | { readonly op: "publine"; subject: string }
  | { readonly op: "sub"; subject: string; queue: string; sid: string }
  | { readonly op: "unsub"; sid: string; max: number }
  | { readonly op: "connect" | "info" | "err"; text: string }
  | { readonly op: "ping" | "pong" | "ok" }
  | { readonly op: "trace"; verb: string; argument: string }
  | { readonly op: "fault"; fault: ParseFault };

class Recorder implements ClientOps {
  readonly calls: Call[] = [];
  /** Called after each operation but faults and traces. */
  afterEach: () => void = () => {};

  onPub(
    input: Bytes,
    subjectStart: number,
    subjectEnd: number,
    replyStart: number,
    replyEnd: number,
    headerBytes: number,
    suffixStart: number,
    payloadStart: number,
    payloadEnd: number,
  ): void {
    const { buf } = input;
    this.#add({
      op: "pub",
      subject: buf.latin1Slice(subjectStart, subjectEnd),
      reply: buf.latin1Slice(replyStart, replyEnd),
      headers: buf.latin1Slice(payloadStart, payloadStart + headerBytes),
      payload: buf.latin1Slice(payloadStart + headerBytes, payloadEnd),
      suffix: buf.latin1Slice(suffixStart, payloadEnd + 2),
    });
  }
  onPubLine(input: Bytes, subjectStart: number, subjectEnd: number): void {
    this.calls.push({ op: "publine", subject: input.buf.latin1Slice(subjectStart, subjectEnd) });
  }
  onSub(subject: string, queue: string, sid: string): void {
    this.#add({ op: "sub", subject, queue, sid });
  }
  onUnsub(sid: string, max: number): void {
    this.#add({ op: "unsub", sid, max });
  }
  onConnect(text: string): void {
    this.#add({ op: "connect", text });
  }
  onPing(): void {
    this.#add({ op: "ping" });
  }
  onPong(): void {
    this.#add({ op: "pong" });
  }
  onInfo(text: string): void {
    this.#add({ op: "info", text });
  }
  onOk(): void {
    this.#add({ op: "ok" });
  }
  onErr(text: string): void {
    this.#add({ op: "err", text });
  }
  onFault(fault: ParseFault): void {
    this.calls.push({ op: "fault", fault });
  }
  onTrace(verb: string, argument: string): void {
    this.calls.push({ op: "trace", verb, argument });
  }

  #add(call: Call): void {
    this.calls.push(call);
    this.afterEach();
  }
}

interface Settings {
  readonly maxControlLine?: number;
  readonly maxPayload?: number;
  readonly pedantic?: boolean;
  readonly tracing?: boolean;
  readonly connectOnly?: boolean;
  readonly headersEnabled?: boolean;
}

function makeParser(ops: ClientOps, settings: Settings): ClientParser {
  const parser = new ClientParser(
    ops,
    settings.maxControlLine ?? 4096,
    settings.maxPayload ?? 1024 * 1024,
    settings.headersEnabled ?? true,
  );
  parser.pedantic = settings.pedantic ?? false;
  parser.tracing = settings.tracing ?? false;
  parser.connectOnly = settings.connectOnly ?? false;
  return parser;
}

/** What lies around a read in the shared buffer: bytes of earlier reads that must not matter. */
const STALE = Buffer.from("PUB stale 3\r\nold\r\nSUB stale 1\r\nPING\r\n", "latin1");

/** A read buffer as a socket fills it: the chunk, then what earlier reads left there. */
class ReadBuffer {
  readonly #input: Bytes;

  constructor(capacity: number) {
    this.#input = new Bytes(capacity);
  }

  /** Hands `chunk` to `parser` and returns what it left; checks that nothing in the buffer changed meanwhile. */
  read(parser: ClientParser, chunk: Buffer): Buffer {
    const { buf } = this.#input;
    buf.fill(STALE);
    chunk.copy(buf, 0);
    const before = Buffer.from(buf);
    const stopped = parser.parse(this.#input, 0, chunk.length);
    assert.deepEqual(buf, before, "the input is as it was");
    if (parser.state === "running")
      assert.equal(stopped, chunk.length, "a running parser takes all of its input");
    return chunk.subarray(stopped);
  }
}

interface Run {
  readonly calls: readonly Call[];
  readonly parser: ClientParser;
}

/** Parses `text` (a wire string) in reads that end at `cuts`. */
function parseCut(text: string, cuts: readonly number[], settings: Settings = {}): Run {
  const bytes = Buffer.from(text, "latin1");
  const recorder = new Recorder();
  const parser = makeParser(recorder, settings);
  const buffer = new ReadBuffer(bytes.length);
  let start = 0;
  for (const end of [...cuts, bytes.length]) {
    if (end > start && parser.state === "running") buffer.read(parser, bytes.subarray(start, end));
    assert.ok(
      parser.tailBytes <= Math.max(TAIL_BYTES_INITIAL, 2 * end),
      "the tail grows with what has arrived",
    );
    start = Math.max(start, end);
  }
  return { calls: recorder.calls, parser };
}

function parseWhole(text: string, settings: Settings = {}): Run {
  return parseCut(text, [], settings);
}

/** Every single cut, and byte by byte, gives what the whole gives. */
function assertCutsAgree(text: string, settings: Settings = {}): readonly Call[] {
  const whole = parseWhole(text, settings);
  const everywhere = Array.from(text, (_, i) => i);
  for (const cuts of [...everywhere.map((at) => [at]), everywhere]) {
    const run = parseCut(text, cuts, settings);
    assert.deepEqual(run.calls, whole.calls, `cut at ${cuts.length === 1 ? cuts[0] : "every byte"}`);
    assert.equal(run.parser.state, whole.parser.state);
    assert.equal(run.parser.tailBytes === 0, whole.parser.tailBytes === 0);
  }
  return whole.calls;
}

// ── random streams, with what they mean ────────────────────────────────────

interface Sent {
  readonly text: string;
  readonly call: Call;
}

const blank = fc
  .array(fc.constantFrom(" ", " ", " ", "\t"), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join(""));
const noBlank = fc.array(fc.constantFrom(" ", "\t"), { maxLength: 2 }).map((parts) => parts.join(""));
const lineEnd = fc.constantFrom("\r\n", "\r\n", "\n");
const word = fc.string({
  unit: fc.constantFrom("a", "B", "7", ".", "*", ">", "$", "\xff", "\0", "\x7f", "-"),
  minLength: 1,
  maxLength: 12,
});
/** Payloads that look like the protocol, and some that are longer than a tail's first buffer. */
const payload = fc.oneof(
  fc.string({ unit: "binary-ascii", maxLength: 20 }),
  fc.constantFrom("", "\r\n", "PUB foo 2\r\nhi\r\n", "PING\r\n", "\r", "\n"),
  fc.integer({ min: 200, max: 1_200 }).map((size) => "0123456789".repeat(size / 10)),
);

/** A verb in random case. */
function cased(verb: string): fc.Arbitrary<string> {
  return fc
    .array(fc.boolean(), { minLength: verb.length, maxLength: verb.length })
    .map((lower) => Array.from(verb, (char, i) => (lower[i] ? char.toLowerCase() : char)).join(""));
}

/** A size as digits, sometimes with leading zeros; sizes are sent on as they were spelled. */
function sizeText(size: number): fc.Arbitrary<string> {
  return fc.constantFrom(0, 0, 1, 2).map((zeros) => "0".repeat(zeros) + String(size));
}

const pub: fc.Arbitrary<Sent> = fc
  .tuple(
    cased("PUB"),
    word,
    fc.option(word, { nil: "" }),
    payload,
    lineEnd,
    fc.array(blank, { minLength: 3, maxLength: 3 }),
    noBlank,
  )
  .chain(([verb, subject, reply, body, end, gaps, trailing]) =>
    sizeText(body.length).map((size) => ({
      text: `${verb}${gaps[0]}${subject}${reply === "" ? "" : gaps[1] + reply}${gaps[2]}${size}${trailing}${end}${body}\r\n`,
      call: { op: "pub", subject, reply, headers: "", payload: body, suffix: `${size}\r\n${body}\r\n` },
    })),
  );

const plainPub: fc.Arbitrary<Sent> = fc
  .tuple(word, fc.option(word, { nil: "" }), payload)
  .map(([subject, reply, body]) => ({
    text: `PUB ${subject} ${reply === "" ? "" : `${reply} `}${body.length}\r\n${body}\r\n`,
    call: { op: "pub", subject, reply, headers: "", payload: body, suffix: `${body.length}\r\n${body}\r\n` },
  }));

const hpub: fc.Arbitrary<Sent> = fc
  .tuple(
    cased("HPUB"),
    word,
    fc.option(word, { nil: "" }),
    payload,
    payload,
    lineEnd,
    fc.array(blank, { minLength: 4, maxLength: 4 }),
    noBlank,
  )
  .chain(([verb, subject, reply, headers, body, end, gaps, trailing]) =>
    fc.tuple(sizeText(headers.length), sizeText(headers.length + body.length)).map(([headerSize, size]) => ({
      text: `${verb}${gaps[0]}${subject}${reply === "" ? "" : gaps[1] + reply}${gaps[2]}${headerSize}${gaps[3]}${size}${trailing}${end}${headers}${body}\r\n`,
      call: {
        op: "pub",
        subject,
        reply,
        headers,
        payload: body,
        suffix: `${headers === "" ? "" : `${headerSize} `}${size}\r\n${headers}${body}\r\n`,
      },
    })),
  );

const sub: fc.Arbitrary<Sent> = fc
  .tuple(
    cased("SUB"),
    word,
    fc.option(word, { nil: "" }),
    word,
    fc.array(blank, { minLength: 3, maxLength: 3 }),
    noBlank,
    lineEnd,
  )
  .map(([verb, subject, queue, sid, gaps, trailing, end]) => ({
    text: `${verb}${gaps[0]}${subject}${queue === "" ? "" : gaps[1] + queue}${gaps[2]}${sid}${trailing}${end}`,
    call: { op: "sub", subject, queue, sid },
  }));

const unsub: fc.Arbitrary<Sent> = fc
  .tuple(
    cased("UNSUB"),
    word,
    fc.constantFrom("", "0", "7", "007", "999999999", "1234567890", "-1", "x"),
    blank,
    blank,
    lineEnd,
  )
  .map(([verb, sid, max, first, second, end]) => ({
    text: `${verb}${first}${sid}${max === "" ? "" : second + max}${end}`,
    call: { op: "unsub", sid, max: /^\d{1,9}$/.test(max) ? Number(max) : 0 },
  }));

const signal: fc.Arbitrary<Sent> = fc
  .tuple(
    fc.constantFrom(["PING", "ping"], ["PONG", "pong"], ["+OK", "ok"]),
    fc.constantFrom("", " ", " and more", "x"),
    lineEnd,
  )
  .chain(([[verb, op], rest, end]) =>
    cased(verb).map((spelled) => ({
      text: spelled + rest + end,
      call: { op },
    })),
  );

const json: fc.Arbitrary<Sent> = fc
  .tuple(
    fc.constantFrom(["CONNECT", "connect"], ["INFO", "info"]),
    noBlank,
    fc.constantFrom("{}", '{"verbose":false}', "junk"),
    lineEnd,
  )
  .chain(([[verb, op], gap, text, end]) =>
    // Only JSON may follow without a gap: a letter would make it another verb.
    cased(verb).map((spelled) => ({
      text: `${spelled}${gap}${text}${end}`,
      call: { op, text },
    })),
  );

const err: fc.Arbitrary<Sent> = fc
  .tuple(cased("-ERR"), blank, lineEnd)
  .map(([verb, gap, end]) => ({ text: `${verb}${gap}'no'${end}`, call: { op: "err", text: "'no'" } }));

const stream = fc.array(fc.oneof(plainPub, plainPub, pub, hpub, sub, unsub, signal, json, err), {
  minLength: 1,
  maxLength: 12,
});
const settings = fc.record({ pedantic: fc.boolean(), tracing: fc.boolean() });
/** Cut places as shares of the length. */
const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });

function cutsOf(text: string, parts: readonly number[]): number[] {
  return parts.map((part) => Math.floor(part * text.length)).sort((a, b) => a - b);
}

test("any sequence of operations, in any spelling and cut anywhere, is reported as it was meant", () => {
  fc.assert(
    fc.property(stream, settings, shares, (sent, how, parts) => {
      const text = sent.map((operation) => operation.text).join("");
      const meant = sent.map((operation) => operation.call);
      for (const cuts of [[], cutsOf(text, parts), Array.from(text, (_, i) => i)]) {
        const { calls, parser } = parseCut(text, cuts, how);
        const operations = calls.filter((call) => call.op !== "publine" && call.op !== "trace");
        assert.deepEqual(operations, meant);
        assert.equal(parser.state, "running");
        assert.equal(parser.tailBytes, 0, "nothing is held without a partial operation");
        const publishes = meant.filter((call) => call.op === "pub").map((call) => call.subject);
        const lines = calls.filter((call) => call.op === "publine").map((call) => call.subject);
        assert.deepEqual(lines, how.pedantic ? publishes : []);
        assert.equal(calls.filter((call) => call.op === "trace").length, how.tracing ? meant.length : 0);
      }
    }),
    { numRuns: 150 },
  );
});

test("a parser that is suspended after any operation goes on with the next one", () => {
  fc.assert(
    fc.property(
      stream,
      shares,
      fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
      (sent, parts, suspends) => {
        const text = sent.map((operation) => operation.text).join("");
        const bytes = Buffer.from(text, "latin1");
        const recorder = new Recorder();
        const parser = makeParser(recorder, {});
        recorder.afterEach = () => {
          if (suspends[recorder.calls.length - 1]) parser.state = "suspended";
        };
        const buffer = new ReadBuffer(bytes.length + STALE.length);
        let rest: Buffer = Buffer.alloc(0);
        let start = 0;
        for (const end of [...cutsOf(text, parts), bytes.length]) {
          const chunk = Buffer.concat([rest, bytes.subarray(start, end)]);
          start = end;
          if (chunk.length === 0) continue;
          const before = recorder.calls.length;
          rest = Buffer.from(buffer.read(parser, chunk));
          if (parser.state === "suspended") {
            assert.ok(
              suspends.slice(before, recorder.calls.length - 1).every((suspend) => !suspend),
              "it stops at once",
            );
            // More input does not run a parser that is suspended.
            assert.deepEqual(
              buffer.read(parser, rest.length === 0 ? STALE : rest).length,
              rest.length || STALE.length,
            );
            parser.state = "running";
          }
        }
        while (rest.length > 0) {
          rest = Buffer.from(buffer.read(parser, rest));
          parser.state = "running";
        }
        assert.deepEqual(
          recorder.calls,
          sent.map((operation) => operation.call),
        );
        assert.equal(parser.tailBytes, 0);
      },
    ),
    { numRuns: 150 },
  );
});

// ── what is refused, whole and cut everywhere ──────────────────────────────

const LIMITS: Settings = { maxControlLine: 16, maxPayload: 10 };
const PING = "PING\r\n";
const refused: readonly (readonly [string, string, ParseFault, Settings?])[] = [
  ["an empty line", "\r\n", "unknown operation"],
  ["a leading space", " PING\r\n", "unknown operation"],
  ["an unknown verb", "MSG foo 1 0\r\n", "unknown operation"],
  ["a verb cut by a line end", "PIN\r\nG", "unknown operation"],
  ["a verb without arguments", "PUB\r\n", "unknown operation"],
  ["a verb that runs on", "PUBfoo 0\r\n\r\n", "unknown operation"],
  ["-ERR without a space", "-ERR\r\n", "unknown operation"],
  ["too few arguments of PUB", "PUB foo\r\n", "bad arguments"],
  ["too many arguments of PUB", "PUB a b c 0\r\n\r\n", "bad arguments"],
  ["very many arguments of PUB", "PUB a b c d e f g h i 0\r\n\r\n", "bad arguments"],
  ["a size with a letter", "PUB foo 1x\r\n", "bad arguments"],
  ["a size with a letter, with its payload", "PUB foo 3abc\r\nhey\r\n", "bad arguments"],
  ["a size that is a word, with an empty payload", "PUB foo xyz\r\n\r\n", "bad arguments"],
  ["a size with a letter behind a reply", "PUB foo bar 3abc\r\nhey\r\n", "bad arguments"],
  ["a negative size", "PUB foo -1\r\n", "bad arguments"],
  ["a size of ten digits", "PUB foo 0000000002\r\nhi\r\n", "bad arguments"],
  ["a CR in a size", "PUB foo 1\r\r\nx\r\n", "bad arguments"],
  ["a size over the limit", "PUB foo 11\r\n", "payload too large", LIMITS],
  ["a payload that is longer", "PUB foo 2\r\nabc\r\n", "unknown operation"],
  ["a payload that ends with LF", "PUB foo 2\r\nab\nPING\r\n", "unknown operation"],
  ["a payload that ends with CR", "PUB foo 2\r\nab\rPING\r\n", "unknown operation"],
  ["headers longer than the whole", "HPUB foo 5 2\r\nab\r\n", "bad arguments"],
  ["HPUB with one size", "HPUB foo 5\r\n12345\r\n", "bad arguments"],
  ["HPUB where headers are off", "HPUB foo bar baz 12 12\r\n", "headers disabled", { headersEnabled: false }],
  ["headers over the limit", "HPUB foo 5 11\r\n", "payload too large", LIMITS],
  ["too few arguments of SUB", "SUB foo\r\n", "bad arguments"],
  ["too many arguments of SUB", "SUB a b c d\r\n", "bad arguments"],
  ["too many arguments of UNSUB", "UNSUB a b c\r\n", "bad arguments"],
  ["blanks instead of arguments of SUB", "SUB   \r\n", "bad arguments"],
  ["blanks instead of arguments of UNSUB", "UNSUB \t \r\n", "bad arguments"],
  ["blanks instead of arguments of PUB", "PUB   \r\n", "bad arguments"],
  ["a control line that is too long", "SUB 123456789.12345 1\r\n", "control line too long", LIMITS],
  [
    "a control line that is too long, without an end",
    "SUB 123456789.12345678",
    "control line too long",
    LIMITS,
  ],
  ["a publish line that is too long", "PUB 123456789.12345 1\r\nx\r\n", "control line too long", LIMITS],
  ["anything but CONNECT where that is asked for", "PING\r\n", "not connected", { connectOnly: true }],
  ["an empty line where CONNECT is asked for", "\r\n", "not connected", { connectOnly: true }],
];
for (const [what, text, fault, how] of refused) {
  test(`refused: ${what}`, () => {
    const before: readonly Call[] = how?.connectOnly === true ? [] : [{ op: "ping" }];
    // What follows the fault must not be looked at any more.
    const calls = assertCutsAgree(
      (before.length > 0 ? PING : "") + text + (text.endsWith("\n") ? PING + PING : ""),
      how,
    );
    assert.deepEqual(calls, [...before, { op: "fault", fault }]);
  });
}

const accepted: readonly (readonly [string, string, Call, Settings?])[] = [
  [
    "a control line of exactly the limit",
    "SUB 123456789.1234 1\r\n",
    { op: "sub", subject: "123456789.1234", queue: "", sid: "1" },
    LIMITS,
  ],
  [
    "a publish line of exactly the limit",
    "PUB 123456789.1234 1\r\nx\r\n",
    { op: "pub", subject: "123456789.1234", reply: "", headers: "", payload: "x", suffix: "1\r\nx\r\n" },
    LIMITS,
  ],
  [
    "a payload of exactly the limit",
    "PUB a 10\r\n0123456789\r\n",
    {
      op: "pub",
      subject: "a",
      reply: "",
      headers: "",
      payload: "0123456789",
      suffix: "10\r\n0123456789\r\n",
    },
    LIMITS,
  ],
  ["a CR inside SUB, which separates", "SUB fo\ro 2\r\n", { op: "sub", subject: "fo", queue: "o", sid: "2" }],
  ["a second CR behind SUB", "SUB foo 1\r\r\n", { op: "sub", subject: "foo", queue: "", sid: "1" }],
  [
    "a CR inside a publish, which is part of the subject",
    "PUB foo\rbar 1\r\nx\r\n",
    { op: "pub", subject: "foo\rbar", reply: "", headers: "", payload: "x", suffix: "1\r\nx\r\n" },
  ],
  [
    "a PING with a long rest, which no limit holds for",
    `PING${"x".repeat(5_000)}\r\n`,
    { op: "ping" },
    LIMITS,
  ],
  [
    "CONNECT where nothing else is accepted",
    "CONNECT {}\r\n",
    { op: "connect", text: "{}" },
    { connectOnly: true },
  ],
];
for (const [what, text, call, how] of accepted) {
  test(`accepted: ${what}`, () => {
    assert.deepEqual(text.length > 1_000 ? parseWhole(text, how).calls : assertCutsAgree(text, how), [call]);
    if (text.length > 1_000) assert.deepEqual(parseCut(text, [2, 1_000, text.length - 1], how).calls, [call]);
  });
}

// ── what an attacker pays ──────────────────────────────────────────────────

test("a payload that was announced costs memory only as it arrives", () => {
  const parser = makeParser(new Recorder(), { maxPayload: 999_999_999 });
  const buffer = new ReadBuffer(100_000);
  buffer.read(parser, Buffer.from("PUB foo 999999999\r\n", "latin1"));
  assert.ok(parser.tailBytes <= TAIL_BYTES_INITIAL, `${parser.tailBytes} bytes for an announcement`);
  let arrived = 19;
  for (let i = 0; i < 20; i++) {
    buffer.read(parser, Buffer.alloc(10_000, "x"));
    arrived += 10_000;
    assert.ok(parser.tailBytes <= 2 * arrived, `${parser.tailBytes} bytes for ${arrived}`);
  }
  parser.release();
  assert.equal(parser.tailBytes, 0);
});

test("a line that never ends is refused before it costs much, in reads of any size", () => {
  for (const verb of ["PUB ", "HPUB ", "SUB ", "UNSUB ", "CONNECT ", "INFO ", "-ERR ", "PUB", "CONNECT"]) {
    for (const filler of ["x", "x ", "\r"]) {
      for (const size of [1, 7, 4_096, 1_000_000]) {
        const recorder = new Recorder();
        const parser = makeParser(recorder, {});
        const buffer = new ReadBuffer(size + 16);
        const chunk = Buffer.alloc(size, filler);
        buffer.read(parser, Buffer.from(verb, "latin1"));
        for (let sent = 0; sent < 20_000 && parser.state === "running"; sent += size) {
          buffer.read(parser, chunk);
          assert.ok(parser.tailBytes <= 8 * 4096 + 64, `${verb}: ${parser.tailBytes} bytes`);
        }
        assert.equal(parser.state, "ended", `${verb} and many ${JSON.stringify(filler)}`);
        assert.equal(recorder.calls.length, 1);
        assert.equal(recorder.calls[0].op, "fault");
      }
    }
  }
});

test("separators in front of the arguments have no limit, and cost nothing", () => {
  for (const filler of [" ", "\t"]) {
    for (const size of [1, 7, 4_096, 1_000_000]) {
      const recorder = new Recorder();
      const parser = makeParser(recorder, {});
      const buffer = new ReadBuffer(size + 16);
      buffer.read(parser, Buffer.from("SUB ", "latin1"));
      for (let sent = 0; sent < 20_000; sent += size) {
        buffer.read(parser, Buffer.alloc(size, filler));
        assert.ok(parser.tailBytes <= 8 * 4096 + 64, `${parser.tailBytes} bytes`);
      }
      buffer.read(parser, Buffer.from("foo 1\r\n", "latin1"));
      assert.deepEqual(recorder.calls, [{ op: "sub", subject: "foo", queue: "", sid: "1" }]);
    }
  }
});

test("a PING that never ends costs nothing", () => {
  const recorder = new Recorder();
  const parser = makeParser(recorder, {});
  const buffer = new ReadBuffer(1_000);
  buffer.read(parser, Buffer.from("PI", "latin1"));
  buffer.read(parser, Buffer.from("NG", "latin1"));
  for (let i = 0; i < 100; i++) {
    buffer.read(parser, Buffer.alloc(1_000, "x"));
    assert.equal(parser.tailBytes, 0);
  }
  buffer.read(parser, Buffer.from("\nPONG\r\n", "latin1"));
  assert.deepEqual(recorder.calls, [{ op: "ping" }, { op: "pong" }]);
});
