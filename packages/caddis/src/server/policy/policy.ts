import type { ResponseRule } from "../../config/permissions.ts";
import type { ConnectionType } from "../../config/users.ts";

/** Questions to a policy and its answers: plain data, texts and no wire strings. */

/** May this user do that? */
export interface PolicyQuestion {
  readonly action: "publish" | "subscribe";
  /** Of a publish without wildcards. */
  readonly subject: string;
  /** The queue group to subscribe in; empty or absent: none. */
  readonly queue?: string;
  /** What the publish gives as its reply subject; empty or absent: none. */
  readonly reply?: string;
  /** Name or public nkey of a configured user; absent: whoever comes without credentials. */
  readonly user?: string;
  /**
   * With a user: the account it has to be in. Alone: somebody of this account who has its default permissions.
   * In operator mode its public nkey, or its name if it is preloaded.
   */
  readonly account?: string;
  /** A user's JWT, bare or decorated, for operator mode. */
  readonly jwt?: string;
  /** The text of a user's credentials file, for operator mode. */
  readonly creds?: string;
  /** How the user connects; `STANDARD` unless said otherwise. */
  readonly connectionType?: ConnectionType;
  /** From which address; `127.0.0.1` unless said otherwise. JWTs may restrict it. */
  readonly host?: string;
}

/** A rule as it is configured, for a subscription perhaps with its queue. */
export interface PolicyRule {
  readonly list: "allow" | "deny";
  readonly subject: string;
}

/** What decided, and how. */
export interface PolicyDecision {
  readonly allowed: boolean;
  readonly reason: string;
  /** Null: none is about it. */
  readonly rule: PolicyRule | null;
}

/** Where a user's permissions come from. */
export type PermissionsSource =
  | "nowhere"
  | "user"
  | "account default"
  | "authorization default"
  | "scoped signing key";

/** Who is asked about, as the server sees it. */
export interface PolicyUser {
  /** Name or nkey; empty: nobody in particular. */
  readonly name: string;
  /** What a JWT calls the user; empty: nothing. */
  readonly nameTag: string;
  readonly account: string;
  /** What a JWT calls the account; empty: nothing. */
  readonly accountTag: string;
  readonly permissionsFrom: PermissionsSource;
  /** Role of the scoped key that signed the user's JWT; empty: none. */
  readonly role: string;
}

/** A way of a message into another account. */
export interface PolicyRoute {
  readonly kind: "service" | "stream";
  /** For a service the account that exports it, for a stream one that imports it. */
  readonly account: string;
  /** As which subject the message comes there; empty: the mappings of that account lose it. */
  readonly subject: string;
  /** Share of the messages that take this way, by the mappings of an exporting account. */
  readonly percent: number;
  /** Patterns of the import: in the importing account, and in the exporting one. */
  readonly importedAs: string;
  readonly exportedAs: string;
  /** Where the service's account passes requests on to. */
  readonly onward: readonly PolicyRoute[];
}

/** What becomes of a message, or of a part of the messages. */
export interface PublishOutcome extends PolicyDecision {
  /** Share of the messages, by the weights of mappings. */
  readonly percent: number;
  /** After mappings; empty: they lose it. */
  readonly subject: string;
  /** Where else than in the user's account it goes; nowhere when it is denied. */
  readonly routes: readonly PolicyRoute[];
}

/** `allowed`: each of the outcomes is. Reason and rule are those of the first that is denied, or else of the first. */
export interface PublishAnswer extends PolicyDecision {
  readonly kind: "publish";
  readonly user: PolicyUser;
  readonly subject: string;
  readonly outcomes: readonly PublishOutcome[];
  /** Whether the user may wait for an answer at the reply subject; null: none was given. */
  readonly reply: (PolicyDecision & { readonly subject: string }) | null;
  /** What the user may publish besides, as answers to requests it gets; null: nothing. */
  readonly responses: ResponseRule | null;
  readonly warnings: readonly string[];
}

/** What a stream import brings to a subscription. */
export interface PolicyFeed {
  /** The exporting account. */
  readonly account: string;
  /** What is taken from there. */
  readonly subject: string;
  /** As what it is delivered. */
  readonly deliveredAs: string;
}

export interface SubscribeAnswer extends PolicyDecision {
  readonly kind: "subscribe";
  readonly user: PolicyUser;
  readonly subject: string;
  /** Empty: none. */
  readonly queue: string;
  /** Deny rules inside the subscription: what they cover is not delivered. */
  readonly withheld: readonly string[];
  readonly feeds: readonly PolicyFeed[];
  readonly warnings: readonly string[];
}

/** The server does not let the user in, or the question has no answer. */
export interface NoAnswer {
  /** `problem`: there is no such user, or the question makes no sense. */
  readonly kind: "refused" | "problem";
  readonly allowed: false;
  readonly reason: string;
  /** What the server had to say about the accounts it loaded. */
  readonly warnings: readonly string[];
}

export type PolicyAnswer = PublishAnswer | SubscribeAnswer | NoAnswer;

export function problem(reason: string): NoAnswer {
  return { kind: "problem", allowed: false, reason, warnings: [] };
}
