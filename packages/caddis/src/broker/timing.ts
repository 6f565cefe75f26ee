/** Learns how long things take. Null at the broker, nobody measures, and what is asked of it costs a null check. */
export interface Timing {
  /** Whether the read at hand is one of those that are measured. */
  isDue(): boolean;
  /**
   * A read with messages was handled: when it arrived, when everything in it was parsed and queued for whoever wants
   * it, and when that was handed to the system. Monotonic milliseconds.
   */
  onRead(arrivedMs: number, queuedMs: number, sentMs: number): void;
  /** A write that the system did not take at once is through after so many milliseconds. */
  onSlowWrite(durationMs: number): void;
}
