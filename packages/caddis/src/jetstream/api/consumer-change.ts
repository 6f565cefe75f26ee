import { AssertionFailure } from "../../base/assert.ts";
import { apiError, type ApiErrorName } from "../core/api-error.ts";
import type { ApiFailure } from "./endpoint.ts";

/** Waits for a change of a consumer to be durable; when it can't be, that is the answer, under the name given. */
export async function kept(change: Promise<void>, name: ApiErrorName): Promise<ApiFailure | null> {
  try {
    await change;
    return null;
  } catch (error) {
    if (error instanceof AssertionFailure) throw error;
    return { error: apiError(name, { err: error instanceof Error ? error.message : String(error) }) };
  }
}
