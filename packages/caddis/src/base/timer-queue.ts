import { assert } from "./assert.ts";

/**
 * A timer that lives inside the object it belongs to, so that setting it allocates nothing.
 * Invariant: `index` is the timer's place in its queue's heap, or -1 while it is not set.
 */
export class Timer {
  dueMs = 0;
  index = -1;
  readonly onDue: () => void;

  constructor(onDue: () => void) {
    this.onDue = onDue;
  }

  get isSet(): boolean {
    return this.index >= 0;
  }
}

/** What a queue needs of a clock; see `io/clock.ts`. */
interface WakingClock {
  monotonicMs(): number;
  wakeAt(dueMs: number, wake: () => void): void;
}

/**
 * All timers of one server: a binary heap by due time behind a single wake-up of the clock, so an idle
 * server with 15,000 connections sleeps until the next due time and costs no tick in between.
 */
export class TimerQueue {
  readonly #clock: WakingClock;
  readonly #heap: Timer[] = [];
  readonly #wake = (): void => this.#run();
  #wakeDueMs = Infinity;

  constructor(clock: WakingClock) {
    this.#clock = clock;
  }

  /** Sets `timer` to fall due `delayMs` from now; a timer that is set already is moved. */
  setIn(timer: Timer, delayMs: number): void {
    this.setAt(timer, this.#clock.monotonicMs() + delayMs);
  }

  /** Sets `timer` to fall due at `dueMs` on the clock's monotonic scale. */
  setAt(timer: Timer, dueMs: number): void {
    timer.dueMs = dueMs;
    if (timer.index < 0) {
      timer.index = this.#heap.length;
      this.#heap.push(timer);
    }
    this.#siftDown(this.#siftUp(timer.index));
    this.#scheduleWake();
  }

  /** Takes `timer` back; one that is not set stays as it is. */
  cancel(timer: Timer): void {
    if (timer.index < 0) return;
    this.#remove(timer);
    this.#scheduleWake();
  }

  /** How many timers are set. */
  get size(): number {
    return this.#heap.length;
  }

  /** Drops every timer and the clock's wake-up. */
  clear(): void {
    for (const timer of this.#heap) timer.index = -1;
    this.#heap.length = 0;
    this.#scheduleWake();
  }

  /** Throws unless the heap is ordered and every timer knows its place. For tests. */
  checkInvariants(): void {
    for (let i = 0; i < this.#heap.length; i++) {
      assert(this.#heap[i].index === i, "a timer's index is its place in the heap");
      assert(
        i === 0 || this.#heap[(i - 1) >> 1].dueMs <= this.#heap[i].dueMs,
        "the heap is ordered by due time",
      );
    }
  }

  #run(): void {
    this.#wakeDueMs = Infinity;
    const now = this.#clock.monotonicMs();
    while (this.#heap.length > 0 && this.#heap[0].dueMs <= now) {
      const timer = this.#heap[0];
      this.#remove(timer);
      timer.onDue();
    }
    this.#scheduleWake();
  }

  #scheduleWake(): void {
    const dueMs = this.#heap.length > 0 ? this.#heap[0].dueMs : Infinity;
    if (dueMs === this.#wakeDueMs) return;
    this.#wakeDueMs = dueMs;
    this.#clock.wakeAt(dueMs, this.#wake);
  }

  #remove(timer: Timer): void {
    const index = timer.index;
    const last = this.#heap.pop();
    timer.index = -1;
    if (last === undefined || last === timer) return;
    this.#heap[index] = last;
    last.index = index;
    this.#siftDown(this.#siftUp(index));
  }

  #siftUp(start: number): number {
    const heap = this.#heap;
    let index = start;
    const timer = heap[index];
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (heap[parent].dueMs <= timer.dueMs) break;
      heap[index] = heap[parent];
      heap[index].index = index;
      index = parent;
    }
    heap[index] = timer;
    timer.index = index;
    return index;
  }

  #siftDown(start: number): void {
    const heap = this.#heap;
    let index = start;
    const timer = heap[index];
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1].dueMs < heap[child].dueMs) child++;
      if (heap[child].dueMs >= timer.dueMs) break;
      heap[index] = heap[child];
      heap[index].index = index;
      index = child;
    }
    heap[index] = timer;
    timer.index = index;
  }
}
