import { isValidLiteralSubject, toWireString } from "../subject/subject.ts";
import type { Client } from "./client.ts";
import { headerBlockOf, withField } from "./header-block.ts";
import { makeMessage, type Message } from "./message.ts";
import { MessageTrace } from "./message-trace.ts";
import { quoteWire } from "./trace.ts";
import {
  mentionsTrace,
  TRACE_DEST,
  TRACE_DISABLED,
  TRACE_ORIGIN_ACCOUNT,
  traceHeadersOf,
} from "./trace-headers.ts";

const PERCENT = 100;

/**
 * Begins to trace `message`, which has headers and which `publisher` is about to publish, if they ask for that.
 * Gives the message to publish: the same, with a trace or without, or one that tells later servers not to trace it.
 * Null: none, since it was to be traced only and can't be, or to where `mayTraceTo` says its publisher may not
 * publish. That one is asked about a wire string, and tells the publisher.
 */
export function startTrace(
  publisher: Client,
  message: Message,
  mayTraceTo: (destination: string) => boolean,
): Message | null {
  const accountTrace = publisher.account.trace;
  const { input, payloadStart, headerBytes } = message;
  if (!mentionsTrace(input.buf, payloadStart, payloadStart + headerBytes, accountTrace !== null))
    return message;
  const block = headerBlockOf(message);
  const headers = traceHeadersOf(block);
  if (headers === null) return message;
  const untraced = headers.isTraceOnly ? null : message;

  const relayed = headers.fields.get(TRACE_ORIGIN_ACCOUNT)?.[0];
  if (relayed !== undefined) {
    publisher.error(
      `Message tracing disabled because of header "${TRACE_ORIGIN_ACCOUNT}" with value="${quoteWire(relayed)}"`,
    );
    return untraced === null ? null : withoutTrace(untraced, block);
  }
  if (headers.destination === null) {
    if (accountTrace === null) return message;
    if (!isAmong(publisher, accountTrace.sampling)) return withoutTrace(message, block);
  }
  const destination = headers.destination ?? toWireString(accountTrace?.dest ?? "");
  if (!isValidLiteralSubject(destination)) {
    publisher.error(`Destination "${quoteWire(destination)}" is not valid, won't be able to trace events`);
    return untraced;
  }
  if (!mayTraceTo(destination)) return null;
  message.trace = new MessageTrace(publisher, message, headers, destination);
  return message;
}

/** The headers of a message whose trace ends here, for whoever gets it. Wire strings. */
export function headersWithoutTrace(block: string): string {
  return withField(block, TRACE_DEST, TRACE_DISABLED);
}

function withoutTrace(message: Message, block: string): Message {
  const { input, subjectStart, subjectEnd, replyStart, replyEnd, payloadStart, headerBytes } = message;
  const { buf } = input;
  const copy = makeMessage(
    buf.latin1Slice(subjectStart, subjectEnd),
    buf.latin1Slice(replyStart, replyEnd),
    headersWithoutTrace(block),
    buf.subarray(payloadStart + headerBytes, message.payloadEnd),
  );
  copy.origin = message.origin;
  return copy;
}

function isAmong({ broker }: Client, sampling: number): boolean {
  return sampling >= PERCENT || broker.random.below(PERCENT) < sampling;
}
