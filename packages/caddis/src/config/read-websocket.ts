import type { ReadContext } from "./read-context.ts";
import { readTexts } from "./read-value.ts";
import type { ConfigEntry } from "./value.ts";

/** Reads `websocket.allowed_origins`: one URL or a list of them, as texts. What is wrong with them is for the check. */
export function readAllowedOrigins(entry: ConfigEntry, context: ReadContext): string[] | undefined {
  return readTexts(entry, "allowed origins", context);
}
