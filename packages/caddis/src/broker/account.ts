import type { MatchResult } from "../subject/match-result.ts";
import { Sublist } from "../subject/sublist.ts";
import type { Subscription } from "./subscription.ts";
import { RepeatedLine } from "./trace.ts";

/** What rewrites the subject of a message on its way in; see `subject/mapping.ts`. */
export interface Mappings {
  /** The subject to use instead, or the same; empty when the message is to be lost. Wire strings. */
  map(subject: string): string;
}

/** An isolated subject space: its interest and its mappings. */
export class Account {
  readonly name: string;
  readonly sublist: Sublist<Subscription>;
  /** Null when nothing is mapped, which costs a publish nothing. */
  readonly mappings: Mappings | null;
  /** Said once for all connections of an account together: each of them could repeat it at will. */
  readonly subscriptionLimitLine = new RepeatedLine();

  constructor(name: string, sublistCache: boolean, hashBasis: number, mappings: Mappings | null) {
    this.name = name;
    this.sublist = new Sublist(sublistCache, hashBasis);
    this.mappings = mappings;
  }
}

/** Who gets a message, as an account's sublist answers it. */
export type Receivers = MatchResult<Subscription>;
