import type { Position } from "./value.ts";

/**
 * What is wrong with a configuration. `problems` holds one line per fault, each starting with
 * `file:line:col: ` where the fault has a place; `message` is these lines joined.
 */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }

  /** The error of one fault at one place. */
  static at(position: Position | null, reason: string): ConfigError {
    return new ConfigError([problemAt(position, reason)]);
  }
}

/** One problem line: `file:line:col: reason`, or the bare reason where there is no place. */
export function problemAt(position: Position | null, reason: string): string {
  if (position === null) return reason;
  return `${position.file}:${position.line}:${position.column}: ${reason}`;
}
