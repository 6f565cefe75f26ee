/** What a span says besides its times. */
export type Attributes = Readonly<Record<string, string | number>>;

/** A span's place among its parent's calls, by the numbers of OTLP. */
export const SPAN_KINDS = { producer: 4, consumer: 5 } as const;

/** A part of a trace that is over. Times are wall-clock milliseconds with fractions. */
export interface Span {
  readonly traceId: string;
  /** 16 hexadecimal digits, as the parent's. */
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: (typeof SPAN_KINDS)[keyof typeof SPAN_KINDS];
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
}

/** Takes spans that are over, one message's at a time: the first one is the parent of the others. Never throws. */
export interface SpanSink {
  add(spans: readonly Span[]): void;
}
