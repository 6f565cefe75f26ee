/**
 * Where the server says what happens. Levels and line format are those of nats-server; see
 * `io/node/line-log.ts`. Callers on a hot path look at `debugEnabled` or `traceEnabled` before they
 * build a text.
 */
export interface Log {
  readonly debugEnabled: boolean;
  readonly traceEnabled: boolean;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  fatal(message: string): void;
  debug(message: string): void;
  trace(message: string): void;
}

/** The log that says nothing: the default of an embedded server. */
export const SILENT_LOG: Log = {
  debugEnabled: false,
  traceEnabled: false,
  info: ignore,
  warn: ignore,
  error: ignore,
  fatal: ignore,
  debug: ignore,
  trace: ignore,
};

function ignore(): void {}
