import type { ConsumerConfig } from "./consumer-config.ts";
import type { ConsumerPort, Inbox } from "./consumer-port.ts";
import { eligibilityOf, PinnedClient } from "./consumer-priority.ts";
import { refusalOf } from "./consumer-pull-check.ts";
import { PullQueue, WaitingPull } from "./consumer-pull-queue.ts";
import {
  CONSUMER_DELETED,
  idleHeartbeat,
  MAX_WAITING,
  NO_MESSAGES,
  type PullEnd,
  pullEnded,
  REQUESTS_PENDING,
} from "./consumer-status.ts";
import type { PullRequest } from "./pull-request.ts";

/** With all places taken, those that nobody waits at any more are looked for this often; as in the reference. */
const FULL_SWEEP_MS = 1_000;

/** What pull requests depend on besides themselves. */
export interface PullFacts {
  /** Messages to be delivered for the first time, and again. */
  readonly numPending: number;
  readonly queueSize: number;
  /** Delivered and not acknowledged. */
  readonly ackPending: number;
  readonly deliveredConsumer: number;
  readonly nextSeq: number;
}

/** The pull requests of a consumer: which of them are taken in, which gets the next message, and how they end. */
export class ConsumerPulls {
  readonly queue: PullQueue;
  readonly pinned = new PinnedClient();
  /** When the consumer was last asked for something, or had something to do with it. */
  activeMs: number;
  #config: ConsumerConfig;
  /** When the first of those may be served that are held back, as `choose` found it; Infinity: none is. */
  heldUntilMs = Infinity;
  readonly #port: ConsumerPort;
  readonly #facts: PullFacts;
  #sweptMs = -Infinity;

  constructor(config: ConsumerConfig, port: ConsumerPort, facts: PullFacts, nowMs: number) {
    this.#config = config;
    this.#port = port;
    this.#facts = facts;
    this.activeMs = nowMs;
    this.queue = new PullQueue(isPrioritized(config));
  }

  /** Goes on by another configuration. */
  configure(config: ConsumerConfig): void {
    this.#config = config;
    this.queue.orderBy(isPrioritized(config));
  }

  /** When something falls due. */
  get dueMs(): number {
    return Math.min(this.queue.dueMs, this.pinned.untilMs);
  }

  /** Takes a request in, or tells its inbox why not. */
  add(request: PullRequest, inbox: Inbox, nowMs: number): void {
    const refusal = refusalOf(request, this.#config, this.pinned.id) ?? this.#refusalNow(request, nowMs);
    if (refusal !== null) {
      if (refusal !== "") this.#port.status(inbox, refusal, "");
      return;
    }
    this.#renewPin(request, nowMs);
    this.activeMs = nowMs;
    this.queue.add(new WaitingPull(request, inbox, nowMs));
  }

  /** Why there is no place for it at present; empty: it is not told. */
  #refusalNow(request: PullRequest, nowMs: number): string | null {
    const isFull = (): boolean => this.queue.size >= this.#config.max_waiting;
    if (isFull() && nowMs - this.#sweptMs > FULL_SWEEP_MS) this.sweep(nowMs, false);
    if (request.noWait) {
      const pending = this.#facts.numPending + this.#facts.queueSize;
      if (pending === 0 && request.expires === 0) {
        this.activeMs = nowMs;
        return NO_MESSAGES;
      }
      if (pending > 0 && pending < this.sweep(nowMs, false)) {
        this.activeMs = nowMs;
        return REQUESTS_PENDING;
      }
    }
    // Who listens for heartbeats would ask again at once: it is left to notice that none come.
    if (isFull()) return request.idleHeartbeat === 0 ? MAX_WAITING : "";
    return null;
  }

  /** Who is pinned and asks again stays so. */
  #renewPin({ priority }: PullRequest, nowMs: number): void {
    const { pinned } = this;
    if (pinned.id !== "" && priority?.id === pinned.id)
      pinned.untilMs = nowMs + this.#config.priority_timeout / 1e6;
  }

  /**
   * The request that gets a message of `size` bytes, which is the first of `numPending`; null: none may have it now.
   * Requests that have expired, or that it is too large for, are told so and gone.
   */
  choose(size: number, numPending: number, nowMs: number): WaitingPull | null {
    this.heldUntilMs = Infinity;
    // By hand: an iterator would be made for each message.
    for (let pull = this.queue.first; pull !== null;) {
      const { next } = pull;
      if (pull.expiresMs <= nowMs) this.#expire(pull);
      else if (pull.heldUntilMs > nowMs) this.heldUntilMs = Math.min(this.heldUntilMs, pull.heldUntilMs);
      else if (this.#mayServe(pull, size, numPending, nowMs)) return pull;
      pull = next;
    }
    return null;
  }

  #mayServe(pull: WaitingPull, size: number, numPending: number, nowMs: number): boolean {
    const { priority_policy } = this.#config;
    const pinnedId = this.pinned.id;
    const { ackPending } = this.#facts;
    const eligibility = eligibilityOf(pull, priority_policy, pinnedId, numPending, ackPending);
    if (eligibility === "pass") return false;
    if (eligibility === "wrongPin") {
      this.#end(pull, "wrongPin");
      return false;
    }
    if (pull.bytes > 0 && size > pull.bytes) {
      this.#end(pull, "maxBytes");
      return false;
    }
    // Nobody is pinned who is not there any more.
    if (eligibility === "pin" && this.#port.hasInterest(pull.inbox)) this.#pin(pull, nowMs);
    return true;
  }

  #pin(pull: WaitingPull, nowMs: number): void {
    const group = pull.priority?.group ?? "";
    if (group === "") return;
    const id = this.#port.makeId();
    pull.pinId = id;
    this.pinned.pin(group, id, nowMs, this.#config.priority_timeout / 1e6);
    this.#port.advise({ kind: "pinned", group, id });
  }

  /** The message of `size` bytes went to `pull`. */
  onServed(pull: WaitingPull, size: number, nowMs: number): void {
    this.activeMs = nowMs;
    if (!this.queue.serve(pull, size, nowMs) || pull.bytes <= 0) return;
    this.#port.status(pull.inbox, pullEnded("completed", pull.messages, pull.bytes), "");
  }

  /** Nobody waits at its inbox any more. */
  drop(pull: WaitingPull): void {
    this.queue.remove(pull);
  }

  /**
   * Ends requests that have expired, that nobody waits for, and, with `isAtEnd`, those that do not wait for new
   * messages; sends heartbeats that are due. Returns how many messages the others ask for.
   */
  sweep(nowMs: number, isAtEnd: boolean): number {
    const { queue } = this;
    let asked = 0;
    this.#sweptMs = nowMs;
    queue.forgetDue();
    for (const pull of queue) {
      if (pull.expiresMs <= nowMs) {
        this.#expire(pull);
      } else if (isAtEnd && pull.endsAtEnd) {
        this.#port.status(pull.inbox, NO_MESSAGES, "");
        this.activeMs = Math.max(this.activeMs, nowMs);
        queue.remove(pull);
      } else if (!this.#port.hasInterest(pull.inbox)) {
        queue.remove(pull);
      } else {
        asked += pull.messages;
        this.#beat(pull, nowMs);
        queue.noteDue(pull);
      }
    }
    return asked;
  }

  /** What was due at `nowMs`; returns whether others may be served now. */
  onTime(nowMs: number, isAtEnd: boolean): boolean {
    if (this.queue.dueMs <= nowMs) this.sweep(nowMs, isAtEnd);
    if (this.pinned.untilMs > nowMs) return false;
    return this.unpin("timeout");
  }

  /** False: nobody is pinned. */
  unpin(reason: "admin" | "timeout"): boolean {
    const { id, group } = this.pinned;
    if (id === "") return false;
    this.pinned.unpin();
    this.#port.advise({ kind: "unpinned", group, reason });
    return true;
  }

  /** No request is served any more; `reason` null: their clients learn it from the connection. */
  endAll(reason: "deleted" | "shutdown" | null): void {
    for (const pull of this.queue) {
      if (reason === "deleted") this.#port.status(pull.inbox, CONSUMER_DELETED, "");
      if (reason === "shutdown")
        this.#port.status(pull.inbox, pullEnded("shutdown", pull.messages, pull.bytes), "");
    }
    this.queue.clear();
  }

  #expire(pull: WaitingPull): void {
    // That somebody waited until now counts as being active.
    this.activeMs = Math.max(this.activeMs, pull.expiresMs);
    this.#end(pull, "timeout");
  }

  #end(pull: WaitingPull, end: PullEnd): void {
    this.#port.status(pull.inbox, pullEnded(end, pull.messages, pull.bytes), "");
    this.queue.remove(pull);
  }

  #beat(pull: WaitingPull, nowMs: number): void {
    if (pull.heartbeatDueMs > nowMs) return;
    const { deliveredConsumer, nextSeq } = this.#facts;
    this.#port.status(pull.inbox, idleHeartbeat(deliveredConsumer, nextSeq - 1, ""), "");
    pull.heartbeatDueMs = nowMs + pull.heartbeatMs;
  }
}

function isPrioritized({ priority_policy }: ConsumerConfig): boolean {
  return priority_policy === "prioritized";
}
