import type { Log } from "../../io/log.ts";
import { isProblem } from "../claims/fields.ts";
import { decodeAccount, type ClaimsRules } from "./claims.ts";
import type { Resolver } from "./resolver.ts";

/** Starts a resolver with what `resolver_preload` gives it. A text says what keeps the server from starting. */
export async function startResolver(
  resolver: Resolver,
  preload: ReadonlyMap<string, string>,
  { claims, log }: { readonly claims: ClaimsRules; readonly log: Log },
): Promise<string | null> {
  if (preload.size > 0 && resolver.kind === "url") {
    return "resolver preloads only available for writeable resolver types MEM/DIR/CACHE_DIR";
  }
  const problem = await resolver.start();
  if (problem !== null) return problem;
  for (const [accountId, jwt] of preload) {
    const decoded = decodeAccount(claims, jwt, null);
    if (isProblem(decoded)) return `preload account error for "${accountId}": ${decoded.problem}`;
    const kept = await resolver.store(accountId, jwt);
    // The folder may hold it, or get it from others; whoever asks for the account is told.
    if (!kept.stored) log.warn(`Preloaded account [${accountId}] not stored: ${kept.reason}`);
  }
  return null;
}
