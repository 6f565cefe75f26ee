import type { ApiError } from "./core/api-error.ts";

/** What became of a step: more has to come first; there is more to do; or why the restore fails. */
export type RestoreStep = "waits" | "goes on" | ApiError;

/** Takes an archive of some form apart, into a `RestoreTarget`. */
export interface RestoreLoader {
  /** More of the archive, unpacked. */
  append(bytes: Buffer): void;
  /** Does a little of what there is to do. */
  step(): RestoreStep;
  /** Nothing more comes; resolves with what is missing. */
  end(): Promise<ApiError | null>;
}
