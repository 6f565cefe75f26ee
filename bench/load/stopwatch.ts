import type { Span } from "./operations.ts";

/** Measures wall-clock and own CPU time from its construction on. */
export class Stopwatch {
  readonly #start = process.hrtime.bigint();
  readonly #cpu = process.cpuUsage();

  /** Time since construction. */
  read(): Span {
    const elapsedMicros = Number(process.hrtime.bigint() - this.#start) / 1000;
    const { user, system } = process.cpuUsage(this.#cpu);
    return { elapsedMicros, loadCpuMicros: user + system };
  }
}
