import type { ConnInfoScope } from "../system/views/conn-info.ts";
import type { Query } from "./query.ts";

/** The parameter `subs`: a boolean, or the word for more than the subjects. */
export function decodeSubs(query: Query): ConnInfoScope["subscriptions"] {
  if (query.text("subs").toLowerCase() === "detail") return "detail";
  return query.boolean("subs") ? "subjects" : "none";
}
