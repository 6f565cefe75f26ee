import type { Instant } from "../../base/instant.ts";
import type { Filter, StreamStore } from "../../store/stream-store.ts";
import type { ConsumerConfig } from "./consumer-config.ts";
import { filterSubjects } from "./consumer-terms.ts";
import { ConsumerState, decodeConsumerState } from "./consumer-state.ts";

/** Where a new consumer begins. */
interface ConsumerStart {
  /** The first sequence it looks at. */
  readonly nextSeq: number;
  /** Up to this sequence it delivers only the last message of each subject; 0: all. */
  readonly lastPerSubjectUntil: number;
}

/** `maxMsgsPerSubject`: of the stream. With one message per subject each is the last one anyway. */
function startOf(
  config: ConsumerConfig,
  store: StreamStore,
  filter: Filter,
  maxMsgsPerSubject: number,
): ConsumerStart {
  const { firstSeq, lastSeq } = store.state;
  const isLastPerSubject = config.deliver_policy === "last_per_subject" && maxMsgsPerSubject !== 1;
  if (config.opt_start_seq > 0)
    return { nextSeq: Math.max(config.opt_start_seq, firstSeq), lastPerSubjectUntil: 0 };
  // An empty stream has no first message yet.
  if (lastSeq === 0) return { nextSeq: 1, lastPerSubjectUntil: 0 };
  const seq = isLastPerSubject ? firstOfLast(store, filter) : chooseSeq(config, store, filter);
  const chosen = Math.min(seq, lastSeq + 1);
  return {
    nextSeq: Math.max(chosen, firstSeq, 1),
    lastPerSubjectUntil: isLastPerSubject ? lastSeq : 0,
  };
}

function chooseSeq(config: ConsumerConfig, store: StreamStore, filter: Filter): number {
  const { firstSeq, lastSeq } = store.state;
  switch (config.deliver_policy) {
    case "last":
      // Of the whole stream it is the last that ever came, be it gone by now.
      return takesAll(config) ? lastSeq : store.previous(filter, lastSeq);
    case "new":
      return lastSeq + 1;
    case "by_start_time":
      return config.opt_start_time === null ? lastSeq + 1 : store.firstSeqFrom(config.opt_start_time);
    case "all":
    case "by_start_sequence":
    case "last_per_subject":
      return firstSeq;
  }
}

function takesAll(config: ConsumerConfig): boolean {
  const subjects = filterSubjects(config);
  return subjects.length === 0 || subjects.includes(">");
}

/** The lowest of the last sequences of all subjects; without any, that of the stream. */
function firstOfLast(store: StreamStore, filter: Filter): number {
  let first = store.state.lastSeq;
  for (const { subject } of store.subjects(filter)) first = Math.min(first, store.lastSeqOf(subject));
  return first;
}

/** The sequences of the last messages of all subjects that `filter` takes, from `fromSeq` to `toSeq`, ascending. */
export function lastSeqs(store: StreamStore, filter: Filter, fromSeq: number, toSeq: number): number[] {
  const seqs: number[] = [];
  for (const { subject } of store.subjects(filter)) {
    const seq = store.lastSeqOf(subject);
    if (seq >= fromSeq && seq <= toSeq) seqs.push(seq);
  }
  return seqs.sort((a, b) => a - b);
}

/** The state of a consumer that is made now. */
export function beginState(
  config: ConsumerConfig,
  store: StreamStore,
  filter: Filter,
  maxMsgsPerSubject: number,
): ConsumerState {
  const { nextSeq, lastPerSubjectUntil } = startOf(config, store, filter, maxMsgsPerSubject);
  const state = new ConsumerState();
  state.startAt(nextSeq);
  state.lastPerSubjectUntil = lastPerSubjectUntil;
  return state;
}

/** A state that was brought back, and what was wrong with it; empty: nothing. */
export interface RecoveredState {
  readonly state: ConsumerState;
  readonly problem: string;
}

/**
 * The state of a consumer that was kept. One that can't be read begins anew so that nothing is left out: with what
 * came since the consumer was made, at the latest. `offsetMs`: from monotonic to wall-clock time.
 */
export function recoverState(
  kept: Uint8Array,
  offsetMs: number,
  config: ConsumerConfig,
  store: StreamStore,
  filter: Filter,
  created: Instant,
): RecoveredState {
  const state = decodeConsumerState(kept, offsetMs);
  if (state === null) {
    const begun = beginState({ ...config, deliver_policy: coveringPolicy(config) }, store, filter, 1);
    const seq = Math.max(1, Math.min(begun.nextSeq, store.firstSeqFrom(created)));
    begun.startAt(seq);
    const problem = kept.length === 0 ? "" : `has lost its state and begins with sequence ${seq}`;
    return { state: begun, problem };
  }
  const { lastSeq } = store.state;
  // One may have been made to begin with what is still to come.
  const { deliver_policy, opt_start_seq } = config;
  const knownSeq = Math.max(lastSeq, deliver_policy === "by_start_sequence" ? opt_start_seq - 1 : 0);
  if (state.deliveredStream <= knownSeq) return { state, problem: "" };
  const problem = `delivered sequence ${state.deliveredStream} past last stream sequence of ${lastSeq}`;
  goBack(state, knownSeq);
  return { state, problem };
}

/** By which an unknown beginning is found: it leaves out no message that the configured one delivers. */
function coveringPolicy({ deliver_policy }: ConsumerConfig): ConsumerConfig["deliver_policy"] {
  return deliver_policy === "new" || deliver_policy === "last" ? "last" : deliver_policy;
}

/** The stream has lost messages that were delivered: what is known about them is forgotten. */
function goBack(state: ConsumerState, lastSeq: number): void {
  for (const message of state.pending) if (message.seq > lastSeq) state.pending.remove(message);
  for (const seq of state.redelivered.keys()) if (seq > lastSeq) state.redelivered.delete(seq);
  state.deliveredStream = lastSeq;
  state.floorStream = Math.min(state.floorStream, lastSeq);
  state.nextSeq = lastSeq + 1;
  state.lastPerSubjectUntil = Math.min(state.lastPerSubjectUntil, lastSeq);
  if (state.pending.size === 0) state.raiseFloor();
}
