import type { ConsumerConfig } from "./consumer-config.ts";
import { ConsumerState } from "./consumer-state.ts";
import { NumberReader } from "./archive-number.ts";

/**
 * How far a consumer has come, as nats-server writes it: in JSON in its archives, and in a form of its own in its
 * files (`o.dat`).
 */

const NS_PER_MS = 1_000_000;
const MS_PER_SECOND = 1_000;

/** A message that was delivered and not acknowledged. */
interface KeptPending {
  readonly seq: number;
  readonly consumerSeq: number;
  /** When it was delivered, wall-clock milliseconds. */
  readonly ms: number;
}

/** What is known of a consumer of nats-server. */
export interface KeptProgress {
  readonly deliveredConsumer: number;
  readonly deliveredStream: number;
  readonly floorConsumer: number;
  readonly floorStream: number;
  readonly pending: readonly KeptPending[];
  readonly redelivered: readonly (readonly [seq: number, count: number])[];
  /** Ours alone: up to here only the last message of each subject is delivered. */
  readonly lastPerSubjectUntil: number;
}

/**
 * The state that a consumer begins with which had come so far in a stream that ends with `lastSeq`. Times are
 * wall-clock milliseconds: it is encoded with an offset of 0. What does not fit together is left out so that a message
 * is rather delivered twice than not at all.
 */
export function stateOfProgress(
  progress: KeptProgress,
  config: ConsumerConfig,
  lastSeq: number,
): ConsumerState {
  const state = new ConsumerState();
  state.deliveredStream = Math.min(progress.deliveredStream, lastSeq);
  state.deliveredConsumer = progress.deliveredConsumer;
  state.floorStream = Math.min(progress.floorStream, state.deliveredStream);
  state.floorConsumer = Math.min(progress.floorConsumer, progress.deliveredConsumer);
  state.nextSeq = state.deliveredStream + 1;
  state.lastPerSubjectUntil = Math.min(progress.lastPerSubjectUntil, lastSeq);
  const isOpen = (seq: number): boolean => seq > state.floorStream && seq <= state.deliveredStream;
  for (const [seq, count] of progress.redelivered) if (isOpen(seq)) state.redelivered.set(seq, count);
  let before = 0;
  for (const { seq, consumerSeq, ms } of progress.pending.toSorted((a, b) => a.seq - b.seq)) {
    if (!isOpen(seq) || seq === before) continue;
    const deliveries = state.deliveries(seq);
    state.pending.add(seq, consumerSeq, ms, ms + waitMs(config, deliveries));
    before = seq;
  }
  return state;
}

/** How long a message is waited for that was delivered so often. */
function waitMs({ backoff, ack_wait }: ConsumerConfig, deliveries: number): number {
  const wait = backoff.length === 0 ? ack_wait : backoff[Math.min(deliveries, backoff.length) - 1];
  return wait / NS_PER_MS;
}

/** The `state` of an archive's consumer. `offsetMs`: what to add to the times of `state` to get wall-clock time. */
export function encodeProgress(
  state: ConsumerState,
  lastSeq: number,
  offsetMs: number,
): Record<string, unknown> {
  const pending: Record<string, unknown> = {};
  for (const { seq, consumerSeq, startMs } of state.pending) {
    if (seq <= lastSeq) {
      const ms = Math.max(0, Math.round(startMs + offsetMs));
      pending[seq] = { Sequence: consumerSeq, Timestamp: ms * NS_PER_MS };
    }
  }
  const redelivered: Record<string, number> = {};
  for (const [seq, count] of state.redelivered) if (seq <= lastSeq) redelivered[seq] = count;
  return {
    delivered: pair(state.deliveredConsumer, Math.min(state.deliveredStream, lastSeq)),
    ack_floor: pair(state.floorConsumer, Math.min(state.floorStream, lastSeq)),
    pending: Object.keys(pending).length > 0 ? pending : undefined,
    redelivered: Object.keys(redelivered).length > 0 ? redelivered : undefined,
    last_per_subject_until: Math.min(state.lastPerSubjectUntil, lastSeq) || undefined,
  };
}

function pair(consumerSeq: number, streamSeq: number): Record<string, number> {
  return { consumer_seq: consumerSeq, stream_seq: streamSeq };
}

/** What `encodeProgress` and nats-server write; null: it is not that. `state`: parsed JSON. */
export function decodeProgress(state: unknown): KeptProgress | null {
  const delivered = sequences(member(state, "delivered"));
  const floor = sequences(member(state, "ack_floor"));
  if (delivered === null || floor === null) return null;
  const pending: KeptPending[] = [];
  for (const [key, value] of members(state, "pending")) {
    const seq = sequence(Number(key));
    const consumerSeq = sequence(member(value, "Sequence"));
    const time = member(value, "Timestamp");
    if (seq === null || consumerSeq === null || typeof time !== "number") return null;
    pending.push({ seq, consumerSeq, ms: Math.max(0, Math.floor(time / NS_PER_MS)) });
  }
  const redelivered: (readonly [number, number])[] = [];
  for (const [key, value] of members(state, "redelivered")) {
    const seq = sequence(Number(key));
    const count = sequence(value);
    if (seq === null || count === null) return null;
    redelivered.push([seq, count]);
  }
  return {
    deliveredConsumer: delivered.consumer,
    deliveredStream: delivered.stream,
    floorConsumer: floor.consumer,
    floorStream: floor.stream,
    pending,
    redelivered,
    lastPerSubjectUntil: sequence(member(state, "last_per_subject_until")) ?? 0,
  };
}

function sequences(value: unknown): { readonly consumer: number; readonly stream: number } | null {
  const consumer = sequence(member(value, "consumer_seq"));
  const stream = sequence(member(value, "stream_seq"));
  return consumer === null || stream === null ? null : { consumer, stream };
}

/** A whole number that is not negative; null: it is not that. */
function sequence(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

function members(value: unknown, name: string): [string, unknown][] {
  const found = member(value, name);
  return typeof found === "object" && found !== null ? Object.entries(found) : [];
}

const FILE_MAGIC = 22;
const HEAD_BYTES = 2;
/** Version 1 kept what is to be delivered next, counted from the floor, and no sequences of the consumer. */
const OLD_VERSION = 1;
const VERSION = 2;

/**
 * A state file of nats-server:
 *
 *   22, version (1 or 2)
 *   floor consumer, floor stream, delivered consumer, delivered stream
 *   count of pending; if any a time in seconds, then each: sequence above the floor, consumer sequence above the floor
 *     (version 2), when it was delivered, in seconds before that time (version 1: after it)
 *   count of redelivered, then each: sequence above the floor, count
 *
 * Null: it is not that.
 */
export function decodeProgressFile(file: Buffer): KeptProgress | null {
  const version = file[1];
  if (file.length < HEAD_BYTES || file[0] !== FILE_MAGIC) return null;
  if (version !== OLD_VERSION && version !== VERSION) return null;
  const reader = new NumberReader(file, HEAD_BYTES);
  const floorConsumer = reader.number();
  const floorStream = reader.number();
  let deliveredConsumer = reader.number();
  let deliveredStream = reader.number();
  if (version === OLD_VERSION) {
    deliveredConsumer += Math.max(0, floorConsumer - 1);
    deliveredStream += Math.max(0, floorStream - 1);
  }
  const pending: KeptPending[] = [];
  const pendingCount = reader.number();
  const baseSeconds = pendingCount > 0 ? reader.signed() : 0;
  for (let i = 0; i < pendingCount && reader.isGood && reader.isWhole; i++) {
    const seq = floorStream + reader.number();
    const consumerSeq = version === VERSION ? floorConsumer + reader.number() : 0;
    const seconds = reader.signed();
    const at = version === VERSION ? baseSeconds - seconds : baseSeconds + seconds;
    pending.push({ seq, consumerSeq, ms: Math.max(0, at * MS_PER_SECOND) });
  }
  const redelivered: (readonly [number, number])[] = [];
  const redeliveredCount = reader.number();
  for (let i = 0; i < redeliveredCount && reader.isGood && reader.isWhole; i++)
    redelivered.push([floorStream + reader.number(), reader.number()]);
  if (!reader.isGood || !reader.isWhole) return null;
  return {
    deliveredConsumer,
    deliveredStream,
    floorConsumer,
    floorStream,
    pending,
    redelivered,
    lastPerSubjectUntil: 0,
  };
}
