import { METRIC_NAMES, METRICS, type MetricName } from "./metrics.ts";
import type { CaseResult, MetricResult } from "./results.ts";
import type { Spread } from "./statistics.ts";

/** A load generator this busy (in cores) may be what limits the rate. */
const LOAD_SATURATED = 0.97;

/** Measurements that have a column of the first table; the others get lines of their own. */
const TABLE_METRICS: readonly MetricName[] = ["rate", "serverCpu", "loadCpuShare"];
const SPLIT_METRICS: readonly MetricName[] = ["serverUserCpu", "serverSystemCpu"];

/** The results as text: a table of rates, then everything else a case measures. */
export function formatReport(cases: readonly CaseResult[], withServerCpu: boolean): string {
  const lines: string[] = [];
  const rates = cases.filter(({ metrics }) => metrics.rate !== undefined);
  if (rates.length > 0) lines.push(...rateTable(rates), "");
  for (const result of cases) lines.push(...detailLines(result, withServerCpu));
  return lines.join("\n");
}

/** One line that sums up a finished case while others still run: its rate, or whatever it is about. */
export function formatProgress({ name, metrics }: CaseResult): string {
  const metric = METRIC_NAMES.find((candidate) => metrics[candidate] !== undefined);
  return `${name.padEnd(16)} ${metric === undefined ? "measured nothing" : describe(metric, metrics[metric])}`;
}

function rateTable(cases: readonly CaseResult[]): string[] {
  const header = [
    "case",
    "ours/s",
    "reference/s",
    "ratio (min–max)",
    "aim",
    "CPU µs/msg ours",
    "reference",
    "load cores",
  ];
  const rows = cases.map(({ name, metrics, rateRatioAtLeast }) => [
    name,
    number(metrics.rate?.ours?.median),
    number(metrics.rate?.reference?.median),
    spread(metrics.rate?.ratio),
    aim(rateRatioAtLeast, metrics.rate?.ratio),
    number(metrics.serverCpu?.ours?.median),
    number(metrics.serverCpu?.reference?.median),
    `${load(metrics.loadCpuShare?.ours)} / ${load(metrics.loadCpuShare?.reference)}`,
  ]);
  const table = align([header, ...rows]);
  const saturated = cases.some(({ metrics }) => load(metrics.loadCpuShare?.ours).endsWith("!"));
  if (saturated) table.push("! the load generator was saturated: our server may be faster than that");
  return table;
}

/** Latency and memory, one line each. */
function detailLines({ name, metrics }: CaseResult, withServerCpu: boolean): string[] {
  const hidden = withServerCpu ? TABLE_METRICS : [...TABLE_METRICS, ...SPLIT_METRICS];
  return METRIC_NAMES.filter((metric) => metrics[metric] !== undefined && !hidden.includes(metric)).map(
    (metric) => `${name}: ${describe(metric, metrics[metric])}`,
  );
}

function describe(metric: MetricName, result: MetricResult = {}): string {
  const { label, unit, better } = METRICS[metric];
  const parts: string[] = [];
  if (result.ours !== undefined) parts.push(`ours ${number(result.ours.median)} ${unit}`);
  if (result.reference !== undefined) parts.push(`reference ${number(result.reference.median)} ${unit}`);
  if (result.ratio !== undefined) parts.push(`ratio ${spread(result.ratio)}, ${better} is better`);
  return `${label}: ${parts.join(", ")}`;
}

function aim(atLeast: number | undefined, ratio: Spread | undefined): string {
  if (atLeast === undefined) return "";
  const verdict = ratio === undefined ? "" : ratio.median >= atLeast ? " met" : " MISSED";
  return `${atLeast.toFixed(2)}${verdict}`;
}

function load(share: Spread | undefined): string {
  if (share === undefined) return "–";
  return `${share.median.toFixed(2)}${share.median >= LOAD_SATURATED ? "!" : ""}`;
}

function spread(ratio: Spread | undefined): string {
  if (ratio === undefined) return "–";
  return `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)})`;
}

/** Three significant digits, thousands grouped. */
function number(value: number | undefined): string {
  if (value === undefined) return "–";
  return value.toLocaleString(
    "en",
    value >= 1000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 },
  );
}

/** Columns side by side: the first to the left, figures to the right. */
function align(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join("  "),
  );
}
