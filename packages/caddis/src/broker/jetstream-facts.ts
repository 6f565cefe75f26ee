import type { Account } from "./account.ts";

/** JetStream of a server, as its connections and accounts know it. */
export interface JetStreamFacts {
  /** Empty: none. */
  readonly domain: string;
  /** Whether an account has it. */
  has(account: Account): boolean;
  /** An account came, or became another: whether it has JetStream, and how much of it, may be different. */
  follow(account: Account): void;
  /** Resolves once the account of that name has what it is to have. */
  settled(name: string): Promise<void>;
  /** An account is no more. */
  forget(account: Account): void;
}
