/** A JWT, or why there is none: for the log and for who waits. */
export type Fetched =
  | { readonly found: true; readonly jwt: string }
  | { readonly found: false; readonly reason: string };

/** Whether a JWT is kept now; `changed` is false when it was there already, or a newer one is. */
export type StoreResult =
  | { readonly stored: true; readonly changed: boolean }
  | { readonly stored: false; readonly reason: string };

/** Where account JWTs come from. Answers are token texts; checking them is the caller's. Nothing rejects. */
export interface Resolver {
  readonly kind: "memory" | "url" | "full" | "cache";
  /** Gets ready; a text says what is in the way of the server's start. */
  start(): Promise<string | null>;
  fetchJwt(accountId: string): Promise<Fetched>;
  /** Keeps a JWT unless there is a newer one. */
  store(accountId: string, jwt: string): Promise<StoreResult>;
  close(): Promise<void>;
}

export const NOT_FOUND: Fetched = { found: false, reason: "account jwt not found" };

/** What is said of names that can't be an account's, without asking anybody. */
export const NOT_AN_ACCOUNT: Fetched = { found: false, reason: "not a public account nkey" };
