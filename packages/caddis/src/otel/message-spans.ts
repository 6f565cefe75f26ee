import type { Broker } from "../broker/broker.ts";
import { headerBlockOf } from "../broker/header-block.ts";
import type { Message } from "../broker/message.ts";
import type { FollowedMessage, MessageTracer } from "../broker/message-tracer.ts";
import type { Subscription } from "../broker/subscription.ts";
import { fromWireString } from "../subject/subject.ts";
import { type Attributes, type Span, SPAN_KINDS, type SpanSink } from "./span.ts";
import { isAmong, type TraceParent, traceParentOf } from "./traceparent.ts";

/** Deliveries of one message with a span of their own: a message to ten thousand receivers is not a trace any more. */
const DELIVERIES_MAX = 32;

/** Characters of a text that a client has chosen. */
const TEXT_MAX = 256;

/** Bytes of a span's id. */
const SPAN_ID_BYTES = 8;

/**
 * Makes spans of messages that carry `traceparent`, of those whose sender samples them: one for the message's way
 * through the server, and one below it for each delivery. The message stays as it is.
 */
export class MessageSpans implements MessageTracer {
  readonly #broker: Broker;
  readonly #sink: SpanSink;
  readonly #ratio: number;

  /** `ratio`: the share of the traces that are sampled by their senders. */
  constructor(broker: Broker, sink: SpanSink, ratio: number) {
    this.#broker = broker;
    this.#sink = sink;
    this.#ratio = ratio;
  }

  begin(message: Message): FollowedMessage | null {
    const parent = traceParentOf(headerBlockOf(message));
    if (parent === null || !parent.isSampled || !isAmong(parent.traceId, this.#ratio)) return null;
    return new MessageSpan(this.#broker, this.#sink, parent, message);
  }
}

/** What is known of a delivery before it is over. */
interface Delivery {
  readonly startMs: number;
  readonly attributes: Attributes;
}

class MessageSpan implements FollowedMessage {
  readonly #broker: Broker;
  readonly #sink: SpanSink;
  readonly #parent: TraceParent;
  /** What makes wall-clock time of the monotonic clock's, which is finer. */
  readonly #wallOffsetMs: number;
  readonly #startMs: number;
  readonly #attributes: Attributes;
  readonly #deliveries: Delivery[] = [];
  #deliveryCount = 0;

  constructor(broker: Broker, sink: SpanSink, parent: TraceParent, message: Message) {
    this.#broker = broker;
    this.#sink = sink;
    this.#parent = parent;
    this.#wallOffsetMs = broker.clock.nowMs() - broker.clock.monotonicMs();
    this.#startMs = this.#nowMs();
    this.#attributes = attributesOf(message);
  }

  onDelivered(subscription: Subscription): void {
    this.#deliveryCount++;
    if (this.#deliveries.length === DELIVERIES_MAX) return;
    this.#deliveries.push({ startMs: this.#nowMs(), attributes: deliveryAttributes(subscription) });
  }

  /** What was delivered goes to the system with the rest of the read, within this turn. It is over behind that. */
  end(): void {
    queueMicrotask(() => this.#sink.add(this.#spans(this.#nowMs())));
  }

  #spans(endMs: number): Span[] {
    const { traceId, spanId } = this.#parent;
    const ingress: Span = {
      traceId,
      spanId: this.#newId(),
      parentSpanId: spanId,
      name: "nats ingress",
      kind: SPAN_KINDS.consumer,
      startMs: this.#startMs,
      endMs,
      attributes: { ...this.#attributes, "nats.deliveries": this.#deliveryCount },
    };
    const subject = this.#attributes["messaging.destination.name"];
    const deliveries = this.#deliveries.map(({ startMs, attributes }): Span => ({
      traceId,
      spanId: this.#newId(),
      parentSpanId: ingress.spanId,
      name: "nats delivery",
      kind: SPAN_KINDS.producer,
      startMs,
      endMs,
      attributes: { ...attributes, "messaging.destination.name": subject },
    }));
    return [ingress, ...deliveries];
  }

  #nowMs(): number {
    return this.#broker.clock.monotonicMs() + this.#wallOffsetMs;
  }

  #newId(): string {
    return Buffer.from(this.#broker.random.bytes(SPAN_ID_BYTES)).toString("hex");
  }
}

/** By OpenTelemetry's names for messaging where there are some. */
function attributesOf(message: Message): Attributes {
  const { input, subjectStart, subjectEnd, payloadStart, payloadEnd, headerBytes, origin } = message;
  const subject = input.buf.latin1Slice(subjectStart, Math.min(subjectEnd, subjectStart + TEXT_MAX));
  return {
    "messaging.system": "nats",
    "messaging.operation.type": "receive",
    "messaging.destination.name": fromWireString(subject),
    "messaging.message.body.size": payloadEnd - payloadStart - headerBytes,
    ...(origin === null
      ? {}
      : {
          "nats.client.id": origin.cid,
          "nats.client.name": origin.connect.name.slice(0, TEXT_MAX),
          "nats.account": origin.account.name,
        }),
  };
}

function deliveryAttributes({ client, subject, queue }: Subscription): Attributes {
  return {
    "messaging.system": "nats",
    "messaging.operation.type": "send",
    "messaging.destination.subscription.name": fromWireString(subject.slice(0, TEXT_MAX)),
    ...(queue === "" ? {} : { "messaging.consumer.group.name": fromWireString(queue.slice(0, TEXT_MAX)) }),
    ...(client === null
      ? {}
      : {
          "nats.client.id": client.cid,
          "nats.client.name": client.connect.name.slice(0, TEXT_MAX),
          "nats.account": client.account.name,
        }),
  };
}
