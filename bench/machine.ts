import { cpus, loadavg, totalmem } from "node:os";

/** What the figures were measured on. */
export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGib: number;
  readonly platform: string;
  readonly node: string;
  /** Mean number of runnable processes in the minute before: above a few tenths, others used the cores too. */
  readonly loadBefore: number;
}

/** Facts about this machine. */
export function describeMachine(): Machine {
  const all = cpus();
  return {
    cores: all.length,
    cpu: all[0]?.model.trim() ?? "unknown",
    memoryGib: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    loadBefore: Number(loadavg()[0].toFixed(2)),
  };
}
