import type { SeededRandom } from "../../packages/caddis/src/io/seeded-random.ts";
import { pick } from "./seeds.ts";

const TOKENS = ["a", "b", "foo", "x*", "$SYS", "_R_", "$NRG", "\xff", "*", ">", ""];
/** Bytes that mean something somewhere. */
const SPECIAL = [
  "\r\n",
  "\n",
  "\r",
  " ",
  "\t",
  "0",
  "9",
  "-",
  "PUB ",
  "MSG ",
  "SUB ",
  "{",
  "}",
  '"',
  "\0",
  "\xff",
  "*",
  ">",
  ".",
  "$",
  "_",
];
const CONNECTS = [
  '{"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"protocol":1}',
  '{"verbose":true,"pedantic":true}',
  '{"verbose":false,"echo":false,"headers":false,"pedantic":false}',
  "{}",
  "null",
  '{"verbose":1}',
  '{"headers":true,"unknown":[1,{"a":null}],"name":"n"}',
];

/** Subjects that often meet each other; now and then none that one may use. */
function randomSubject(random: SeededRandom): string {
  return Array.from({ length: 1 + random.below(3) }, () => pick(random, TOKENS)).join(".");
}

function randomBody(random: SeededRandom): string {
  switch (random.below(6)) {
    case 0:
      return "";
    case 1:
      return "PING\r\nPUB a 1\r\nx\r\n";
    case 2:
      return "z".repeat(random.below(2_000));
    default:
      return "hello world".slice(random.below(11));
  }
}

/** One operation as a client may send it, well-formed but not always allowed. A wire string. */
export function randomOperation(random: SeededRandom): string {
  const subject = randomSubject(random) || "a";
  const reply = random.below(3) === 0 ? ` ${randomSubject(random) || "r"}` : "";
  const body = randomBody(random);
  switch (random.below(14)) {
    case 0:
    case 1:
    case 2:
      return `SUB ${subject}${random.below(4) === 0 ? " q" : ""} ${random.below(30)}\r\n`;
    case 3:
      return `UNSUB ${random.below(30)}${random.below(2) === 0 ? ` ${random.below(5)}` : ""}\r\n`;
    case 4:
      return "PING\r\n";
    case 5:
      return pick(random, ["PONG\r\n", "+OK\r\n", "INFO {}\r\n", "ping\n"]);
    case 6: {
      const headers = "NATS/1.0\r\nA: b\r\n\r\n";
      return `HPUB ${subject}${reply} ${headers.length} ${headers.length + body.length}\r\n${headers}${body}\r\n`;
    }
    case 7:
      return `CONNECT ${pick(random, CONNECTS)}\r\n`;
    case 8:
      return `pub\t${subject} ${reply}  0${body.length} \r\n${body}\r\n`;
    default:
      return `PUB ${subject}${reply} ${body.length}\r\n${body}\r\n`;
  }
}

/** Several operations, some of which may be damaged. A wire string. */
export function randomStream(random: SeededRandom, operations: number): string {
  let text = `CONNECT ${pick(random, CONNECTS)}\r\n`;
  for (let i = 0; i < operations; i++) text += randomOperation(random);
  return text;
}

/** `text` with a few bytes changed, dropped, doubled, moved or put in. */
export function damage(random: SeededRandom, text: string): string {
  let damaged = text;
  for (let count = 1 + random.below(4); count > 0; count--) {
    const at = random.below(damaged.length + 1);
    const length = random.below(12);
    const head = damaged.slice(0, at);
    const tail = damaged.slice(at);
    switch (random.below(6)) {
      case 0:
        damaged = head + tail.slice(length);
        break;
      case 1:
        damaged = head + tail.slice(0, length) + tail;
        break;
      case 2:
        damaged = head + pick(random, SPECIAL).repeat(1 + random.below(3)) + tail;
        break;
      case 3:
        damaged = head + String.fromCharCode(random.below(256)) + tail.slice(1);
        break;
      case 4:
        damaged = head + " ".repeat(random.below(300)) + tail;
        break;
      default:
        damaged = head + String(random.below(3_000_000_000)) + tail.slice(1);
    }
  }
  return damaged;
}

/** Bytes without any sense, with those that mean something more often than by chance. A wire string. */
export function garbage(random: SeededRandom, length: number): string {
  let text = "";
  while (text.length < length) {
    text += random.below(3) === 0 ? pick(random, SPECIAL) : String.fromCharCode(random.below(256));
  }
  return text;
}

/** Where to cut `length` bytes into reads: nowhere, everywhere, or at random. */
export function randomCuts(random: SeededRandom, length: number): number[] {
  switch (random.below(4)) {
    case 0:
      return [];
    case 1:
      return Array.from({ length }, (_, i) => i);
    default:
      return Array.from({ length: random.below(20) }, () => random.below(length + 1)).sort((a, b) => a - b);
  }
}
