import type { Distribution, Family, Labels, NumberFamily } from "../metrics/family.ts";
import type { Attributes, Span } from "./span.ts";

/**
 * OTLP in its JSON form: spans and figures as collectors take them by HTTP. Numbers of 64 bits are texts, ids are
 * hexadecimal, as the protocol's specification wants it.
 */

/** Who collected it, in each request. */
const SCOPE = { name: "caddis" };

/** Counted from the start on, rather than from one request to the next. */
const CUMULATIVE = 2;

/** The body of a request to `/v1/traces`. */
export function tracesRequest(resource: Attributes, spans: readonly Span[]): string {
  const scopeSpans = [{ scope: SCOPE, spans: spans.map(spanJson) }];
  return JSON.stringify({
    resourceSpans: [{ resource: { attributes: attributesJson(resource) }, scopeSpans }],
  });
}

/** The body of a request to `/v1/metrics`. `startMs`: when counting began; wall-clock milliseconds, as `nowMs`. */
export function metricsRequest(
  resource: Attributes,
  families: readonly Family[],
  startMs: number,
  nowMs: number,
): string {
  const times = { startTimeUnixNano: nanoseconds(startMs), timeUnixNano: nanoseconds(nowMs) };
  const metrics = families.map((family) => metricJson(family, times));
  const scopeMetrics = [{ scope: SCOPE, metrics }];
  return JSON.stringify({
    resourceMetrics: [{ resource: { attributes: attributesJson(resource) }, scopeMetrics }],
  });
}

function spanJson(span: Span): object {
  const { traceId, spanId, parentSpanId, name, kind, startMs, endMs, attributes } = span;
  return {
    traceId,
    spanId,
    parentSpanId,
    name,
    kind,
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(endMs),
    attributes: attributesJson(attributes),
  };
}

/** When counting began and when this was so, in nanoseconds. */
interface Times {
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
}

function metricJson(family: Family, times: Times): object {
  const { name, help: description } = family;
  if (family.type === "histogram") {
    const dataPoints = [distributionJson(family.distribution, family.labels, times)];
    return { name, description, unit: "s", histogram: { aggregationTemporality: CUMULATIVE, dataPoints } };
  }
  const dataPoints = pointsJson(family, times);
  if (family.type === "gauge") return { name, description, gauge: { dataPoints } };
  return { name, description, sum: { aggregationTemporality: CUMULATIVE, isMonotonic: true, dataPoints } };
}

function pointsJson({ samples }: NumberFamily, times: Times): object[] {
  return samples.map(({ labels, value }) => ({
    ...times,
    attributes: attributesJson(labels),
    asDouble: value,
  }));
}

function distributionJson({ bounds, counts, sum }: Distribution, labels: Labels, times: Times): object {
  return {
    ...times,
    attributes: attributesJson(labels),
    count: String(counts.reduce((total, count) => total + count, 0)),
    sum,
    bucketCounts: counts.map(String),
    explicitBounds: bounds,
  };
}

function attributesJson(attributes: Attributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: valueJson(value) }));
}

function valueJson(value: string | number): object {
  if (typeof value === "string") return { stringValue: value };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

function nanoseconds(ms: number): string {
  const whole = Math.floor(ms);
  return String(BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6)));
}
