import { fieldsOf } from "../../broker/header-block.ts";
import type { Compression } from "../../io/compression.ts";
import { snappyFrame } from "./snappy-frame.ts";

/** How an answer is packed. `none`: nobody asked; `identity`: what was asked for is not known here. */
export type AnswerEncoding = "none" | "identity" | "gzip" | "snappy";

/** What the header block of a request, a wire string, asks for; empty: it has none. As loosely as the reference reads it. */
export function acceptedEncoding(headers: string): AnswerEncoding {
  if (headers === "") return "none";
  return encodingNamed(fieldsOf(headers).get("Accept-Encoding")?.[0] ?? "");
}

/** What the value of `Accept-Encoding` asks for; empty: it is not there. */
export function encodingNamed(value: string): AnswerEncoding {
  const asked = value.toLowerCase();
  if (asked === "") return "none";
  // Readers of S2 read Snappy.
  if (asked.includes("snappy") || asked.includes("s2")) return "snappy";
  return asked.includes("gzip") ? "gzip" : "identity";
}

/** The header block of an answer, a wire string. */
export function encodingHeaders(encoding: AnswerEncoding): string {
  return encoding === "none" ? "" : `NATS/1.0\r\nContent-Encoding: ${encoding}\r\n\r\n`;
}

/** `bytes` packed. */
export function encode(
  bytes: Uint8Array,
  encoding: AnswerEncoding,
  compression: Compression,
): Uint8Array | Promise<Uint8Array> {
  if (encoding === "gzip") return compression.gzip(bytes);
  return encoding === "snappy" ? snappyFrame(bytes) : bytes;
}
