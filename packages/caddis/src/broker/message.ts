import { Bytes } from "../base/bytes.ts";
import type { Client } from "./client.ts";
import type { MessageTrace } from "./message-trace.ts";
import type { ServiceHop } from "./service-hop.ts";

/**
 * A message on its way through: ranges of an input that are valid while it is being delivered. One
 * object per broker is filled anew for each publish; who wants to keep a message copies it.
 *
 * Invariant: `input[suffixStart, payloadEnd + 2)` reads `size CR LF payload CR LF`, with headers
 * `header-size size CR LF …`, exactly as receivers get it.
 */
export class Message {
  input: Bytes = NOTHING;
  subjectStart = 0;
  subjectEnd = 0;
  /** Where it goes when that is not its subject: a wire string, as what is stored keeps its subject; empty: it is. */
  inbox = "";
  /** Empty range: no reply subject. */
  replyStart = 0;
  replyEnd = 0;
  /** Bytes of the header block at the start of the payload; 0: no headers. */
  headerBytes = 0;
  suffixStart = 0;
  payloadStart = 0;
  payloadEnd = 0;
  /** The connection that published it; null for the server itself. */
  origin: Client | null = null;
  /** The service import that brought it into the account it is delivered in; null where it was published. */
  via: ServiceHop | null = null;
  /** Collects what happens to it; null: nobody asked. */
  trace: MessageTrace | null = null;
}

const NOTHING = new Bytes(0);

/** The subject, a wire string, that says who gets `message`: not always the one that they see. */
export function routedSubject({ inbox, input, subjectStart, subjectEnd }: Message): string {
  return inbox === "" ? input.buf.latin1Slice(subjectStart, subjectEnd) : inbox;
}

/** Subject, reply and header block are wire strings; returns a message of its own memory. */
export function makeMessage(subject: string, reply: string, headers: string, payload: Uint8Array): Message {
  const message = new Message();
  const size = headers.length + payload.length;
  const sizes = headers === "" ? `${size}\r\n` : `${headers.length} ${size}\r\n`;
  const head = subject + reply + sizes + headers;
  const input = new Bytes(head.length + payload.length + 2);
  input.buf.latin1Write(head, 0);
  input.buf.set(payload, head.length);
  input.buf.latin1Write("\r\n", head.length + payload.length);
  message.input = input;
  message.subjectEnd = subject.length;
  message.replyStart = subject.length;
  message.replyEnd = subject.length + reply.length;
  message.headerBytes = headers.length;
  message.suffixStart = message.replyEnd;
  message.payloadStart = message.replyEnd + sizes.length;
  message.payloadEnd = message.payloadStart + size;
  return message;
}
