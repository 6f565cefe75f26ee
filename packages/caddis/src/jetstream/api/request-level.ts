import { fieldsOf } from "../../broker/header-block.ts";
import { type ApiError, apiError } from "../core/api-error.ts";
import { isLevelReached } from "../core/versioning.ts";

/** In a request's headers: it wants to be answered only by a server that is at least so new. */
const REQUIRED_LEVEL_FIELD = "Nats-Required-Api-Level";

/** What to answer to a request with these headers, a wire string, that asks for a newer server; null: it does not. */
export function levelProblem(headers: string): ApiError | null {
  if (!headers.includes(REQUIRED_LEVEL_FIELD)) return null;
  const required = fieldsOf(headers).get(REQUIRED_LEVEL_FIELD)?.[0] ?? "";
  return isLevelReached(required) ? null : apiError("requiredApiLevel");
}
