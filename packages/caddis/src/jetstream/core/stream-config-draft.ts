import { type ApiError, apiError } from "./api-error.ts";
import type { StreamConfig } from "./stream-config.ts";

/** What a configuration is checked against. */
export interface StreamConfigContext {
  /** The configuration of another stream of the account, by its name; null where there is none. */
  readonly streamConfig: (name: string) => StreamConfig | null;
  /** What the account says about `max_bytes` of such a stream; `max`: 0 or less for no bound. */
  readonly maxBytes: (config: StreamConfig) => { readonly isRequired: boolean; readonly max: number };
  /** The longest `duplicate_window` that the server allows, nanoseconds; 0: any. */
  readonly duplicateWindowMax: number;
  /** The same in words, for errors. */
  readonly duplicateWindowText: string;
  /** Nothing is put right silently. */
  readonly isPedantic: boolean;
}

/** A configuration while its defaults are being filled in. */
export type StreamConfigDraft = { -readonly [Field in keyof StreamConfig]: StreamConfig[Field] };

/** The error of a configuration that can't be, for a reason in words. */
export function invalidConfig(reason: string): ApiError {
  return apiError("streamInvalidConfig", { err: reason });
}

/** The error where only pedantic mode objects. */
export function pedanticError(reason: string): ApiError {
  return apiError("pedantic", { err: reason });
}
