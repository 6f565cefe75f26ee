import type { Posted } from "../http-post.ts";
import { systemReason } from "./system-error.ts";

/** Whoever is slower than this gets nothing. */
const TIMEOUT_MS = 5_000;

/** `HttpPost` by Node's own client. Follows no redirects: what is sent is meant for this host. */
export async function postJson(
  url: string,
  headers: Readonly<Record<string, string>>,
  json: string,
): Promise<Posted> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { ...headers, "Content-Type": "application/json" },
      body: json,
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    return { ok: true, status: response.status };
  } catch (error) {
    return { ok: false, problem: reasonOf(error) };
  }
}

/** The cause, where there is one: what `fetch` itself says is only that it failed. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "failed";
  if (error.name === "TimeoutError") return "timed out";
  return error.cause instanceof Error ? systemReason(error.cause) : "failed";
}
