import { inTurns, type Steps } from "../base/steps.ts";
import { Timer } from "../base/timer-queue.ts";
import { CADDIS_VERSION } from "../base/version.ts";
import type { Broker } from "../broker/broker.ts";
import { RepeatedLine } from "../broker/trace.ts";
import type { HttpPost } from "../io/http-post.ts";
import type { Family } from "../metrics/family.ts";
import { metricsRequest, tracesRequest } from "./otlp-json.ts";
import type { Attributes, Span, SpanSink } from "./span.ts";

/** Spans that wait for their request. More of them are dropped: a collector that is down must not cost memory. */
const WAITING_SPANS_MAX = 4_096;

/** Spans of one request: some 300 KB. */
const SPANS_PER_REQUEST = 512;

/** How often spans are sent. */
const SPANS_INTERVAL_MS = 5_000;

/** Where what is collected goes, and how often. */
export interface ExportTarget {
  /** What `/v1/traces` and `/v1/metrics` stand behind, without a slash at its end. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Null: none are wanted. */
  readonly metrics: { readonly intervalMs: number; readonly families: () => Steps<readonly Family[]> } | null;
  /** When the server began, wall-clock milliseconds. */
  readonly startMs: () => number;
}

/** Sends spans and figures to a collector by OTLP over HTTP. What can't be delivered is lost, and the log says so now and then. */
export class OtlpExporter implements SpanSink {
  readonly #broker: Broker;
  readonly #post: HttpPost;
  readonly #target: ExportTarget;
  readonly #line = new RepeatedLine();
  readonly #spansTimer = new Timer(() => void this.#onSpansTimer());
  readonly #metricsTimer = new Timer(() => void this.#onMetricsTimer());
  #waiting: Span[] = [];
  #isClosed = false;

  constructor(broker: Broker, post: HttpPost, target: ExportTarget) {
    this.#broker = broker;
    this.#post = post;
    this.#target = target;
  }

  /** Begins with its intervals. */
  start(): void {
    this.#schedule(this.#spansTimer, SPANS_INTERVAL_MS);
    this.#schedule(this.#metricsTimer, this.#target.metrics?.intervalMs ?? Infinity);
  }

  add(spans: readonly Span[]): void {
    if (this.#waiting.length + spans.length > WAITING_SPANS_MAX) this.#warn("too many spans wait");
    else this.#waiting.push(...spans);
  }

  /** Sends what there is for the last time. Resolves when that is done, or has failed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#broker.timers.cancel(this.#spansTimer);
    this.#broker.timers.cancel(this.#metricsTimer);
    await Promise.all([this.#sendSpans(), this.#sendMetrics()]);
  }

  async #onSpansTimer(): Promise<void> {
    await this.#sendSpans();
    this.#schedule(this.#spansTimer, SPANS_INTERVAL_MS);
  }

  async #onMetricsTimer(): Promise<void> {
    await this.#sendMetrics();
    this.#schedule(this.#metricsTimer, this.#target.metrics?.intervalMs ?? Infinity);
  }

  #schedule(timer: Timer, delayMs: number): void {
    if (!this.#isClosed && delayMs < Infinity) this.#broker.timers.setIn(timer, delayMs);
  }

  async #sendSpans(): Promise<void> {
    while (this.#waiting.length > 0) {
      const spans = this.#waiting.splice(0, SPANS_PER_REQUEST);
      const isTaken = await this.#send("/v1/traces", tracesRequest(this.#resource, spans));
      if (isTaken) continue;
      // The rest would fare no better.
      this.#waiting = [];
    }
  }

  async #sendMetrics(): Promise<void> {
    const { metrics, startMs } = this.#target;
    if (metrics === null) return;
    const { clock } = this.#broker;
    const families = await inTurns(metrics.families(), (run) => clock.nextTurn(run));
    await this.#send("/v1/metrics", metricsRequest(this.#resource, families, startMs(), clock.nowMs()));
  }

  /** False when it was not taken; nothing is tried twice. */
  async #send(path: string, json: string): Promise<boolean> {
    const posted = await this.#post(this.#target.endpoint + path, this.#target.headers, json);
    if (posted.ok && posted.status >= 200 && posted.status < 300) return true;
    const reason = posted.ok ? `status ${posted.status}` : posted.problem;
    this.#warn(reason);
    return false;
  }

  #warn(reason: string): void {
    const { log, clock } = this.#broker;
    const line = this.#line.next(`Telemetry could not be delivered: ${reason}`, clock.monotonicMs());
    if (line !== null) log.warn(line);
  }

  get #resource(): Attributes {
    const { serverName, serverId } = this.#broker;
    return { "service.name": serverName, "service.instance.id": serverId, "service.version": CADDIS_VERSION };
  }
}
