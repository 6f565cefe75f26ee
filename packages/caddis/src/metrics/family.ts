/**
 * Figures as they leave the server, in whatever format: what Prometheus and OpenTelemetry have in common. A counter's
 * name comes without the `_total` that Prometheus puts behind it. Durations are in seconds, sizes in bytes.
 */

/** Names and values of one sample; few of them, whatever clients do. */
export type Labels = Readonly<Record<string, string>>;

/** One figure. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** A distribution as it is now. `counts[i]` values were at most `bounds[i]` and above the bound before; the last: above all. */
export interface Distribution {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
}

/** Figures of one kind. `gauge` goes up and down, `counter` only up while the server runs. */
export interface NumberFamily {
  readonly type: "gauge" | "counter";
  readonly name: string;
  /** One sentence without quotes. */
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** Distributions of one kind. */
export interface HistogramFamily {
  readonly type: "histogram";
  readonly name: string;
  readonly help: string;
  readonly labels: Labels;
  readonly distribution: Distribution;
}

export type Family = NumberFamily | HistogramFamily;

/** A gauge with one sample. */
export function gauge(name: string, help: string, labels: Labels, value: number): NumberFamily {
  return { type: "gauge", name, help, samples: [{ labels, value }] };
}

/** A counter with one sample for each value of the label `by`. */
export function countersBy(
  name: string,
  help: string,
  labels: Labels,
  by: string,
  counts: ReadonlyMap<string, number>,
): NumberFamily {
  const samples = Array.from(counts, ([key, value]) => ({ labels: { ...labels, [by]: key }, value }));
  return { type: "counter", name, help, samples };
}
