import { StoredMessage } from "../../store/stored-message.ts";
import { fromWireString, toWireString } from "../../subject/subject.ts";
import { type ApiError, apiError } from "./api-error.ts";
import {
  counterPayload,
  counterSourcesHeader,
  type CounterState,
  incremented,
  NEW_COUNTER,
  parseIncrement,
  readCounter,
  sourced,
} from "./counter.ts";
import { withHeaderSet } from "./header-edit.ts";
import type { Publish } from "./publish.ts";
import { PublishHeaders } from "./publish-headers.ts";
import type { StreamConfig } from "./stream-config.ts";
import type { StreamView } from "./stream-view.ts";

/** Whoever increments neither expects anything nor removes anything. */
const INCOMPATIBLE = [
  "Nats-Rollup",
  "Nats-Expected-Stream",
  "Nats-Expected-Last-Msg-Id",
  "Nats-Expected-Last-Subject-Sequence-Subject",
  "Nats-Expected-Last-Sequence",
  "Nats-Expected-Last-Subject-Sequence",
] as const;

/** What stands against a message's `Nats-Incr`, before anything else is looked at; null: nothing. */
export function incrementProblem(publish: Publish, config: StreamConfig): ApiError | null {
  const { headers } = publish;
  const increment = headers.get("Nats-Incr");
  if (increment === "") return null;
  if (parseIncrement(increment) === null) return apiError("messageIncrInvalid");
  if (publish.isSourced) return null;
  if (!config.allow_msg_counter) return apiError("messageIncrDisabled");
  if (publish.payloadBytes > 0) return apiError("messageIncrPayload");
  return INCOMPATIBLE.some((name) => headers.get(name) !== "") ? apiError("messageIncrInvalid") : null;
}

/**
 * Makes of a message to a stream of counters what is stored: with the sum for a payload. `counter`: what the subject
 * counts so far; null: its last message is no counter's. Returns what it counts now. With `Nats-Stream-Source` it
 * comes from another counter, and its increment is what that one has changed.
 */
export function applyCounter(
  publish: Publish,
  counter: CounterState | null,
): CounterState | { readonly error: ApiError } {
  const { headers } = publish;
  const text = headers.get("Nats-Incr");
  if (text === "") return { error: apiError("messageIncrMissing") };
  const increment = parseIncrement(text);
  if (increment === null) return { error: apiError("messageIncrInvalid") };
  if (counter === null) return { error: apiError("messageCounterBroken") };
  let block = publish.headerText();
  let next = incremented(counter, increment);
  const origin = headers.get("Nats-Stream-Source");
  if (origin !== "") {
    const fields = fromWireString(origin).split(" ");
    const subject = fields.length >= 5 ? fields[4] : fromWireString(publish.subject);
    const payload = publish.buf.utf8Slice(publish.payloadStart, publish.payloadEnd);
    const result = sourced(counter, { stream: fields[0], subject, payload });
    if (result === null) return { error: apiError("messageCounterBroken") };
    next = result.counter;
    block = withHeaderSet(block, "Nats-Incr", String(result.increment));
  }
  const sources = counterSourcesHeader(next);
  if (sources !== "") block = withHeaderSet(block, "Nats-Counter-Sources", toWireString(sources));
  publish.setContent(block, Buffer.from(counterPayload(next), "latin1"));
  publish.counterValue = String(next.total);
  return next;
}

/**
 * What a subject counts as stored: `NEW_COUNTER` where nothing is, null where its last message is
 * no counter's, or can't be read.
 */
export function lastCounter(subject: string, view: StreamView): CounterState | null {
  const last = new StoredMessage();
  // One that can't be read must not begin at zero again.
  if (!view.loadLast(subject, last)) return view.lastSeqOf(subject) === 0 ? NEW_COUNTER : null;
  const headers = new PublishHeaders();
  headers.read(last.buf, last.headersStart, last.payloadStart);
  return readCounter(
    last.buf.utf8Slice(last.payloadStart, last.payloadEnd),
    fromWireString(headers.get("Nats-Counter-Sources")),
  );
}
