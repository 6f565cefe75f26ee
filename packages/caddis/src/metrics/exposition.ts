import { Counter, Gauge, Histogram, Registry, type RegistryContentType } from "prom-client";
import type { Distribution, Family, HistogramFamily, NumberFamily } from "./family.ts";

/** The two forms that scrapers read. */
export type Format = "text" | "openmetrics";

/** What is sent back. */
export interface Exposition {
  readonly contentType: string;
  readonly body: string;
}

/** `families` as a scraper reads them. The registry lives as long as the answer: there is nothing to keep in it. */
export async function expose(families: readonly Family[], format: Format): Promise<Exposition> {
  const type = format === "text" ? Registry.PROMETHEUS_CONTENT_TYPE : Registry.OPENMETRICS_CONTENT_TYPE;
  const registry = new Registry<RegistryContentType>();
  registry.setContentType(type);
  for (const family of families) {
    registry.registerMetric(family.type === "histogram" ? new Counted(family) : numbers(family));
  }
  return { contentType: type, body: await registry.metrics() };
}

function numbers({ type, name, help, samples }: NumberFamily): Gauge | Counter {
  const common = { help, labelNames: Object.keys(samples[0]?.labels ?? {}), registers: [] };
  if (type === "gauge") {
    const metric = new Gauge({ ...common, name });
    for (const { labels, value } of samples) metric.set(labels, value);
    return metric;
  }
  const metric = new Counter({ ...common, name: `${name}_total` });
  for (const { labels, value } of samples) metric.inc(labels, value);
  return metric;
}

/** A histogram whose values were counted elsewhere. */
class Counted extends Histogram {
  readonly #family: HistogramFamily;

  constructor(family: HistogramFamily) {
    super({ name: family.name, help: family.help, registers: [] });
    this.#family = family;
  }

  /** What the registry asks for first. */
  getForPromString(): Promise<object> {
    const { name, help, labels, distribution } = this.#family;
    const values = seriesOf(distribution).map(({ suffix, le, value }) => ({
      metricName: name + suffix,
      labels: le === null ? labels : { ...labels, le },
      value,
    }));
    return Promise.resolve({ name, help, type: "histogram", values });
  }
}

interface Series {
  readonly suffix: "_bucket" | "_sum" | "_count";
  readonly le: string | null;
  readonly value: number;
}

function seriesOf({ bounds, counts, sum }: Distribution): Series[] {
  let total = 0;
  const buckets = counts.map((count, i): Series => {
    total += count;
    return { suffix: "_bucket", le: i < bounds.length ? goFloat(bounds[i]) : "+Inf", value: total };
  });
  return [...buckets, { suffix: "_sum", le: null, value: sum }, { suffix: "_count", le: null, value: total }];
}

/** As OpenMetrics wants bounds spelled, so that the same bound is the same label everywhere. */
function goFloat(bound: number): string {
  if (Number.isInteger(bound)) return bound.toFixed(1);
  if (bound >= 1e-4) return String(bound);
  return bound.toExponential().replace(/e-(\d)$/, "e-0$1");
}
