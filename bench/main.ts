/** `npm run bench`: our server and the reference in turn. What it does and how to read it: README.md. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseBenchArguments, USAGE, type BenchArguments } from "./arguments.ts";
import { casesMatching, type BenchmarkCase } from "./cases.ts";
import { LoadProcess } from "./load-process.ts";
import { describeMachine } from "./machine.ts";
import type { Measurements } from "./metrics.ts";
import { formatProgress, formatReport } from "./report.ts";
import { summarize, type BenchResults, type CaseResult } from "./results.ts";
import { ServerUnderTest, versionOf, type ServerProgram } from "./server.ts";

/** Load average up to which a machine counts as idle enough to measure on. */
const LOAD_QUIET = 0.5;

const OUR_COMMAND = [fileURLToPath(new URL("../bin/caddis", import.meta.url))];

/** Keeps what means something of a measured number. */
function fourDigits(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
}

/** The servers to run, ours first. Leaves the reference out, and says so, where there is none. */
function choosePrograms({ only, ours, reference }: BenchArguments): ServerProgram[] {
  const programs: ServerProgram[] = [];
  if (only !== "reference") programs.push({ side: "ours", command: ours ?? OUR_COMMAND });
  if (only !== "ours") {
    const command = reference ?? [process.env["NATS_SERVER"] || "nats-server"];
    if (isRunnable(command[0])) programs.push({ side: "reference", command });
    else console.error(`no ${command[0]} here: measuring without a reference`);
  }
  return programs;
}

function isRunnable(file: string): boolean {
  try {
    execFileSync(file, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** One run: a fresh server, a fresh load process, one case. */
async function runOnce(
  benchmark: BenchmarkCase,
  program: ServerProgram,
  options: BenchArguments,
): Promise<Measurements> {
  const { config } = benchmark;
  const server = await ServerUnderTest.start(
    program,
    typeof config === "object" ? config[program.side] : config,
  );
  const load = new LoadProcess();
  const killAll = () => {
    server.killNow();
    load.kill();
  };
  process.once("exit", killAll);
  try {
    return await benchmark.scenario(server, load, options);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `${benchmark.name}, ${program.side}: ${reason}\nserver log:\n${server.log().slice(-1000)}`,
      {
        cause: error,
      },
    );
  } finally {
    load.kill();
    await server.stop();
    process.off("exit", killAll);
  }
}

/** All rounds of a case, the servers in turn: A B A B A B. */
async function runCase(
  benchmark: BenchmarkCase,
  programs: readonly ServerProgram[],
  options: BenchArguments,
): Promise<CaseResult> {
  const runs = { ours: [] as Measurements[], reference: [] as Measurements[] };
  for (let round = 0; round < options.rounds; round++) {
    for (const program of programs) runs[program.side].push(await runOnce(benchmark, program, options));
  }
  return summarize({ benchmark, ...runs });
}

async function main(options: BenchArguments): Promise<void> {
  const programs = choosePrograms(options);
  const benchmarks = casesMatching(options.pattern);
  if (programs.length === 0 || benchmarks.length === 0) throw new Error("nothing to run");
  // A server that does not start at all is one failure, not one per case.
  for (const program of programs) await (await ServerUnderTest.start(program)).stop();
  const versions = Object.fromEntries(programs.map((program) => [program.side, versionOf(program)]));
  const machine = describeMachine();
  console.log(`${machine.cores} cores, ${machine.cpu}, Node ${machine.node}`);
  if (machine.loadBefore > LOAD_QUIET) {
    console.log(`the machine is busy (load ${machine.loadBefore}): take the figures as hints`);
  }
  for (const [side, version] of Object.entries(versions)) console.log(`${side}: ${version}`);

  const cases: CaseResult[] = [];
  const failures: string[] = [];
  for (const benchmark of benchmarks) {
    try {
      const result = await runCase(benchmark, programs, options);
      cases.push(result);
      console.log(options.short ? `${benchmark.name.padEnd(16)} works` : formatProgress(result));
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
      console.log(`${benchmark.name.padEnd(16)} FAILED`);
    }
  }
  if (!options.short) console.log(`\n${formatReport(cases, options.serverCpu)}`);
  if (options.jsonFile !== undefined) {
    const { rounds, seconds } = options;
    const results: BenchResults = {
      date: new Date().toISOString(),
      machine,
      servers: versions,
      rounds,
      seconds,
      cases,
    };
    mkdirSync(dirname(options.jsonFile), { recursive: true });
    writeFileSync(options.jsonFile, `${JSON.stringify(results, fourDigits, 2)}\n`);
  }
  for (const failure of failures) console.error(`\n${failure}`);
  if (failures.length > 0) process.exitCode = 1;
}

let options: BenchArguments;
try {
  options = parseBenchArguments(process.argv.slice(2));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exit(2);
}
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
try {
  if (options.help) console.log(USAGE);
  else await main(options);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
