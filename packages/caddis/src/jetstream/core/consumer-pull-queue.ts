import { assert } from "../../base/assert.ts";
import type { Inbox } from "./consumer-port.ts";
import type { PullPriority, PullRequest } from "./pull-request.ts";

const NS_PER_MS = 1e6;
/** Priorities are 0 to 9; without one of its own a request comes after all that have one. */
const NO_PRIORITY = 10;
const PRIORITIES = NO_PRIORITY + 1;

/** A pull request that waits for messages. */
export class WaitingPull {
  readonly inbox: Inbox;
  /** Messages that it still takes. */
  messages: number;
  /** Bytes that it still takes; 0: any number. */
  bytes: number;
  /** How many it got. */
  delivered = 0;
  readonly noWait: boolean;
  /** When it ends; Infinity: when it is served. Monotonic milliseconds, as all times here. */
  readonly expiresMs: number;
  /** 0: none. */
  readonly heartbeatMs: number;
  heartbeatDueMs: number;
  readonly priority: PullPriority | null;
  /** The id under which its client is pinned; empty: it is not. */
  pinId: string;
  /** Its receiver has much waiting and gets nothing before then. */
  heldUntilMs = 0;
  previous: WaitingPull | null = null;
  next: WaitingPull | null = null;

  constructor(request: PullRequest, inbox: Inbox, nowMs: number) {
    this.inbox = inbox;
    this.messages = request.batch;
    this.bytes = Math.max(0, request.maxBytes);
    this.noWait = request.noWait;
    this.expiresMs = request.expires === 0 ? Infinity : nowMs + request.expires / NS_PER_MS;
    this.heartbeatMs = request.idleHeartbeat > 0 ? request.idleHeartbeat / NS_PER_MS : 0;
    this.heartbeatDueMs = this.heartbeatMs > 0 ? nowMs + this.heartbeatMs : Infinity;
    this.priority = request.priority;
    this.pinId = request.priority?.id ?? "";
  }

  /** Whether it ends at the end of the stream: it came not to wait, or got what there was. */
  get endsAtEnd(): boolean {
    return this.noWait && (this.expiresMs === Infinity || this.delivered > 0);
  }
}

/** The pull requests of one consumer in the order in which they are served. */
export class PullQueue {
  first: WaitingPull | null = null;
  /** The last request of each priority; null: there is none. Without priorities all have the first. */
  readonly #lasts: (WaitingPull | null)[] = Array.from({ length: PRIORITIES }, () => null);
  #size = 0;
  #noWaitCount = 0;
  #byPriority: boolean;
  /** When something of a request falls due, or earlier. */
  #dueMs = Infinity;

  /** `byPriority`: requests of less priority wait for others; equal ones take turns. */
  constructor(byPriority: boolean) {
    this.#byPriority = byPriority;
  }

  /** As the constructor says, from now on: those that wait keep their order among equals. */
  orderBy(byPriority: boolean): void {
    if (byPriority === this.#byPriority) return;
    const waiting = [...this];
    this.clear();
    this.#byPriority = byPriority;
    for (const pull of waiting) this.add(pull);
  }

  get size(): number {
    return this.#size;
  }

  /** Some request does not wait at the end of the stream. */
  get hasNoWait(): boolean {
    return this.#noWaitCount > 0;
  }

  /** No request expires and no heartbeat is due before this; Infinity: never. */
  get dueMs(): number {
    return this.#dueMs;
  }

  add(pull: WaitingPull): void {
    this.#link(pull);
    this.#size++;
    if (pull.noWait) this.#noWaitCount++;
    this.noteDue(pull);
  }

  remove(pull: WaitingPull): void {
    this.#unlink(pull);
    this.#size--;
    if (pull.noWait) this.#noWaitCount--;
    if (this.#size === 0) this.#dueMs = Infinity;
  }

  /** Others come first now. */
  cycle(pull: WaitingPull): void {
    if (this.#size < 2) return;
    this.#unlink(pull);
    this.#link(pull);
  }

  /** A message of `size` bytes went to `pull`; returns whether it is done with. */
  serve(pull: WaitingPull, size: number, nowMs: number): boolean {
    pull.delivered++;
    pull.messages--;
    if (pull.bytes > 0) {
      pull.bytes -= size;
      // It fits exactly: there is no room for another.
      if (pull.bytes === 0) pull.messages = 0;
    }
    if (pull.messages <= 0) {
      this.remove(pull);
      return true;
    }
    if (pull.heartbeatMs > 0) pull.heartbeatDueMs = nowMs + pull.heartbeatMs;
    this.cycle(pull);
    return false;
  }

  /** Has times looked at anew by whoever goes through all requests and calls `noteDue` for each that stays. */
  forgetDue(): void {
    this.#dueMs = Infinity;
  }

  noteDue(pull: WaitingPull): void {
    this.#dueMs = Math.min(this.#dueMs, pull.expiresMs, pull.heartbeatDueMs);
  }

  /** In the order in which they are served; the one at hand may be removed. */
  *[Symbol.iterator](): IterableIterator<WaitingPull> {
    for (let pull = this.first; pull !== null;) {
      const { next } = pull;
      yield pull;
      pull = next;
    }
  }

  clear(): void {
    this.first = null;
    this.#lasts.fill(null);
    this.#size = 0;
    this.#noWaitCount = 0;
    this.#dueMs = Infinity;
  }

  /** Throws unless the list is whole. For tests. */
  checkInvariants(): void {
    let count = 0;
    let previous: WaitingPull | null = null;
    const lasts = this.#lasts.map((): WaitingPull | null => null);
    for (const pull of this) {
      assert(pull.previous === previous, "each knows the one before");
      assert(pull.messages > 0 || pull.delivered === 0, "one that is served is gone");
      assert(this.#dueMs <= pull.expiresMs && this.#dueMs <= pull.heartbeatDueMs, "nothing is due earlier");
      assert(previous === null || this.#rankOf(previous) <= this.#rankOf(pull), "in order of priority");
      lasts[this.#rankOf(pull)] = pull;
      previous = pull;
      count++;
    }
    assert(count === this.#size, "the count is right");
    assert(
      lasts.every((last, rank) => last === this.#lasts[rank]),
      "the last of each priority is known",
    );
  }

  /** Behind all others, or those of its priority. */
  #link(pull: WaitingPull): void {
    const rank = this.#rankOf(pull);
    let before = this.#lasts[rank];
    for (let higher = rank - 1; before === null && higher >= 0; higher--) before = this.#lasts[higher];
    const after: WaitingPull | null = before === null ? this.first : before.next;
    pull.previous = before;
    pull.next = after;
    if (before === null) this.first = pull;
    else before.next = pull;
    if (after !== null) after.previous = pull;
    this.#lasts[rank] = pull;
  }

  #unlink(pull: WaitingPull): void {
    const { previous, next } = pull;
    const rank = this.#rankOf(pull);
    if (this.#lasts[rank] === pull)
      this.#lasts[rank] = previous !== null && this.#rankOf(previous) === rank ? previous : null;
    if (previous === null) this.first = next;
    else previous.next = next;
    if (next !== null) next.previous = previous;
    pull.previous = null;
    pull.next = null;
  }

  /** Where it stands among the priorities. */
  #rankOf({ priority }: WaitingPull): number {
    if (!this.#byPriority) return 0;
    return priority === null ? NO_PRIORITY : priority.priority;
  }
}
