/**
 * Writes the tables of bench/baseline.json and bench/baseline-jetstream.json into the README, each between its two marks.
 * `--check` only says whether they stand there already.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { BenchResults, CaseResult } from "../bench/results.ts";

const README = fileURLToPath(new URL("../README.md", import.meta.url));
/** By mark. */
const BASELINES = [
  ["bench", "baseline.json"],
  ["bench-jetstream", "baseline-jetstream.json"],
] as const;

const readme = readFileSync(README, "utf8");
let current = readme;
for (const [mark, file] of BASELINES) {
  const path = fileURLToPath(new URL(`../bench/${file}`, import.meta.url));
  const results = JSON.parse(readFileSync(path, "utf8")) as BenchResults;
  const marks = new RegExp(`<!-- ${mark} -->[^]*<!-- /${mark} -->`);
  current = current.replace(marks, `<!-- ${mark} -->\n${benchTable(results)}<!-- /${mark} -->`);
}
if (process.argv.includes("--check")) {
  if (current !== readme) {
    console.error("README.md: the benchmark tables are not those of bench/baseline*.json");
    process.exitCode = 1;
  }
} else {
  writeFileSync(README, current);
}

/** Rates and CPU of the throughput cases, then latency and memory. */
function benchTable({ cases, date, machine, rounds, servers }: BenchResults): string {
  const lines = [
    `${machine.cores} cores, ${machine.cpu}, Node ${machine.node}; ${servers.ours} against ${servers.reference};`,
    `${rounds} rounds, ${date.slice(0, 10)}.`,
    "",
    "| Case | Throughput, ratio | Server CPU per message, ratio | p50 / p99, ratio |",
    "|---|---|---|---|",
  ];
  for (const { description, metrics } of cases) {
    if (metrics.rate === undefined) continue;
    const latency =
      metrics.latencyP50 === undefined ? "" : `${ratio(metrics.latencyP50)} / ${ratio(metrics.latencyP99)}`;
    lines.push(`| ${description} | ${ratio(metrics.rate)} | ${ratio(metrics.serverCpu)} | ${latency} |`);
  }
  const memory: string[] = [];
  for (const { description, metrics } of cases) {
    for (const [name, metric] of [
      ["per subscription, 1,000,000 of them", metrics.bytesPerSubscription],
      ["per idle connection with one subscription, 15,000 of them", metrics.bytesPerConnection],
      [`per key: ${description}`, metrics.bytesPerKey],
    ] as const) {
      if (metric !== undefined)
        memory.push(`| ${name} | ${bytes(metric.ours)} | ${bytes(metric.reference)} |`);
    }
  }
  lines.push("", "| Memory | Caddis | nats-server |", "|---|---|---|", ...memory);
  return `${lines.join("\n")}\n`;
}

type Metric = NonNullable<CaseResult["metrics"]["rate"]>;

function ratio(metric: Metric | undefined): string {
  return metric?.ratio === undefined ? "" : metric.ratio.median.toFixed(2);
}

function bytes(spread: { readonly median: number } | undefined): string {
  return spread === undefined ? "" : `${Math.round(spread.median).toLocaleString("en")} B`;
}
