import { type Instant, instantOf, parseInstant } from "../base/instant.ts";
import { Timer } from "../base/timer-queue.ts";
import type { Broker } from "../broker/broker.ts";
import { StoredMessage } from "../store/stored-message.ts";
import type { StreamStore, SubjectCount } from "../store/stream-store.ts";
import { PublishHeaders } from "./core/publish-headers.ts";
import { type Firing, nextFiring, resumedFiring } from "./core/schedule.ts";
import { scheduleZone } from "./core/schedule-check.ts";
import { type ProducedFrom, producedHeaders } from "./core/schedule-product.ts";
import { ScheduleZones } from "./core/schedule-zone.ts";
import { ScheduleHeap, type WaitingSchedule } from "./schedule-heap.ts";

/** The wall clock may be set while a timer runs: it is looked at that often at least. */
const WAIT_MS_MAX = 600_000;

/** A message that could not be stored, since there was no room, say, is tried again after so long. */
const RETRY_MS = 5_000;

/** Schedules that fire in one go; then others get their turn. */
const FIRINGS_PER_TURN = 1_024;

/** Subjects that are looked at in one turn after a start: each may cost two reads from the disk. */
const SUBJECTS_PER_TURN = 256;

/** Schedules whose messages may be gone without notice, besides as many as there are subjects. */
const GONE_MAX = 1_024;

/** A stream, as far as schedules need it. */
export interface ScheduleStream {
  readonly broker: Broker;
  readonly store: StreamStore;
  /** Stores a message as one that needs no check any more. False: it could not be stored. Wire strings. */
  publish(subject: string, headers: string, payload: Uint8Array): boolean;
}

/**
 * The schedules of a stream: messages with `Nats-Schedule`, at most one in a subject. At its time a schedule produces a message to its
 * target; one that repeats waits for its next time then, another one is removed by what it has produced. Nothing but
 * the messages of the stream says when that is, so that all of it is known again after a restart.
 */
export class Schedules {
  readonly #stream: ScheduleStream;
  readonly #bySubject = new Map<string, WaitingSchedule>();
  readonly #heap = new ScheduleHeap();
  readonly #timer = new Timer(() => this.#run());
  readonly #zones = new ScheduleZones();
  readonly #stored = new StoredMessage();
  readonly #headers = new PublishHeaders();
  /** Subjects that were not looked at yet since the start; null: all were. Until then nothing fires, so that all fire in their order. */
  #unseen: IterableIterator<SubjectCount> | null = null;

  constructor(stream: ScheduleStream) {
    this.#stream = stream;
  }

  /** How many wait for their time. */
  get size(): number {
    return this.#heap.size;
  }

  /** When the next one fires, wall-clock milliseconds; Infinity: none does. */
  get nextMs(): number {
    return this.#heap.first?.dueMs ?? Infinity;
  }

  /** A message was stored at `time`: it is a schedule, takes the place of one, or is none of that. */
  onStored(seq: number, subject: string, headers: PublishHeaders, time: Instant): void {
    const firing = this.#firingOf(headers, time, (pattern, zone) => nextFiring(pattern, zone, time, time));
    if (firing !== null) this.#wait(subject, seq, firing.at);
    else if (headers.get("Nats-Scheduler") === "") this.#forget(subject);
    else return;
    this.#setTimer();
  }

  /**
   * Looks for the schedules in the store: after a start, or when the stream has begun to have schedules. Takes several
   * turns where there are many subjects.
   */
  recover(): void {
    const { store } = this.#stream;
    this.stop();
    const subjects = store.subjects(store.filter([]));
    this.#unseen = subjects;
    this.#recoverSome(subjects);
  }

  /** Nothing fires any more. */
  stop(): void {
    this.#unseen = null;
    this.#bySubject.clear();
    this.#heap.clear();
    this.#stream.broker.timers.cancel(this.#timer);
  }

  #now(): Instant {
    return instantOf(this.#stream.broker.clock.nowMs());
  }

  /** When the schedule with these headers fires, as `find` says; null: it is none. */
  #firingOf(headers: PublishHeaders, time: Instant, find: FindFiring): Firing | null {
    const pattern = headers.get("Nats-Schedule");
    if (pattern === "" || headers.get("Nats-Schedule-Target") === "") return null;
    const zone = scheduleZone(headers, this.#zones);
    return zone === "unknown" ? null : find(pattern, zone, time);
  }

  #recoverSome(subjects: IterableIterator<SubjectCount>): void {
    // It was stopped, or began anew, since.
    if (this.#unseen !== subjects) return;
    for (let left = SUBJECTS_PER_TURN; left > 0; left--) {
      const next = subjects.next();
      if (next.done === true) {
        this.#unseen = null;
        this.#setTimer();
        return;
      }
      this.#recoverSubject(next.value.subject);
    }
    this.#stream.broker.clock.nextTurn(() => this.#recoverSome(subjects));
  }

  #recoverSubject(subject: string): void {
    // It came meanwhile.
    if (this.#bySubject.has(subject)) return;
    const { store } = this.#stream;
    const seq = store.lastSeqOf(subject);
    if (!this.#load(seq)) return;
    const { timeMs, timeNs } = this.#stored;
    const stored = { ms: timeMs, ns: timeNs };
    const now = this.#now();
    const firing = this.#firingOf(this.#headers, stored, (pattern, zone) => {
      return resumedFiring(pattern, zone, stored, now);
    });
    if (firing === null) return;
    const target = this.#headers.get("Nats-Schedule-Target");
    const announced = firing.repeats ? this.#announced(subject, seq, target) : null;
    this.#wait(subject, seq, announced ?? firing.at);
  }

  /** When the schedule fires next as the last message says that it has produced; null: that is not known. */
  #announced(subject: string, seq: number, target: string): Instant | null {
    const productSeq = this.#stream.store.lastSeqOf(target);
    if (productSeq <= seq || !this.#load(productSeq)) return null;
    if (this.#headers.get("Nats-Scheduler") !== subject) return null;
    return parseInstant(this.#headers.get("Nats-Schedule-Next"));
  }

  /** Reads a message and its headers; false: it can't be read, or there is none. */
  #load(seq: number): boolean {
    if (seq === 0 || this.#stream.store.load(seq, this.#stored) !== "loaded") return false;
    const { buf, headersStart, payloadStart } = this.#stored;
    this.#headers.read(buf, headersStart, payloadStart);
    return true;
  }

  #wait(subject: string, seq: number, { ms, ns }: Instant): void {
    this.#forget(subject);
    const schedule = { subject, seq, dueMs: ms, dueNs: ns, index: -1 };
    this.#bySubject.set(subject, schedule);
    this.#heap.add(schedule);
    if (this.#heap.size > 2 * this.#stream.store.state.subjectCount + GONE_MAX) this.#forgetGone();
  }

  #forget(subject: string): void {
    const schedule = this.#bySubject.get(subject);
    if (schedule === undefined) return;
    this.#bySubject.delete(subject);
    this.#heap.remove(schedule);
  }

  /** Messages may be removed without notice; what waits for them must not become more and more. */
  #forgetGone(): void {
    const { store } = this.#stream;
    for (const { subject, seq } of this.#bySubject.values()) {
      if (store.lastSeqOf(subject) < seq) this.#forget(subject);
    }
  }

  #setTimer(): void {
    const { timers, clock } = this.#stream.broker;
    const { first } = this.#heap;
    if (this.#unseen !== null) return;
    if (first === null) timers.cancel(this.#timer);
    else {
      const dueMs = first.dueMs + (first.dueNs > 0 ? 1 : 0);
      timers.setIn(this.#timer, Math.min(Math.max(dueMs - clock.nowMs(), 0), WAIT_MS_MAX));
    }
  }

  #run(): void {
    const now = this.#now();
    for (let left = FIRINGS_PER_TURN; left > 0; left--) {
      const { first } = this.#heap;
      if (first === null || first.dueMs > now.ms || (first.dueMs === now.ms && first.dueNs > now.ns)) break;
      this.#forget(first.subject);
      this.#fire(first, now);
    }
    this.#setTimer();
  }

  /** Produces the message of a schedule, unless that is gone, and has it wait for its next time. */
  #fire({ subject, seq, dueMs, dueNs }: WaitingSchedule, now: Instant): void {
    if (!this.#load(seq)) return;
    const due = { ms: dueMs, ns: dueNs };
    const firing = this.#firingOf(this.#headers, due, (pattern, zone) => nextFiring(pattern, zone, due, now));
    if (firing === null) return;
    const headers = this.#headers;
    const target = headers.get("Nats-Schedule-Target");
    const zone = scheduleZone(headers, this.#zones);
    const from: ProducedFrom = {
      scheduler: subject,
      next: firing.repeats ? firing.at : null,
      zone: zone === "unknown" ? null : zone,
      ttl: headers.get("Nats-Schedule-TTL"),
      rollup: headers.get("Nats-Schedule-Rollup"),
    };
    // Where its source has nothing, its own content is what it produces.
    const source = headers.get("Nats-Schedule-Source");
    if (source !== "" && !this.#load(this.#stream.store.lastSeqOf(source)) && !this.#load(seq)) return;
    const { buf, headersStart, payloadStart, payloadEnd } = this.#stored;
    const block = producedHeaders(buf.latin1Slice(headersStart, payloadStart), from);
    const payload = Buffer.from(buf.subarray(payloadStart, payloadEnd));
    const isStored = this.#stream.publish(target, block, payload);
    if (!isStored) this.#wait(subject, seq, { ms: now.ms + RETRY_MS, ns: 0 });
    else if (firing.repeats) this.#wait(subject, seq, firing.at);
  }
}

type FindFiring = (
  pattern: string,
  zone: Exclude<ReturnType<typeof scheduleZone>, "unknown">,
  time: Instant,
) => Firing | null;
