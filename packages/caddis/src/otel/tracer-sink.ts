import { type Context, ROOT_CONTEXT, SpanKind, trace, TraceFlags, type Tracer } from "@opentelemetry/api";
import { type Span, SPAN_KINDS, type SpanSink } from "./span.ts";

const KINDS: Readonly<Record<Span["kind"], SpanKind>> = {
  [SPAN_KINDS.producer]: SpanKind.PRODUCER,
  [SPAN_KINDS.consumer]: SpanKind.CONSUMER,
};

/** Hands spans to whatever the application collects its own with. That gives them ids of its own. */
export class TracerSink implements SpanSink {
  readonly #tracer: Tracer;

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  add([first, ...others]: readonly Span[]): void {
    const { traceId, parentSpanId: spanId } = first;
    const remote = { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
    const context = this.#record(first, trace.setSpanContext(ROOT_CONTEXT, remote));
    for (const span of others) this.#record(span, context);
  }

  /** Gives the context of what is below `span`. */
  #record({ name, kind, startMs, endMs, attributes }: Span, parent: Context): Context {
    const options = { kind: KINDS[kind], startTime: startMs, attributes };
    const recorded = this.#tracer.startSpan(name, options, parent);
    recorded.end(endMs);
    return trace.setSpan(parent, recorded);
  }
}
