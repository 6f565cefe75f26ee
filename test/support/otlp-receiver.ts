import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { TestContext } from "node:test";

/** A span as it came. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly KeyValue[];
}

interface KeyValue {
  readonly key: string;
  readonly value: {
    readonly stringValue?: string;
    readonly intValue?: string;
    readonly doubleValue?: number;
  };
}

interface Point {
  readonly attributes: readonly KeyValue[];
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
  readonly asDouble?: number;
  readonly count?: string;
  readonly bucketCounts?: readonly string[];
  readonly explicitBounds?: readonly number[];
}

interface Points {
  readonly dataPoints: readonly Point[];
  readonly isMonotonic?: boolean;
  readonly aggregationTemporality?: number;
}

/** A figure as it came. */
export interface ReceivedMetric {
  readonly name: string;
  readonly gauge?: Points;
  readonly sum?: Points;
  readonly histogram?: Points;
}

interface Scoped {
  readonly resource: { readonly attributes: readonly KeyValue[] };
  readonly scopeSpans?: readonly { readonly spans: readonly ReceivedSpan[] }[];
  readonly scopeMetrics?: readonly { readonly metrics: readonly ReceivedMetric[] }[];
}

/** Attributes by name, numbers as texts. */
export function attributesOf(list: readonly KeyValue[]): Record<string, string> {
  return Object.fromEntries(
    list.map(({ key, value }) => [key, String(value.stringValue ?? value.intValue ?? value.doubleValue)]),
  );
}

/** A collector for OTLP by HTTP that keeps what it gets. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  /** The figures of each request. */
  readonly metrics: (readonly ReceivedMetric[])[] = [];
  readonly resources: Record<string, string>[] = [];
  readonly headers: IncomingHttpHeaders[] = [];
  /** What it answers. */
  status = 200;
  readonly #server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => (text += chunk));
    request.on("end", () => {
      this.headers.push(request.headers);
      if (this.status === 200) this.#take(request.url ?? "", text);
      response.writeHead(this.status, { "Content-Type": "application/json" }).end("{}");
    });
  });

  /** Listens for as long as the test runs. */
  static async start(t: TestContext): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    receiver.#server.listen(0, "127.0.0.1");
    await once(receiver.#server, "listening");
    t.after(() => {
      receiver.#server.closeAllConnections();
      receiver.#server.close();
    });
    return receiver;
  }

  get url(): string {
    const address = this.#server.address();
    assert.ok(typeof address === "object" && address !== null);
    return `http://127.0.0.1:${address.port}`;
  }

  #take(path: string, text: string): void {
    const { resourceSpans = [], resourceMetrics = [] } = JSON.parse(text) as {
      readonly resourceSpans?: readonly Scoped[];
      readonly resourceMetrics?: readonly Scoped[];
    };
    assert.equal(path, resourceSpans.length > 0 ? "/v1/traces" : "/v1/metrics");
    for (const { resource, scopeSpans = [], scopeMetrics = [] } of [...resourceSpans, ...resourceMetrics]) {
      this.resources.push(attributesOf(resource.attributes));
      for (const { spans } of scopeSpans) this.spans.push(...spans);
      for (const { metrics } of scopeMetrics) this.metrics.push(metrics);
    }
  }
}
