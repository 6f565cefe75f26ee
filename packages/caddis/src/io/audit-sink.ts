/** Where audit lines go, handed in. */
export interface AuditSink {
  /** Takes one line without its end. Never throws: what can't be kept is the sink's to complain of. */
  write(line: string): void;
  close(): void;
}
