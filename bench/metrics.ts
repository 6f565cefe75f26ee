/** What a run can measure: unit, how it reads in a table, and which direction is good. */
export interface Metric {
  readonly label: string;
  readonly unit: string;
  readonly better: "higher" | "lower";
}

/** Every measurement of every case. A run fills in those its case is about. */
export const METRICS = {
  /** Messages delivered per second; published where nobody listens; requests answered; SUBs taken. */
  rate: { label: "rate", unit: "/s", better: "higher" },
  /** CPU time of the whole server process (user and system, all threads) per message counted in `rate`. */
  serverCpu: { label: "server CPU per message", unit: "µs", better: "lower" },
  serverUserCpu: { label: "server CPU per message, user", unit: "µs", better: "lower" },
  serverSystemCpu: { label: "server CPU per message, system", unit: "µs", better: "lower" },
  /** CPU time of the load generator divided by the time measured: at 1.0 it is itself the limit. */
  loadCpuShare: { label: "load generator CPU", unit: "cores", better: "lower" },
  latencyP50: { label: "latency p50", unit: "µs", better: "lower" },
  latencyP99: { label: "latency p99", unit: "µs", better: "lower" },
  firstRate: { label: "rate of the first tenth", unit: "/s", better: "higher" },
  lastRate: { label: "rate of the last tenth", unit: "/s", better: "higher" },
  bytesPerSubscription: { label: "memory per subscription", unit: "B", better: "lower" },
  bytesPerConnection: { label: "memory per idle connection", unit: "B", better: "lower" },
  bytesPerKey: { label: "memory per key", unit: "B", better: "lower" },
  idleCpu: { label: "idle CPU", unit: "% of a core", better: "lower" },
  memoryStart: { label: "memory at start", unit: "MiB", better: "lower" },
  memoryConnected: { label: "memory, all connected", unit: "MiB", better: "lower" },
  memoryPeak: { label: "memory, highest", unit: "MiB", better: "lower" },
  memoryAfterBurst: { label: "memory after a burst", unit: "MiB", better: "lower" },
  memoryAfterIdle: { label: "memory after idling", unit: "MiB", better: "lower" },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof METRICS;

/** The names of all measurements, in the order of reports. */
export const METRIC_NAMES = Object.keys(METRICS).filter((name): name is MetricName => name in METRICS);

/** What one run of one case against one server measured. */
export type Measurements = Partial<Record<MetricName, number>>;
