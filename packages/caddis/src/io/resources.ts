/** What the process uses of the machine, handed in. */
export interface Resources {
  /** Processors that the process may use. */
  readonly coreCount: number;
  /** Resident memory of the process. */
  residentBytes(): number;
  /** Processor time over the last second or more, in percent of one processor; one decimal. */
  cpuPercent(): number;
}
