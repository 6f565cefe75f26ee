/**
 * RFC 6455 and RFC 7692 frame by frame: what a peer sends after it came in, and what is answered. The same is asked of
 * the reference server; where that does something else, the case says so.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { constants, deflateRawSync } from "node:zlib";
import { findReferenceServer, OUR_SERVER, ServerProcess } from "./support/server-process.ts";
import { closePayload, frame, OPCODES } from "./support/ws-frames.ts";
import { WsPeer } from "./support/ws-peer.ts";

const { continuation, text, binary, close, ping, pong } = OPCODES;
/** RSV1 to RSV3. */
const [RSV1, RSV2, RSV3] = [0x40, 0x20, 0x10];

/** What comes back: control frames and the text of messages, in their order; `ended` is an end without a close frame. */
type Outcome = readonly string[];

interface Case {
  readonly name: string;
  readonly sends: readonly Uint8Array[];
  readonly outcome: Outcome;
  /** Where the reference server differs. */
  readonly reference?: Outcome;
  readonly offers?: "permessage-deflate";
}

const PROTOCOL_ERROR: Outcome = ["close 1002"];
const TOO_BIG: Outcome = ["close 1009"];

function refused(name: string, ...sends: readonly Uint8Array[]): Case {
  return { name, sends, outcome: PROTOCOL_ERROR };
}

function deflated(data: string | Buffer): Buffer {
  const bytes = deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH });
  return bytes.subarray(0, -4);
}

const PING = "PING\r\n";
const ANSWER: Outcome = ["data PONG\r\n"];
const SUBSCRIBED = "SUB a 1\r\n";
/** A payload that is no UTF-8. */
const RAW_MESSAGE = "PUB a 3\r\n\xff\xfe\x80\r\n";
const DELIVERED: Outcome = ["data MSG a 1 3\r\n\xff\xfe\x80\r\n"];

const CASES: readonly Case[] = [
  // Data, however it is cut
  { name: "a binary message", sends: [frame(binary, PING)], outcome: ANSWER },
  { name: "a text message", sends: [frame(text, PING)], outcome: ANSWER },
  { name: "an empty message", sends: [frame(binary), frame(text), frame(binary, PING)], outcome: ANSWER },
  {
    name: "a message in three frames",
    sends: [
      frame(binary, "PI", { isFinal: false }),
      frame(continuation, "N", { isFinal: false }),
      frame(continuation, "G\r\n"),
    ],
    outcome: ANSWER,
  },
  {
    name: "a message with empty frames in between",
    sends: [
      frame(text, "", { isFinal: false }),
      frame(continuation, PING, { isFinal: false }),
      frame(continuation, ""),
    ],
    outcome: ANSWER,
  },
  {
    name: "an operation over several messages",
    sends: ["P", "I", "N", "G", "\r", "\n"].map((letter) => frame(binary, letter)),
    outcome: ANSWER,
  },
  {
    name: "several operations in one message",
    sends: [frame(binary, PING + PING + PING)],
    outcome: ["data PONG\r\nPONG\r\nPONG\r\n"],
  },
  {
    name: "a frame that arrives byte by byte",
    sends: [...frame(binary, PING)].map((byte) => Uint8Array.of(byte)),
    outcome: ANSWER,
  },
  {
    name: "a frame with a length of 16 bits",
    sends: [frame(binary, SUBSCRIBED), frame(binary, `PUB a 300\r\n${"x".repeat(300)}\r\n`)],
    outcome: [`data MSG a 1 300\r\n${"x".repeat(300)}\r\n`],
  },
  {
    name: "a frame with a length of 64 bits",
    sends: [frame(binary, SUBSCRIBED), frame(binary, `PUB a 70000\r\n${"x".repeat(70_000)}\r\n`)],
    outcome: [`data MSG a 1 70000\r\n${"x".repeat(70_000)}\r\n`],
  },
  // UTF-8
  {
    name: "text that is no UTF-8 is data like any other",
    sends: [frame(text, SUBSCRIBED + RAW_MESSAGE)],
    outcome: DELIVERED,
  },
  {
    name: "text that is cut within a character",
    sends: [
      frame(text, SUBSCRIBED),
      frame(text, "PUB a 2\r\n\xc3", { isFinal: false }),
      frame(continuation, "\xa4\r\n"),
    ],
    outcome: ["data MSG a 1 2\r\n\xc3\xa4\r\n"],
  },
  // Control frames
  { name: "a ping", sends: [frame(ping, "hello")], outcome: ["pong hello"] },
  { name: "an empty ping", sends: [frame(ping)], outcome: ["pong "] },
  {
    name: "a ping of 125 bytes",
    sends: [frame(ping, "x".repeat(125))],
    outcome: [`pong ${"x".repeat(125)}`],
  },
  {
    name: "ten pings at once",
    sends: [Buffer.concat(Array.from({ length: 10 }, (_, i) => frame(ping, String(i))))],
    outcome: Array.from({ length: 10 }, (_, i) => `pong ${i}`),
  },
  { name: "a pong that nobody asked for", sends: [frame(pong, "x"), frame(binary, PING)], outcome: ANSWER },
  {
    name: "a ping between the frames of a message",
    sends: [frame(binary, "PI", { isFinal: false }), frame(ping, "x"), frame(continuation, "NG\r\n")],
    outcome: ["pong x", ...ANSWER],
  },
  refused("a ping of 126 bytes", frame(ping, "x".repeat(126))),
  refused("a ping in several frames", frame(ping, "x", { isFinal: false })),
  refused("a compressed ping", frame(ping, "x", { reserved: RSV1 })),
  // Closing
  { name: "a close", sends: [frame(close, closePayload(1000))], outcome: ["close 1000"] },
  { name: "a close without a status", sends: [frame(close)], outcome: ["close 1005"] },
  {
    name: "a close with a reason",
    sends: [frame(close, closePayload(1001, "bye"))],
    outcome: ["close 1001"],
  },
  ...[1003, 1007, 1011, 3000, 4999].map((code) => ({
    name: `a close with ${code}`,
    sends: [frame(close, closePayload(code))],
    outcome: [`close ${code}`],
  })),
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65_535].map((code) =>
    refused(`a close with ${code}, which nobody may send`, frame(close, closePayload(code))),
  ),
  refused("a close with half a status", frame(close, "x")),
  refused("a close of 126 bytes", frame(close, closePayload(1000, "x".repeat(124)))),
  {
    name: "a close whose reason is no UTF-8",
    sends: [frame(close, closePayload(1000, Uint8Array.of(0xff)))],
    // The reason is for nobody, and the end is the same.
    outcome: ["close 1000"],
    reference: ["close 1007"],
  },
  {
    name: "what comes after a close is not heard",
    sends: [Buffer.concat([frame(close, closePayload(1000)), frame(ping, "x")])],
    outcome: ["close 1000"],
  },
  // Framing
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => refused(`opcode ${opcode}`, frame(opcode))),
  refused("RSV1 though nothing was agreed on", frame(binary, PING, { reserved: RSV1 })),
  refused("RSV2", frame(binary, PING, { reserved: RSV2 })),
  refused("RSV3", frame(binary, PING, { reserved: RSV3 })),
  refused("a continuation of nothing", frame(continuation, PING)),
  refused("a continuation after the end", frame(binary, ""), frame(continuation, PING)),
  refused("a message within a message", frame(binary, "PI", { isFinal: false }), frame(binary, "NG\r\n")),
  refused("a frame without mask", frame(binary, PING, { isMasked: false })),
  refused("a ping without mask", frame(ping, "x", { isMasked: false })),
  // Limits
  {
    name: "a frame that claims to have 2^63 bytes",
    sends: [frame(binary, "", { claims: 1n << 63n })],
    outcome: TOO_BIG,
    reference: PROTOCOL_ERROR,
  },
  {
    name: "a frame that claims to have 2^63 - 1 bytes",
    sends: [frame(binary, "", { claims: (1n << 63n) - 1n })],
    outcome: TOO_BIG,
    // It goes on reading, whatever comes.
    reference: [],
  },
  {
    name: "a frame that claims to have more than eight largest payloads",
    sends: [frame(binary, "", { claims: 8n * 1024n * 1024n + 1n })],
    outcome: TOO_BIG,
    reference: [],
  },
  {
    name: "frames that have more than eight largest payloads together",
    sends: [
      frame(binary, "", { isFinal: false }),
      frame(continuation, "", { claims: 8n * 1024n * 1024n + 1n }),
    ],
    outcome: TOO_BIG,
    reference: [],
  },
  // Compression
  {
    name: "a compressed message",
    offers: "permessage-deflate",
    sends: [frame(binary, deflated(PING), { reserved: RSV1 })],
    outcome: ANSWER,
  },
  {
    name: "a compressed message in two frames",
    offers: "permessage-deflate",
    sends: [
      frame(binary, deflated(PING).subarray(0, 3), { reserved: RSV1, isFinal: false }),
      frame(continuation, deflated(PING).subarray(3)),
    ],
    outcome: ANSWER,
  },
  {
    name: "a message that is not compressed after one that is",
    offers: "permessage-deflate",
    sends: [frame(binary, deflated(PING), { reserved: RSV1 }), frame(text, PING)],
    outcome: ["data PONG\r\nPONG\r\n"],
  },
  {
    name: "a second frame that says it is compressed",
    offers: "permessage-deflate",
    sends: [
      frame(binary, deflated(PING).subarray(0, 3), { reserved: RSV1, isFinal: false }),
      frame(continuation, deflated(PING).subarray(3), { reserved: RSV1 }),
    ],
    outcome: PROTOCOL_ERROR,
  },
  {
    name: "what can't be inflated",
    offers: "permessage-deflate",
    sends: [frame(binary, "\xff\xff\xff\xff", { reserved: RSV1 })],
    outcome: ["close 1007"],
    reference: ["ended"],
  },
  {
    name: "what is inflated to more than eight largest payloads",
    offers: "permessage-deflate",
    sends: [frame(binary, deflated(Buffer.alloc(9 * 1024 * 1024, "PONG\r\n")), { reserved: RSV1 })],
    outcome: TOO_BIG,
  },
];

const CONFIG = `websocket { listen: "127.0.0.1:-1", no_tls: true, compression: true }`;
const reference = findReferenceServer();

/** What comes of a case at the server on `port`; waits for what is expected, or for a while where that is nothing. */
async function outcomeOf(port: number, { sends, offers }: Case, expected: Outcome): Promise<Outcome> {
  const headers: Record<string, string> = offers === undefined ? {} : { "Sec-WebSocket-Extensions": offers };
  const peer = await WsPeer.enter(port, { headers }, { protocol: 0 });
  const taken = { frames: peer.frames.length, text: peer.text.length };
  const seen = (): Outcome => [
    ...arrived(peer, taken.frames, taken.text),
    ...(isDropped(peer) ? ["ended"] : []),
  ];
  try {
    for (const bytes of sends) {
      peer.send(bytes);
      // In a segment of its own, so that cuts are where the case has them.
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
    }
    await peer.waitUntil(
      () => peer.isOver || seen().join().length >= expected.join().length,
      expected.length === 0 ? SILENCE_MS : undefined,
    );
    return seen();
  } finally {
    peer.drop();
  }
}

function isDropped(peer: WsPeer): boolean {
  return peer.isClosed && peer.closeFrame === undefined;
}

/** The frames from number `first` on, in words; neighbouring data is one, and the server's own PINGs are left out. */
function arrived(peer: WsPeer, first: number, textStart: number): string[] {
  const whole: string[] = [];
  let isData = false;
  for (const { opcode, payload } of peer.frames.slice(first)) {
    if (opcode === pong) whole.push(`pong ${payload.toString("latin1")}`);
    else if (opcode === close) whole.push(`close ${peer.closeFrame?.code}`);
    else if (!isData) whole.push(`data ${peer.text.slice(textStart).replaceAll(PING, "")}`);
    isData ||= opcode === text || opcode === binary;
  }
  return whole;
}

/** The reference drops who breaks the rules; the close frame is mostly lost on the way. */
function asTheReferenceSaysIt(outcome: Outcome): Outcome {
  return outcome.map((item) => (REFUSALS.has(item) ? "ended" : item));
}

const REFUSALS: ReadonlySet<string> = new Set(["close 1002", "close 1007", "close 1009"]);

/** How long a server may say nothing before it is taken for silent. */
const SILENCE_MS = 300;

const REFERENCE = "nats-server";

for (const [name, command] of [
  ["Caddis", OUR_SERVER],
  [REFERENCE, reference],
] as const) {
  let server: ServerProcess | null = null;
  let port = 0;
  before(async () => {
    if (command === null) return;
    server = await ServerProcess.start({ command, config: CONFIG });
    port = Number(/websocket clients on ws:\/\/127\.0\.0\.1:(\d+)/.exec(server.log)?.[1]);
  });
  after(async () => {
    await server?.stop();
  });
  for (const one of CASES) {
    test(`${name}: ${one.name}`, { timeout: 20_000 }, async (t) => {
      if (server === null) {
        t.skip("no nats-server on PATH");
        return;
      }
      if (name === REFERENCE) {
        const expected = one.reference ?? one.outcome;
        const found = await outcomeOf(port, one, expected);
        assert.deepEqual(asTheReferenceSaysIt(found), asTheReferenceSaysIt(expected));
      } else {
        assert.deepEqual(await outcomeOf(port, one, one.outcome), one.outcome);
      }
    });
  }
}
