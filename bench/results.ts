import type { BenchmarkCase } from "./cases.ts";
import type { Machine } from "./machine.ts";
import { METRIC_NAMES, type Measurements, type MetricName } from "./metrics.ts";
import { pairedRatio, spreadOf, type Spread } from "./statistics.ts";

export type Side = "ours" | "reference";

/** All runs of one case: one entry per round and side, rounds in the same order on both. */
export interface CaseRuns {
  readonly benchmark: BenchmarkCase;
  readonly ours: readonly Measurements[];
  readonly reference: readonly Measurements[];
}

/** One measurement over all rounds. A side that was not run has no spread. */
export interface MetricResult {
  readonly ours?: Spread;
  readonly reference?: Spread;
  /** Ours divided by the reference's, run by run. */
  readonly ratio?: Spread;
}

/** One case over all rounds. */
export interface CaseResult {
  readonly name: string;
  readonly description: string;
  readonly rateRatioAtLeast?: number;
  readonly metrics: { readonly [Name in MetricName]?: MetricResult };
}

/** What is written as JSON. */
export interface BenchResults {
  readonly date: string;
  readonly machine: Machine;
  /** Version lines of the servers that were run. */
  readonly servers: { readonly [S in Side]?: string };
  readonly rounds: number;
  readonly seconds: number;
  readonly cases: readonly CaseResult[];
}

/** Medians and ratios of a case's runs. */
export function summarize({ benchmark, ours, reference }: CaseRuns): CaseResult {
  const { name, description, rateRatioAtLeast } = benchmark;
  const metrics: Partial<Record<MetricName, MetricResult>> = {};
  for (const metric of METRIC_NAMES) {
    const ourValues = ours.flatMap((run) => run[metric] ?? []);
    const theirValues = reference.flatMap((run) => run[metric] ?? []);
    if (ourValues.length === 0 && theirValues.length === 0) continue;
    const ratio = pairedRatio(ourValues, theirValues);
    metrics[metric] = {
      ...(ourValues.length > 0 && { ours: spreadOf(ourValues) }),
      ...(theirValues.length > 0 && { reference: spreadOf(theirValues) }),
      ...(ratio !== undefined && { ratio }),
    };
  }
  return { name, description, ...(rateRatioAtLeast !== undefined && { rateRatioAtLeast }), metrics };
}
