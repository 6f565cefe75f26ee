/** OpenTelemetry for a server: `createServer(options, { plugins: [openTelemetry({ endpoint })] })`. */
import type { Tracer } from "@opentelemetry/api";
import { Latencies } from "../metrics/latencies.ts";
import { ServerMetrics } from "../metrics/server-metrics.ts";
import { varzOf } from "../monitor/varz-of.ts";
import type { PluginHost, RunningPlugin, ServerPlugin } from "../server/plugin.ts";
import { OtlpExporter } from "./exporter.ts";
import { MessageSpans } from "./message-spans.ts";
import { TracerSink } from "./tracer-sink.ts";

/** What is collected, and where it goes. */
export interface TelemetryOptions {
  /** Base URL of a collector that takes OTLP over HTTP as JSON. `http://localhost:4318` unless said otherwise. */
  readonly endpoint?: string;
  /** Sent with each request; for credentials. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether messages with `traceparent` become spans. True unless said otherwise. */
  readonly traces?: boolean;
  /** The share of the traces that their senders sample, from 0 to 1; the same traces at each server. 1 unless said otherwise. */
  readonly ratio?: number;
  /** Takes the spans instead of the collector: that of the application's own OpenTelemetry. */
  readonly tracer?: Tracer;
  /** Whether figures are sent, the same as in `/metrics`. True unless said otherwise. */
  readonly metrics?: boolean;
  /** Milliseconds between figures, at least 1000. 60,000 unless said otherwise. */
  readonly metricsInterval?: number;
}

const DEFAULT_ENDPOINT = "http://localhost:4318";
const DEFAULT_INTERVAL_MS = 60_000;
const INTERVAL_MS_MIN = 1_000;

/** A plugin that collects by `options`. Throws a `TypeError` for those that mean nothing. */
export function openTelemetry(options: TelemetryOptions = {}): ServerPlugin {
  const { endpoint = DEFAULT_ENDPOINT, ratio = 1, metricsInterval = DEFAULT_INTERVAL_MS } = options;
  if (!/^https?:$/.test(URL.parse(endpoint)?.protocol ?? ""))
    throw new TypeError("endpoint must be an HTTP URL");
  if (!(ratio >= 0 && ratio <= 1)) throw new TypeError("ratio must be from 0 to 1");
  if (!(metricsInterval >= INTERVAL_MS_MIN)) throw new TypeError("metricsInterval must be 1000 or more");
  return { start: (host) => startTelemetry(host, { ...options, endpoint, ratio, metricsInterval }) };
}

type FullOptions = TelemetryOptions &
  Required<Pick<TelemetryOptions, "endpoint" | "ratio" | "metricsInterval">>;

function startTelemetry({ server, post }: PluginHost, options: FullOptions): RunningPlugin {
  const { broker } = server;
  const { traces = true, metrics = true, tracer } = options;
  const figures = new ServerMetrics(server);
  if (metrics) Latencies.of(broker);
  const families = () => figures.families(varzOf({ server, httpRequests: NO_REQUESTS, metrics: figures }));
  const exporter = new OtlpExporter(broker, post, {
    endpoint: options.endpoint.replace(/\/+$/, ""),
    headers: options.headers ?? {},
    metrics: metrics ? { intervalMs: options.metricsInterval, families } : null,
    startMs: () => server.startMs,
  });
  const sink = tracer === undefined ? exporter : new TracerSink(tracer);
  if (traces) broker.tracer = new MessageSpans(broker, sink, options.ratio);
  exporter.start();
  return {
    close() {
      broker.tracer = null;
      return exporter.close();
    },
  };
}

/** Figures are not asked for by HTTP here. */
const NO_REQUESTS: ReadonlyMap<string, number> = new Map();
