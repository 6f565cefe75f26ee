/** Permissions as a configuration, a user's JWT or a callout's answer gives them: texts, not wire strings. */

/** Which subjects one direction may use. Deny goes before allow. */
export interface SubjectRules {
  /**
   * Null: every subject. An empty list: none. For subscriptions an entry may be `subject queue`: then it is
   * about the members of that queue group, whose name may have wildcards.
   */
  readonly allow: readonly string[] | null;
  readonly deny: readonly string[];
}

/** Answers to requests are allowed on the reply subjects that were delivered. */
export interface ResponseRule {
  /** How many messages for each request; -1: any number. */
  readonly max: number;
  /** Until when, milliseconds after the request; 0 or less: for good. */
  readonly expiresMs: number;
}

/** What a connection may do. */
export interface Permissions {
  readonly publish: SubjectRules;
  readonly subscribe: SubjectRules;
  /** Null: answers need permission like any other message. */
  readonly responses: ResponseRule | null;
}

/** What `allow_responses: true` stands for. */
export const DEFAULT_RESPONSE_MAX = 1;
export const DEFAULT_RESPONSE_EXPIRES_MS = 120_000;

/** Every subject, or none. */
export const ALL_SUBJECTS: SubjectRules = { allow: null, deny: [] };
