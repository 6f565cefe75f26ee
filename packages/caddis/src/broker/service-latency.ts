import { toWireString } from "../subject/subject.ts";
import type { Account } from "./account.ts";
import type { Client } from "./client.ts";
import { goJson, goTime, nanoseconds } from "./go-json.ts";
import { makeMessage } from "./message.ts";
import { randomName } from "./random-name.ts";
import { requestInfoOf } from "./request-info.ts";

const METRIC_TYPE = "io.nats.server.metric.v1.service_latency";
const ID_LENGTH = 22;

/** How a measured request ended. */
export type LatencyOutcome = "ok" | "bad request" | "interest lost" | "nobody" | "timeout";

/** As the metric says it; a success has no description. */
const STATUSES: Readonly<
  Record<LatencyOutcome, { readonly status: number; readonly description: string | undefined }>
> = {
  ok: { status: 200, description: undefined },
  "bad request": { status: 400, description: "Bad Request" },
  "interest lost": { status: 408, description: "Request Timeout" },
  nobody: { status: 503, description: "Service Unavailable" },
  timeout: { status: 504, description: "Service Timeout" },
};

/** Header fields that made a request be measured, by name. */
export type TraceHeaders = Readonly<Record<string, readonly string[]>>;

/** Measures one request to a service, and tells the exporting account what came of it. */
export class LatencyProbe {
  readonly #exporter: Account;
  readonly #subject: string;
  readonly #requestor: Client;
  readonly #shares: boolean;
  readonly #headers: TraceHeaders;
  readonly #startMs: number;
  readonly #startMonotonicMs: number;

  /** `subject`: where the measurement goes, a text; `shares`: the importer shows more than its account. */
  constructor(exporter: Account, subject: string, requestor: Client, shares: boolean, headers: TraceHeaders) {
    this.#exporter = exporter;
    this.#subject = toWireString(subject);
    this.#requestor = requestor;
    this.#shares = shares;
    this.#headers = headers;
    this.#startMs = exporter.broker.clock.nowMs();
    this.#startMonotonicMs = exporter.broker.clock.monotonicMs();
  }

  /** Publishes the measurement. `responder`: who answered, for a success. */
  report(outcome: LatencyOutcome, responder: Client | null): void {
    const { broker } = this.#exporter;
    const { status, description } = STATUSES[outcome];
    const metric = {
      type: METRIC_TYPE,
      id: randomName(broker.random, ID_LENGTH),
      timestamp: goTime(broker.clock.nowMs()),
      status,
      description,
      requestor: requestInfoOf(this.#requestor, this.#shares),
      responder: responder === null ? undefined : requestInfoOf(responder, true),
      header: Object.keys(this.#headers).length === 0 ? undefined : this.#headers,
      start: goTime(this.#startMs - this.#requestor.pings.roundTripMs),
      ...this.#durations(outcome === "ok", responder),
    };
    this.#exporter.publish(makeMessage(this.#subject, "", "", Buffer.from(goJson(metric), "utf8")));
  }

  /** Nanoseconds. What the service took is what is left without its connection's round trip. */
  #durations(
    isAnswered: boolean,
    responder: Client | null,
  ): { service: number; system: number; total: number } {
    if (!isAnswered) return { service: 0, system: 0, total: 0 };
    const elapsedMs = this.#exporter.broker.clock.monotonicMs() - this.#startMonotonicMs;
    const serviceMs = Math.max(0, elapsedMs - (responder === null ? 0 : responder.pings.roundTripMs));
    // Within one server nothing is spent between taking the answer and giving it away.
    return {
      service: nanoseconds(serviceMs),
      system: 0,
      total: nanoseconds(elapsedMs + this.#requestor.pings.roundTripMs),
    };
  }
}
