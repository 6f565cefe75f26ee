import type { Report } from "./report.ts";

/** Where options come from: a file knows fewer kinds of value than a program, and has stricter rules. */
export type Origin = "file" | "program";

/** What readers of options have at hand. */
export interface ReadContext {
  readonly origin: Origin;
  readonly report: Report;
  /** Returns the text of a file that an option names; throws an `Error` that says why not. Null: options name no files. */
  readonly readFile: ((path: string) => string) | null;
}
