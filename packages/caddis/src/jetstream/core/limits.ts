import type { StreamStore } from "../../store/stream-store.ts";
import type { StreamConfig } from "./stream-config.ts";

/** Takes messages out of a store for the limits, and tells whom it concerns. */
export interface Remover {
  removeFirst(): void;
  remove(seq: number): void;
  /** Removes all but the last `keep` messages of a literal subject. */
  keepLast(subject: string, keep: number): void;
}

/** Removes what is too much now that a message of `subject` was added. */
export function enforceLimits(
  config: StreamConfig,
  store: StreamStore,
  subject: string,
  remover: Remover,
): void {
  const perSubject = config.max_msgs_per_subject;
  if (perSubject > 0) {
    for (let count = store.countOf(subject); count > perSubject; count--)
      remover.remove(store.firstSeqOf(subject));
  }
  if (config.discard === "old") enforceTotals(config, store, remover);
}

/** As `enforceLimits`, for all subjects: after the limits themselves have changed. */
export function enforceAllLimits(config: StreamConfig, store: StreamStore, remover: Remover): void {
  const perSubject = config.max_msgs_per_subject;
  if (perSubject > 0) {
    const excessive: string[] = [];
    for (const { subject, count } of store.subjects(store.filter([])))
      if (count > perSubject) excessive.push(subject);
    for (const subject of excessive) remover.keepLast(subject, perSubject);
  }
  if (config.discard === "old") enforceTotals(config, store, remover);
}

function enforceTotals(config: StreamConfig, store: StreamStore, remover: Remover): void {
  const { state } = store;
  if (config.max_msgs > 0) while (state.messages > config.max_msgs) remover.removeFirst();
  if (config.max_bytes > 0) while (state.bytes > config.max_bytes) remover.removeFirst();
}
