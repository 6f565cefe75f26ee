import assert from "node:assert/strict";

/** A protocol line that arrived, or a message with what follows its line. All are wire strings. */
export interface Received {
  /** The line without its CRLF; of a message the operation only. */
  readonly line: string;
  readonly subject: string;
  readonly sid: string;
  readonly reply: string;
  /** The header block. */
  readonly headers: string;
  readonly payload: string;
}

/** Takes what a server sent apart; fails when something is left over. */
export function parseReceived(text: string): Received[] {
  const received: Received[] = [];
  for (let at = 0; at < text.length;) {
    const end = text.indexOf("\r\n", at);
    assert.ok(end >= 0, `an unfinished line: ${JSON.stringify(text.slice(at))}`);
    const line = text.slice(at, end);
    at = end + 2;
    const [operation, ...args] = line.split(" ");
    if (operation !== "MSG" && operation !== "HMSG") {
      received.push({ line, subject: "", sid: "", reply: "", headers: "", payload: "" });
      continue;
    }
    const size = Number(args.pop());
    const headerBytes = operation === "HMSG" ? Number(args.pop()) : 0;
    const [subject, sid, reply = ""] = args;
    const headers = text.slice(at, at + headerBytes);
    received.push({
      line: operation,
      subject,
      sid,
      reply,
      headers,
      payload: text.slice(at + headerBytes, at + size),
    });
    assert.equal(text.slice(at + size, at + size + 2), "\r\n", "a message ends with CRLF");
    at += size + 2;
  }
  return received;
}
