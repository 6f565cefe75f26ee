/** The time of the last message that the log tells of. */
export class RecoveredTime {
  /** 0: no message's time was seen. */
  seq = 0;
  ms = 0;
  ns = 0;

  note(seq: number, ms: number, ns: number): void {
    if (seq < this.seq) return;
    this.seq = seq;
    this.ms = ms;
    this.ns = ns;
  }
}
