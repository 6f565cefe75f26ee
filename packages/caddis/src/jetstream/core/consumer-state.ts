import { type PendingMessage, PendingMessages } from "./consumer-pending.ts";

/**
 * How far a consumer has come: what is kept of it over a restart. Sequences are pairs, of the consumer (each delivery
 * has the next number) and of the stream.
 *
 * Invariants: `floorConsumer <= deliveredConsumer`, `floorStream <= deliveredStream < nextSeq`; what is pending lies
 * above the floor and is delivered; everything that was delivered up to the floor is done with.
 */
export class ConsumerState {
  deliveredConsumer = 0;
  deliveredStream = 0;
  floorConsumer = 0;
  floorStream = 0;
  /** The first sequence of the stream that was not looked at yet. Not kept: it follows what was delivered. */
  nextSeq = 1;
  /** Up to this sequence only the last message of each subject is delivered; 0: all are. */
  lastPerSubjectUntil = 0;
  readonly pending = new PendingMessages();
  /**
   * How often a message was delivered again, by its sequence. Messages that were delivered as often as they may be
   * stay here: they are not pending, and still not done with.
   */
  readonly redelivered = new Map<number, number>();

  /** Begins before `nextSeq`, with nothing delivered. */
  startAt(nextSeq: number): void {
    this.pending.clear();
    this.redelivered.clear();
    this.nextSeq = nextSeq;
    this.deliveredConsumer = 0;
    this.deliveredStream = nextSeq - 1;
    this.floorConsumer = 0;
    this.floorStream = nextSeq - 1;
  }

  /** The floor follows what was taken from pending. */
  raiseFloor(): void {
    const { first } = this.pending;
    const consumer = first === null ? this.deliveredConsumer : first.consumerSeq - 1;
    const stream = first === null ? this.deliveredStream : first.seq - 1;
    this.floorConsumer = Math.max(this.floorConsumer, consumer);
    this.floorStream = Math.max(this.floorStream, stream);
  }

  /** How often `seq` was delivered so far; at least 1 for what is pending. */
  deliveries(seq: number): number {
    return (this.redelivered.get(seq) ?? 0) + 1;
  }
}

/*
 * The format, version 1. Numbers are unsigned, seven bits to a byte, lowest first, the highest bit set on all but the
 * last byte (LEB128).
 *
 *   1                      version
 *   delivered consumer, delivered stream, floor consumer, floor stream, last per subject until
 *   base                   wall-clock milliseconds, the earliest of the times that follow
 *   count of pending, then for each, ascending:
 *     sequence and consumer sequence, less those of the one before
 *     when it was delivered, less base
 *     1 + when it is due, less base; 0: at once; 2^53 - 1: never by itself
 *   count of redelivered, then for each, ascending:
 *     sequence less that of the one before, count
 */
const VERSION = 1;
/** For a message that is not delivered again by itself. */
const NEVER = Number.MAX_SAFE_INTEGER;
/** Of a number up to 2^53. */
const NUMBER_BYTES_MAX = 8;
const HEAD_NUMBERS = 8;
const PENDING_NUMBERS = 4;
const REDELIVERED_NUMBERS = 2;

/** `offsetMs`: what to add to a monotonic time to get wall-clock time. */
export function encodeConsumerState(state: ConsumerState, offsetMs: number): Uint8Array {
  const { pending, redelivered } = state;
  const numbers = HEAD_NUMBERS + pending.size * PENDING_NUMBERS + redelivered.size * REDELIVERED_NUMBERS;
  const writer = new NumberWriter(1 + numbers * NUMBER_BYTES_MAX);
  writer.write(VERSION);
  writer.write(state.deliveredConsumer);
  writer.write(state.deliveredStream);
  writer.write(state.floorConsumer);
  writer.write(state.floorStream);
  writer.write(state.lastPerSubjectUntil);
  const baseMs = baseOf(state, offsetMs);
  writer.write(baseMs);
  writer.write(pending.size);
  let seq = 0;
  let consumerSeq = 0;
  for (const message of pending) {
    writer.write(message.seq - seq);
    writer.write(message.consumerSeq - consumerSeq);
    writer.write(Math.round(message.startMs + offsetMs) - baseMs);
    writer.write(dueOf(message, offsetMs - baseMs));
    ({ seq, consumerSeq } = message);
  }
  writer.write(redelivered.size);
  seq = 0;
  for (const [each, count] of [...redelivered].sort(([a], [b]) => a - b)) {
    writer.write(each - seq);
    writer.write(count);
    seq = each;
  }
  return writer.done();
}

/** Null for what is none of this version, or damaged. */
export function decodeConsumerState(data: Uint8Array, offsetMs: number): ConsumerState | null {
  const reader = new NumberReader(data);
  if (reader.read() !== VERSION) return null;
  const state = new ConsumerState();
  state.deliveredConsumer = reader.read();
  state.deliveredStream = reader.read();
  state.floorConsumer = reader.read();
  state.floorStream = reader.read();
  state.lastPerSubjectUntil = reader.read();
  state.nextSeq = state.deliveredStream + 1;
  const baseMs = reader.read() - offsetMs;
  readPending(reader, state, baseMs);
  readRedelivered(reader, state);
  return reader.isGood && isSound(state) ? state : null;
}

function readPending(reader: NumberReader, state: ConsumerState, baseMs: number): void {
  const count = reader.read();
  let seq = 0;
  let consumerSeq = 0;
  for (let i = 0; i < count && reader.isGood; i++) {
    const step = reader.read();
    const consumerStep = reader.read();
    seq += step;
    consumerSeq += consumerStep;
    const startMs = baseMs + reader.read();
    const due = reader.read();
    const isInOrder = step > 0 && consumerStep > 0;
    const isDelivered = seq <= state.deliveredStream && consumerSeq <= state.deliveredConsumer;
    reader.isGood &&= isInOrder && isDelivered;
    if (reader.isGood) state.pending.add(seq, consumerSeq, startMs, dueMsOf(due, baseMs));
  }
}

function readRedelivered(reader: NumberReader, state: ConsumerState): void {
  const count = reader.read();
  let seq = 0;
  for (let i = 0; i < count && reader.isGood; i++) {
    seq += reader.read();
    const times = reader.read();
    if (reader.isGood) state.redelivered.set(seq, times);
  }
}

function isSound(state: ConsumerState): boolean {
  return (
    state.floorConsumer <= state.deliveredConsumer &&
    state.floorStream <= state.deliveredStream &&
    Number.isSafeInteger(state.deliveredStream + 1)
  );
}

/** When a message is to be delivered again, as it is kept: 0 at once, or milliseconds from the base on, and 1. */
function dueOf({ isQueued, dueMs }: PendingMessage, offsetMs: number): number {
  if (isQueued) return 0;
  return dueMs === Infinity ? NEVER : 1 + Math.max(0, Math.round(dueMs + offsetMs));
}

function dueMsOf(due: number, baseMs: number): number {
  if (due === 0) return -Infinity;
  return due === NEVER ? Infinity : baseMs + due - 1;
}

/** Wall-clock milliseconds, the earliest in which something pending was delivered. */
function baseOf({ pending }: ConsumerState, offsetMs: number): number {
  let base = Infinity;
  for (const { startMs } of pending) base = Math.min(base, Math.round(startMs + offsetMs));
  return base === Infinity ? 0 : Math.max(0, base);
}

class NumberWriter {
  readonly #data: Uint8Array;
  #length = 0;

  constructor(capacity: number) {
    this.#data = new Uint8Array(capacity);
  }

  write(value: number): void {
    let left = Math.max(0, value);
    // Beyond 32 bits the operators on bits would cut.
    while (left > 0x7f) {
      this.#data[this.#length++] = (left % 0x80) | 0x80;
      left = Math.floor(left / 0x80);
    }
    this.#data[this.#length++] = left;
  }

  done(): Uint8Array {
    return this.#data.subarray(0, this.#length);
  }
}

class NumberReader {
  /** False once something was read that is not there, or is no safe integer. */
  isGood = true;
  readonly #data: Uint8Array;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  read(): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < NUMBER_BYTES_MAX; i++) {
      if (this.#at >= this.#data.length) break;
      const byte = this.#data[this.#at++];
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (Number.isSafeInteger(value)) return value;
        break;
      }
      factor *= 0x80;
    }
    this.isGood = false;
    return 0;
  }
}
