import { isProblem } from "../claims/fields.ts";
import { decodeAccount, type ClaimsRules } from "./claims.ts";
import type { ClaimsOutcome } from "./claims-reply.ts";
import type { DirectoryResolver } from "./directory-resolver.ts";
import type { Resolver } from "./resolver.ts";

/** The accounts a server works with at the moment. */
export interface LoadedAccounts {
  isLoaded(accountId: string): boolean;
  /** Puts a JWT's claims in force; a text says why not. */
  apply(accountId: string, jwt: string): string | null;
}

/** The operator whose accounts they are. */
export interface OperatorKeys {
  /** Its own key. */
  readonly subject: string;
  /** Its own key signs no accounts. */
  readonly isStrict: boolean;
  /** The keys that may sign accounts; without its own where it is strict. */
  readonly keys: ReadonlySet<string>;
}

/** What an update is judged by. */
export interface UpdateContext {
  readonly claims: ClaimsRules;
  readonly operator: OperatorKeys;
  readonly accounts: LoadedAccounts;
}

/** What the answers of a directory's server say. */
const WORDS = {
  full: {
    updated: "jwt updated",
    failed: "jwt update resulted in error",
    invalid: "jwt validation failed",
  },
  cache: {
    updated: "jwt updated cache",
    failed: "jwt update cache resulted in error",
    invalid: "jwt update cache validation failed",
  },
} as const;

/** An update where nothing is kept but the accounts in use. `accountId` is the one that was addressed. */
export async function updateLoaded(
  resolver: Resolver,
  { claims, accounts }: UpdateContext,
  accountId: string,
  jwt: string,
): Promise<ClaimsOutcome> {
  const outcome = (message: string, problem: string | null): ClaimsOutcome => {
    return { account: accountId, message, problem };
  };
  if (jwt === "") return outcome("jwt update error", "request body is empty");
  const decoded = decodeAccount(claims, jwt, accountId);
  if (isProblem(decoded)) return outcome("jwt update resulted in error", decoded.problem);
  if (!accounts.isLoaded(accountId)) return outcome("jwt update skipped", null);
  const problem = accounts.apply(accountId, jwt);
  if (problem !== null) return outcome("jwt update resulted in error", problem);
  // Else the account would get its old rights back when it is fetched again.
  if (resolver.kind === "memory") await resolver.store(accountId, jwt);
  return outcome("jwt updated", null);
}

/** An update where JWTs are kept in a folder. `accountId`: the one that was addressed; null: the JWT says it. */
export async function updateStored(
  resolver: DirectoryResolver,
  { claims, operator, accounts }: UpdateContext,
  accountId: string | null,
  jwt: string,
): Promise<ClaimsOutcome> {
  const words = WORDS[resolver.kind];
  const decoded = decodeAccount(claims, jwt, null);
  if (isProblem(decoded)) {
    const account = resolver.kind === "cache" && accountId !== null ? accountId : "n/a";
    return { account, message: words.failed, problem: decoded.problem };
  }
  const { sub, iss } = decoded;
  const outcome = (message: string, problem: string | null): ClaimsOutcome => {
    return { account: accountId ?? sub, message, problem };
  };
  if (accountId !== null && accountId !== sub) {
    return outcome(words.failed, "subject does not match jwt content");
  }
  if (operator.isStrict && iss === operator.subject) {
    return outcome(words.failed, "operator requires issuer to be a signing key");
  }
  if (resolver.kind === "cache" && !accounts.isLoaded(sub)) return outcome("jwt update cache skipped", null);
  const invalid = claims.problemWith(jwt);
  if (invalid !== null) return outcome(words.invalid, invalid);
  const kept = await resolver.jwts.save(sub, jwt);
  return kept.stored ? outcome(words.updated, null) : outcome(words.failed, kept.reason);
}
