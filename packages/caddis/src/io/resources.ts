/** Memory for objects, in bytes. */
export interface HeapUsage {
  /** Of objects, garbage that nobody has collected yet included. */
  readonly usedBytes: number;
  /** Taken from the system. */
  readonly totalBytes: number;
  /** At which the process gives up. */
  readonly limitBytes: number;
}

/** What the process uses of the machine, handed in. */
export interface Resources {
  /** Processors that the process may use. */
  readonly coreCount: number;
  /** Resident memory of the process. */
  residentBytes(): number;
  /** Processor time over the last second or more, in percent of one processor; one decimal. */
  cpuPercent(): number;
  heap(): HeapUsage;
  /** What keeps the process waiting: a kind for each thing, in the runtime's words. */
  activity(): readonly string[];
}
