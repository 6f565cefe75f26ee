import type { Steps } from "../base/steps.ts";
import type { Client } from "../broker/client.ts";
import type { Facts } from "./facts.ts";

/** How bad a finding is: `error` costs messages or connections now, `warning` may soon, `info` is worth knowing. */
export type Severity = "error" | "warning" | "info";

/** Something that a server may say about itself. Numbers stay what they are: people write them into runbooks. */
export interface FindingKind {
  /** Hundreds: 1 connections, 2 limits, 3 security, 4 the process, 5 configuration, 6 JetStream. */
  readonly number: number;
  readonly severity: Severity;
  readonly title: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** A finding about the server as a whole. */
export interface ServerFindingKind extends FindingKind {
  /** What was found, in a sentence without a secret; null: nothing. In steps where there may be much to look at. */
  readonly find: (facts: Facts) => string | null | Steps<string | null>;
}

/** A finding about each open connection by itself. */
export interface ConnectionFindingKind extends FindingKind {
  readonly find: (client: Client, facts: Facts) => string | null;
}

/** What was found. */
export interface Finding {
  readonly number: number;
  readonly severity: Severity;
  readonly title: string;
  readonly detail: string;
  readonly remedy: string;
  /** The connections it is about, some of them; undefined for the server as a whole. */
  readonly connections: readonly number[] | undefined;
  /** How many they are on all. */
  readonly connection_count: number | undefined;
}

/** What `kind` says when it has found `detail`. */
export function finding(
  { number, severity, title, remedy }: FindingKind,
  detail: string,
  connections?: readonly number[],
  connectionCount?: number,
): Finding {
  return { number, severity, title, detail, remedy, connections, connection_count: connectionCount };
}
