/**
 * What a log line looks like. Text lines are those of nats-server, which people's tools parse:
 *
 *     [4242] 2026/11/20 05:29:41.588138 [INF] Server is ready
 *
 * process id, local time with microseconds, level, message; JSON lines carry the same four, and for most kinds of lines
 * a code that says which kind it is (`io/log-codes.ts`):
 *
 *     {"time":"2026-11-20T05:29:41.588138Z","level":"info","pid":4242,"code":"server.ready","msg":"Server is ready"}
 */

import { logCode } from "../log-codes.ts";

/** Levels, most of them the methods of `Log`. */
export type LogLevel = "info" | "warn" | "error" | "fatal" | "debug" | "trace";

/** How lines are to be written. */
export interface LineFormat {
  readonly style: "text" | "json";
  readonly pid: number;
  /** Text lines carry local time, UTC or none; JSON lines carry UTC or none. */
  readonly time: "local" | "utc" | "none";
  /** Colours the level in text lines, for terminals. */
  readonly colors: boolean;
}

const LABELS: Readonly<Record<LogLevel, string>> = {
  info: "INF",
  warn: "WRN",
  error: "ERR",
  fatal: "FTL",
  debug: "DBG",
  trace: "TRC",
};

/** Terminal colours of the labels, those of nats-server. */
const COLORS: Readonly<Record<LogLevel, string>> = {
  info: "32",
  warn: "0;93",
  error: "31",
  fatal: "31",
  debug: "36",
  trace: "33",
};

/** One log line with its line end. `wallMicros` is the time in microseconds since the Unix epoch. */
export function formatLine(format: LineFormat, level: LogLevel, message: string, wallMicros: number): string {
  if (format.style === "json") return `${formatJson(format, level, message, wallMicros)}\n`;
  const time = format.time === "none" ? "" : `${formatTime(wallMicros, format.time === "utc")} `;
  const label = format.colors ? `\x1b[${COLORS[level]}m${LABELS[level]}\x1b[0m` : LABELS[level];
  return `[${format.pid}] ${time}[${label}] ${oneLine(message)}\n`;
}

/** One log line as JSON, without line end. The names of its keys are stable. */
export function formatJson(format: LineFormat, level: LogLevel, message: string, wallMicros: number): string {
  const entry = { level, pid: format.pid, code: logCode(level, message), msg: message };
  if (format.time === "none") return JSON.stringify(entry);
  const seconds = new Date(wallMicros / 1000).toISOString().slice(0, 19);
  return JSON.stringify({ time: `${seconds}.${fractionDigits(wallMicros)}Z`, ...entry });
}

/** Characters that could end a line, hide text or drive a terminal: C0, DEL, C1, line and paragraph separator. */
// eslint-disable-next-line no-control-regex
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
// eslint-disable-next-line no-control-regex
const UNSAFE_EACH = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** The message with unsafe characters written as escapes (`\n`, `\x1b`), so that it cannot forge a second line. */
export function oneLine(message: string): string {
  return UNSAFE.test(message) ? message.replace(UNSAFE_EACH, escapeCharacter) : message;
}

function escapeCharacter(character: string): string {
  switch (character) {
    case "\n":
      return "\\n";
    case "\r":
      return "\\r";
    case "\t":
      return "\\t";
    default: {
      const code = character.charCodeAt(0);
      return code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`;
    }
  }
}

function hex(code: number, width: number): string {
  return code.toString(16).padStart(width, "0");
}

/** `2026/11/20 05:29:41.588138` */
function formatTime(wallMicros: number, utc: boolean): string {
  const [year, month, day, hour, minute, second] = dateParts(new Date(wallMicros / 1000), utc);
  return `${year}/${month}/${day} ${hour}:${minute}:${second}.${fractionDigits(wallMicros)}`;
}

/** Year to second as padded digits. */
export function dateParts(date: Date, utc: boolean): [string, string, string, string, string, string] {
  return utc
    ? [
        String(date.getUTCFullYear()),
        two(date.getUTCMonth() + 1),
        two(date.getUTCDate()),
        two(date.getUTCHours()),
        two(date.getUTCMinutes()),
        two(date.getUTCSeconds()),
      ]
    : [
        String(date.getFullYear()),
        two(date.getMonth() + 1),
        two(date.getDate()),
        two(date.getHours()),
        two(date.getMinutes()),
        two(date.getSeconds()),
      ];
}

/** The six digits after the second. */
export function fractionDigits(wallMicros: number): string {
  return String(Math.floor(wallMicros) % 1_000_000).padStart(6, "0");
}

/** A number below 100 as two digits. */
export function two(number: number): string {
  return number < 10 ? `0${number}` : String(number);
}
