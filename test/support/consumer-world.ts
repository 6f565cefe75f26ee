import assert from "node:assert/strict";
import {
  type ConsumerConfig,
  PLAIN_CONSUMER_CONFIG,
} from "../../packages/caddis/src/jetstream/core/consumer-config.ts";
import { ConsumerMachine } from "../../packages/caddis/src/jetstream/core/consumer-machine.ts";
import {
  type ConsumerAdvice,
  type ConsumerPort,
  type Inbox,
  makeInbox,
  type Sent,
} from "../../packages/caddis/src/jetstream/core/consumer-port.ts";
import { beginState } from "../../packages/caddis/src/jetstream/core/consumer-start.ts";
import {
  decodeConsumerState,
  encodeConsumerState,
} from "../../packages/caddis/src/jetstream/core/consumer-state.ts";
import { filterSubjects } from "../../packages/caddis/src/jetstream/core/consumer-terms.ts";
import type { PullPriority, PullRequest } from "../../packages/caddis/src/jetstream/core/pull-request.ts";
import { MemoryStreamStore } from "../../packages/caddis/src/store/memory/memory-store.ts";
import type { StoredMessage } from "../../packages/caddis/src/store/stored-message.ts";

const HASH_BASIS = 0x811c9dc5;
const START_MS = 1_800_000_000_000;
/** More in one step would mean that it never comes to rest. */
const STEPS_MAX = 10_000;

export const MS = 1e6;

/** A pull consumer with explicit acknowledgements. */
export const PULL: ConsumerConfig = {
  ...PLAIN_CONSUMER_CONFIG,
  durable_name: "C",
  name: "C",
  ack_policy: "explicit",
  ack_wait: 30_000 * MS,
  max_deliver: -1,
  max_waiting: 512,
  max_ack_pending: 1_000,
};

export const PUSH: ConsumerConfig = { ...PULL, deliver_subject: "to" };

/** A message that a consumer sent. */
export interface Delivery {
  readonly inbox: string;
  readonly seq: number;
  readonly subject: string;
  readonly deliveries: number;
  readonly consumerSeq: number;
  readonly numPending: number;
  readonly pinId: string;
}

/** What a pull request says besides one message without end. */
export type PullWish = Partial<Omit<PullRequest, "priority">> & { readonly priority?: Partial<PullPriority> };

/** The decisions of one consumer over a store in memory, with time and receivers of the test's own. */
export class ConsumerWorld implements ConsumerPort {
  nowMs = 0;
  readonly store: MemoryStreamStore;
  machine: ConsumerMachine;
  readonly sent: Delivery[] = [];
  /** `inbox: first line`, and the whole blocks. */
  readonly statuses: string[] = [];
  readonly blocks: string[] = [];
  readonly replies: string[] = [];
  readonly advices: ConsumerAdvice[] = [];
  readonly doneSeqs: number[] = [];
  /** Inboxes at which nobody waits. */
  readonly deserted = new Set<string>();
  /** What comes of sending to somebody who is there. */
  sendResult: Sent = "sent";
  #prepared: Omit<Delivery, "inbox"> | null = null;
  #ids = 0;
  #visibleSeq: number | null = null;

  constructor(config: Partial<ConsumerConfig> = {}, store?: MemoryStreamStore) {
    this.store = store ?? new MemoryStreamStore({ firstSeq: 0, hashBasis: HASH_BASIS });
    const whole = { ...PULL, ...config };
    const filter = this.store.filter(filterSubjects(whole));
    const state = beginState(whole, this.store, filter, -1);
    this.machine = new ConsumerMachine(
      { config: whole, view: this, state, port: this, burstBytes: 1_000 },
      this.nowMs,
    );
  }

  /** Nothing behind it can be seen; null: all can. */
  set visibleSeq(seq: number | null) {
    this.#visibleSeq = seq;
  }

  get visibleSeq(): number {
    return this.#visibleSeq ?? this.store.state.lastSeq;
  }

  /** Stores messages and shows them. */
  publish(...subjects: string[]): void {
    for (const subject of subjects) {
      const payload = Buffer.from("payload");
      const seq = this.store.append(subject, payload, 0, 0, payload.length, START_MS + this.nowMs, 0, 0);
      if (this.machine.source.filter.takes(subject)) this.machine.onVisible(seq);
    }
    this.run();
  }

  remove(seq: number): void {
    const subject = this.subjectOf(seq);
    if (!this.store.remove(seq)) return;
    if (this.machine.source.filter.takes(subject)) this.machine.onRemoved(seq, this.nowMs);
    this.run();
  }

  subjectOf(seq: number): string {
    const { machine, store } = this;
    return store.load(seq, machine.source.message) === "loaded" ? machine.source.message.subject : "";
  }

  pull(inbox: string, wish: PullWish = {}): void {
    const { priority, ...rest } = wish;
    const whole: PullPriority = {
      group: "",
      minPending: 0,
      minAckPending: 0,
      id: "",
      priority: 0,
      ...priority,
    };
    const request: PullRequest = {
      batch: 1,
      expires: 0,
      noWait: false,
      maxBytes: 0,
      idleHeartbeat: 0,
      ...rest,
      priority: priority === undefined ? null : whole,
    };
    this.machine.onPull(request, makeInbox(inbox), this.nowMs);
    this.run();
  }

  /** Acknowledges the latest delivery of `seq`; false: it would not be confirmed. */
  ack(seq: number): boolean {
    const isConfirmed = this.machine.onAck(this.latest(seq), this.nowMs);
    this.run();
    return isConfirmed;
  }

  nak(seq: number, delayMs: number | null = null): void {
    this.machine.onNak(this.latest(seq), delayMs, this.nowMs);
    this.run();
  }

  term(seq: number, reason = ""): void {
    this.machine.onTerm(this.latest(seq), reason, this.nowMs);
    this.run();
  }

  progress(seq: number): void {
    this.machine.onProgress(seq, this.nowMs);
    this.run();
  }

  /** What an acknowledgement of the latest delivery of `seq` names. */
  latest(seq: number): { seq: number; consumerSeq: number; deliveries: number } {
    const delivery = this.sent.findLast((each) => each.seq === seq);
    return { seq, consumerSeq: delivery?.consumerSeq ?? 0, deliveries: delivery?.deliveries ?? 1 };
  }

  /** Lets `ms` pass; everything that falls due happens at its own moment. */
  advance(ms: number): void {
    const endMs = this.nowMs + ms;
    for (let steps = 0; this.machine.dueMs <= endMs; steps++) {
      assert.ok(steps < STEPS_MAX, "time stands still");
      this.nowMs = Math.max(this.nowMs, this.machine.dueMs);
      this.run();
    }
    this.nowMs = endMs;
    this.run();
  }

  /** Does what is due and delivers until there is nothing to do. */
  run(): void {
    const { machine } = this;
    for (let steps = 0; steps < STEPS_MAX; steps++) {
      if (machine.dueMs <= this.nowMs) machine.onTime(this.nowMs);
      if (!machine.wantsPump) return;
      while (machine.pump(this.nowMs, 7) === 7);
    }
    assert.fail("it never comes to rest");
  }

  /** The consumer goes, and comes back with what was kept; its pull requests are forgotten. */
  restart(): void {
    const kept = encodeConsumerState(this.machine.state, START_MS);
    const state = decodeConsumerState(kept, START_MS);
    assert.ok(state !== null);
    this.machine = new ConsumerMachine(
      { config: this.machine.config, view: this, state, port: this, burstBytes: 1_000 },
      this.nowMs,
    );
    this.run();
  }

  /** Sequences that were sent, in order. */
  get seqs(): number[] {
    return this.sent.map(({ seq }) => seq);
  }

  prepare(
    { seq, subject, payloadStart, payloadEnd }: StoredMessage,
    deliveries: number,
    consumerSeq: number,
    numPending: number,
    pinId: string,
  ): number {
    this.#prepared = { seq, subject, deliveries, consumerSeq, numPending, pinId };
    return subject.length + payloadEnd - payloadStart;
  }

  /** What the next `send` sends; for a `prepare` of a test's own. */
  sendAs(prepared: Omit<Delivery, "inbox">): void {
    this.#prepared = prepared;
  }

  send(inbox: Inbox): Sent {
    assert.ok(this.#prepared !== null, "a message is prepared before it is sent");
    if (this.deserted.has(inbox.subject)) return "nobody";
    if (this.sendResult !== "refused") this.sent.push({ inbox: inbox.subject, ...this.#prepared });
    return this.sendResult;
  }

  status(inbox: Inbox, headers: string, reply: string): void {
    this.statuses.push(`${inbox.subject}: ${headers.slice("NATS/1.0 ".length, headers.indexOf("\r\n"))}`);
    this.blocks.push(headers);
    if (reply !== "") this.replies.push(reply);
  }

  hasInterest(inbox: Inbox): boolean {
    return !this.deserted.has(inbox.subject);
  }

  isListening(inbox: Inbox): boolean {
    return !this.deserted.has(inbox.subject);
  }

  advise(advice: ConsumerAdvice): void {
    this.advices.push(advice);
  }

  done(seq: number): void {
    this.doneSeqs.push(seq);
  }

  makeId(): string {
    return `id${++this.#ids}`;
  }

  makeFlowReply(): string {
    return `flow${++this.#ids}`;
  }

  percent(): number {
    return 50;
  }
}
