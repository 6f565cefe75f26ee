import type { Broker } from "../broker/broker.ts";
import type { ClientSummary } from "../broker/client-summary.ts";
import { CLOSE_REASONS, type CloseReason } from "../broker/close-reason.ts";
import type { Steps } from "../base/steps.ts";

/** Connections that ended longer ago say little about now. */
const LATELY_MS = 10 * 60_000;

/** Ended connections that are looked at in one step. */
const ENTRIES_PER_STEP = 1024;

/** Reasons for which somebody was not let in. */
const AUTH_FAILURES: ReadonlySet<string> = new Set(
  (["authenticationViolation", "authenticationTimeout", "proxyNotTrusted", "proxyRequired"] as const).map(
    (reason) => CLOSE_REASONS[reason],
  ),
);

/** Connections that ended lately, counted. They are as many as monitoring remembers at most. */
export class Lately {
  readonly #byReason = new Map<string, number>();
  readonly #byHost = new Map<string, number>();
  readonly #authFailuresByHost = new Map<string, number>();

  /** Counts what the broker remembers, bit by bit. */
  static *of(broker: Broker, nowMs: number): Steps<Lately> {
    const lately = new Lately();
    let looked = 0;
    for (const summary of broker.closedClients.all()) {
      if (nowMs - summary.stopMs <= LATELY_MS) lately.#add(summary);
      if (++looked % ENTRIES_PER_STEP === 0) yield;
    }
    return lately;
  }

  /** How many ended for one of `reasons`. */
  count(...reasons: readonly CloseReason[]): number {
    return reasons.reduce((sum, reason) => sum + (this.#byReason.get(CLOSE_REASONS[reason]) ?? 0), 0);
  }

  /** The address from which most connections were turned away, and how many. */
  worstAuthSource(): Source {
    return most(this.#authFailuresByHost);
  }

  /** The address from which most connections came and ended. */
  busiestSource(): Source {
    return most(this.#byHost);
  }

  #add({ host, reason }: ClientSummary): void {
    increment(this.#byReason, reason);
    if (host === "") return;
    increment(this.#byHost, host);
    if (AUTH_FAILURES.has(reason)) increment(this.#authFailuresByHost, host);
  }
}

/** Where connections came from. */
export interface Source {
  readonly host: string;
  readonly count: number;
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function most(counts: ReadonlyMap<string, number>): Source {
  let worst: Source = { host: "", count: 0 };
  for (const [host, count] of counts) if (count > worst.count) worst = { host, count };
  return worst;
}
