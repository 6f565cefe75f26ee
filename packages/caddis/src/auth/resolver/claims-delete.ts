import { isPublicNkey } from "../../base/nkey-text.ts";
import { isProblem } from "../claims/fields.ts";
import type { ClaimsHead, ClaimsRules } from "./claims.ts";
import type { ClaimsOutcome } from "./claims-reply.ts";
import type { OperatorKeys } from "./claims-update.ts";
import type { JwtStore } from "./jwt-store.ts";

/** What a request to delete accounts is judged by. */
export interface DeleteContext {
  readonly claims: ClaimsRules;
  readonly operator: OperatorKeys;
  readonly systemAccount: string;
  readonly nowMs: number;
}

/** Deletes the accounts that a generic JWT lists, which an operator's key has signed for itself. */
export async function deleteAccounts(
  store: JwtStore,
  context: DeleteContext,
  request: string,
): Promise<ClaimsOutcome> {
  const { issuer, accounts } = readRequest(store, context, request);
  if (typeof accounts === "string") {
    return { account: "", message: `delete accounts request by ${issuer} failed`, problem: accounts };
  }
  const problems: string[] = [];
  for (const id of accounts) {
    const problem = await store.delete(id);
    if (problem !== null) problems.push(problem);
  }
  const deleted = `deleted ${accounts.length - problems.length} accounts`;
  return problems.length === 0
    ? { account: "", message: deleted, problem: null }
    : { account: "", message: `${deleted}, failed for ${problems.length}`, problem: problems.join("\n") };
}

/** Who asks, and what for; a text instead of accounts says what is wrong with it. */
function readRequest(
  store: JwtStore,
  context: DeleteContext,
  request: string,
): { issuer: string; accounts: string[] | string } {
  const claims = context.claims.decode(request);
  if (isProblem(claims)) return { issuer: "", accounts: claims.problem };
  const refusal = refusalOf(claims, store, context);
  return { issuer: claims.sub, accounts: refusal ?? listedAccounts(claims, context.systemAccount) };
}

function refusalOf(claims: ClaimsHead, store: JwtStore, { operator, nowMs }: DeleteContext): string | null {
  if (store.deletion === "none") return "delete must be enabled in server config";
  if (claims.sub !== claims.iss) return "not self signed";
  if (!operator.keys.has(claims.iss)) return "not trusted";
  return claims.exp > 0 && claims.exp * 1_000 <= nowMs ? "claim is expired" : null;
}

function listedAccounts({ nats }: ClaimsHead, systemAccount: string): string[] | string {
  const list: unknown = Object.hasOwn(nats, "accounts") ? Reflect.get(nats, "accounts") : null;
  if (!Array.isArray(list)) return "malformed request";
  const accounts: string[] = [];
  for (const entry of list as unknown[]) {
    if (typeof entry !== "string" || !isPublicNkey("account", entry)) return "malformed request";
    if (entry === systemAccount) return "not allowed to delete system account";
    accounts.push(entry);
  }
  return accounts;
}
