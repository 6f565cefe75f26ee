import { API_ERRORS } from "./api-errors.ts";

export type ApiErrorName = keyof typeof API_ERRORS;

/** An error as the API answers it: the `error` of a response. */
export interface ApiError {
  readonly code: number;
  readonly err_code: number;
  readonly description: string;
}

/** The error called `name`, with `values` in place of what its text leaves open (`{err}`, `{seq}`, …). */
export function apiError(
  name: ApiErrorName,
  values: Readonly<Record<string, string | number>> = {},
): ApiError {
  const [code, err_code, text] = API_ERRORS[name];
  const description = text.replace(/\{(\w+)\}/g, (whole, key: string) =>
    Object.hasOwn(values, key) ? String(values[key]) : whole,
  );
  return { code, err_code, description };
}
