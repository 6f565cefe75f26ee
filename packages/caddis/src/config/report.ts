import { problemAt } from "./config-error.ts";
import type { ConfigEntry, Position } from "./value.ts";

/** What reading options finds to say: one line for each finding, with its place. */
export class Report {
  readonly errors: string[] = [];
  readonly warnings: string[] = [];
  readonly unsupported: string[] = [];
  /** Members that are there only for others to refer to: they are no options. */
  readonly variables = new Set<ConfigEntry>();

  /** Returns undefined, so that a reader can report and give no value in one statement. */
  error(at: Position | null, reason: string): undefined {
    this.errors.push(problemAt(at, reason));
    return undefined;
  }

  warn(at: Position | null, reason: string): void {
    this.warnings.push(problemAt(at, reason));
  }

  /** Says that `name` belongs to a part that is not built yet. */
  refuse(at: Position | null, name: string, part: string): void {
    this.unsupported.push(problemAt(at, `"${name}" is not supported yet: ${part}`));
  }
}
