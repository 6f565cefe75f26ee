import assert from "node:assert/strict";
import { test } from "node:test";
import { Bytes } from "../../packages/caddis/src/base/bytes.ts";
import type { SeededRandom } from "../../packages/caddis/src/io/seeded-random.ts";
import { ClientParser } from "../../packages/caddis/src/wire/client-parser.ts";
import type { ClientOps } from "../../packages/caddis/src/wire/operations.ts";
import { damage, garbage, randomCuts, randomStream } from "./client-stream.ts";
import { forEachSeed, pick } from "./seeds.ts";

/** Small, so that random streams meet the limits. */
const MAX_CONTROL_LINE = 200;
const MAX_PAYLOAD = 1_500;
/** What an open line and a whole operation may hold at most, whatever arrives. */
const TAIL_BYTES_BOUND = Math.max(8 * MAX_CONTROL_LINE + 64, 2 * MAX_CONTROL_LINE + MAX_PAYLOAD + 64);
/** Streams per seed. */
const STREAMS = 120;

/** Everything a parser said, as text. */
class Transcript implements ClientOps {
  readonly lines: string[] = [];
  faults = 0;
  #suspendAt: ReadonlySet<number>;
  parser: ClientParser | null = null;

  constructor(suspendAt: ReadonlySet<number>) {
    this.#suspendAt = suspendAt;
  }

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
    const suffix = buf.latin1Slice(suffixStart, payloadEnd + 2);
    const sizes = suffix.slice(0, payloadStart - suffixStart);
    const size = payloadEnd - payloadStart;
    // What receivers get behind subject and reply, whatever the sender's spelling was.
    const shape = headerBytes > 0 ? /^(\d{1,9}) (\d{1,9})\r\n$/ : /^(\d{1,9})\r\n$/;
    const numbers = shape.exec(sizes);
    assert.ok(numbers !== null, `sizes to send on: ${JSON.stringify(sizes)}`);
    assert.equal(Number(numbers.at(-1)), size);
    if (headerBytes > 0) assert.equal(Number(numbers[1]), headerBytes);
    assert.ok(
      suffix.endsWith("\r\n") && subjectEnd > subjectStart && size <= MAX_PAYLOAD && headerBytes <= size,
    );
    this.#say(
      `pub ${buf.latin1Slice(subjectStart, subjectEnd)} [${buf.latin1Slice(replyStart, replyEnd)}] ${suffix}`,
    );
  }
  onPubLine(input: Bytes, subjectStart: number, subjectEnd: number): void {
    this.lines.push(`line ${input.buf.latin1Slice(subjectStart, subjectEnd)}`);
  }
  onSub(subject: string, queue: string, sid: string): void {
    this.#say(`sub ${subject} [${queue}] ${sid}`);
  }
  onUnsub(sid: string, max: number): void {
    this.#say(`unsub ${sid} ${max}`);
  }
  onConnect(json: string): void {
    this.#say(`connect ${json}`);
  }
  onPing(): void {
    this.#say("ping");
  }
  onPong(): void {
    this.#say("pong");
  }
  onInfo(json: string): void {
    this.#say(`info ${json}`);
  }
  onOk(): void {
    this.#say("ok");
  }
  onErr(text: string): void {
    this.#say(`err ${text}`);
  }
  onFault(fault: string): void {
    this.faults++;
    this.lines.push(`fault ${fault}`);
  }
  onTrace(verb: string, argument: string): void {
    this.lines.push(`trace ${verb} ${argument}`);
  }

  #say(line: string): void {
    assert.equal(this.faults, 0, "nothing follows a fault");
    this.lines.push(line);
    if (this.parser !== null && this.#suspendAt.has(this.lines.length)) this.parser.state = "suspended";
  }
}

interface Settings {
  readonly pedantic: boolean;
  readonly tracing: boolean;
  readonly headersEnabled: boolean;
  readonly connectOnly: boolean;
}

/** Parses `bytes` in reads that end at `cuts`, suspended after some lines; what is left is parsed again, as after a stall. */
function run(
  bytes: Buffer,
  cuts: readonly number[],
  suspendAt: ReadonlySet<number>,
  settings: Settings,
): Transcript {
  const transcript = new Transcript(suspendAt);
  const parser = new ClientParser(transcript, MAX_CONTROL_LINE, MAX_PAYLOAD, settings.headersEnabled);
  parser.pedantic = settings.pedantic;
  parser.tracing = settings.tracing;
  parser.connectOnly = settings.connectOnly;
  transcript.parser = parser;
  let start = 0;
  for (const end of [...cuts, bytes.length]) {
    if (end <= start) continue;
    const input = new Bytes(end - start);
    bytes.copy(input.buf, 0, start, end);
    const before = Buffer.from(input.buf);
    for (let parsed = 0; ;) {
      const from = parsed;
      parsed = parser.parse(input, from, end - start);
      assert.ok(parsed >= from && parsed <= end - start, "it stops within its input");
      assert.ok(parser.tailBytes <= TAIL_BYTES_BOUND, `a tail of ${parser.tailBytes} bytes`);
      if (parser.state !== "suspended") break;
      parser.state = "running";
    }
    assert.deepEqual(input.buf, before, "the input is as it was");
    if (parser.state === "ended") break;
    start = end;
  }
  assert.equal(transcript.faults, parser.state === "ended" ? 1 : 0);
  return transcript;
}

function checkStream(random: SeededRandom, text: string): void {
  // The line feeds behind it complete what a cut might hold back: a terminator that is half there.
  const bytes = Buffer.from(`${text}\n\n\n\n`, "latin1");
  const settings: Settings = {
    pedantic: random.below(2) === 0,
    tracing: random.below(4) === 0,
    headersEnabled: random.below(4) !== 0,
    connectOnly: random.below(8) === 0,
  };
  const whole = run(bytes, [], new Set(), settings);
  for (let i = 0; i < 3; i++) {
    const cuts = randomCuts(random, bytes.length);
    const suspendAt = new Set(
      random.below(2) === 0 ? [] : Array.from({ length: 10 }, () => random.below(40)),
    );
    const cut = run(bytes, cuts, suspendAt, settings);
    assert.deepEqual(cut.lines, whole.lines, `${JSON.stringify(text)} cut at ${JSON.stringify(cuts)}`);
  }
}

test("damaged streams: no throw, bounded memory, the same however they are cut", async (t) => {
  await forEachSeed(t, (random) => {
    for (let i = 0; i < STREAMS; i++) {
      const stream = randomStream(random, 1 + random.below(12));
      checkStream(random, random.below(4) === 0 ? stream : damage(random, stream));
    }
  });
});

test("garbage: no throw, bounded memory, the same however it is cut", async (t) => {
  await forEachSeed(t, (random) => {
    for (let i = 0; i < STREAMS; i++) {
      const verb = pick(random, [
        "",
        "PUB ",
        "SUB ",
        "UNSUB ",
        "CONNECT ",
        "INFO",
        "-ERR ",
        "+OK",
        "PING",
        "HPUB a ",
      ]);
      checkStream(random, verb + garbage(random, random.below(300)));
    }
  });
});
