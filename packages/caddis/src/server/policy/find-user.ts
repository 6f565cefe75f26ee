import type { Identity, Verdict } from "../../auth/identity.ts";
import { problem, type NoAnswer, type PermissionsSource, type PolicyQuestion } from "./policy.ts";
import { findConfiguredUser } from "./find-configured-user.ts";
import { findTokenUser } from "./find-token-user.ts";
import type { StillServer } from "./still-server.ts";

/** Whom a question is about. */
export interface FoundUser {
  /** Whether the server lets the user in, once it has shown who it is. */
  readonly verdict: Verdict;
  readonly permissionsFrom: PermissionsSource;
  /** Role of the scoped key that signed the user's JWT; empty: none. */
  readonly role: string;
}

/** Finds whom a question is about, or says that there is nobody. */
export async function findUser(server: StillServer, question: PolicyQuestion): Promise<FoundUser | NoAnswer> {
  const { operator } = server;
  const found = await (operator === null
    ? findConfiguredUser(server, question)
    : findTokenUser(server, operator, question));
  if ("kind" in found || !found.verdict.allowed) return found;
  return accountProblem(server, question, found.verdict.identity) ?? found;
}

/** What is wrong with the account that the question names. */
function accountProblem(
  { broker }: StillServer,
  { account: wanted = "" }: PolicyQuestion,
  { account, user }: Identity,
): NoAnswer | null {
  if (wanted === "" || wanted === account || wanted === broker.accounts.get(account)?.nameTag) return null;
  return problem(`${user === "" ? "that user" : `user ${user}`} is in account ${account}, not in ${wanted}`);
}
