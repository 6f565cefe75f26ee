import { assert } from "../../base/assert.ts";

/**
 * A message that was delivered and is not done with.
 * Invariant: it is either waiting for its due time (`heapIndex >= 0`) or queued for redelivery (`isQueued`).
 */
export class PendingMessage {
  seq = 0;
  /** Of its first delivery. */
  consumerSeq = 0;
  /** When it was delivered last, or said to be in progress; monotonic milliseconds. */
  startMs = 0;
  /** When it is to be delivered again unless it is acknowledged. */
  dueMs = 0;
  heapIndex = -1;
  previous: PendingMessage | null = null;
  next: PendingMessage | null = null;
  isQueued = false;
  queuePrevious: PendingMessage | null = null;
  queueNext: PendingMessage | null = null;
}

/** Objects kept for reuse: as many as most consumers have pending. */
const SPARE_MAX = 1_000;

/**
 * The messages that a consumer has delivered and waits to hear about: by sequence, in order of sequence, in order
 * of due time, and in the order in which they are to be delivered again.
 */
export class PendingMessages {
  readonly #bySeq = new Map<number, PendingMessage>();
  #first: PendingMessage | null = null;
  #last: PendingMessage | null = null;
  /** A binary heap by due time. */
  readonly #heap: PendingMessage[] = [];
  #queueFirst: PendingMessage | null = null;
  #queueLast: PendingMessage | null = null;
  #queueSize = 0;
  readonly #spare: PendingMessage[] = [];

  get size(): number {
    return this.#bySeq.size;
  }

  /** The one with the lowest sequence. */
  get first(): PendingMessage | null {
    return this.#first;
  }

  /** How many are queued for redelivery. */
  get queueSize(): number {
    return this.#queueSize;
  }

  /** The one to be delivered again next. */
  get queueFirst(): PendingMessage | null {
    return this.#queueFirst;
  }

  /** When the next one falls due; Infinity: none. */
  get dueMs(): number {
    return this.#heap.length === 0 ? Infinity : this.#heap[0].dueMs;
  }

  get(seq: number): PendingMessage | undefined {
    return this.#bySeq.get(seq);
  }

  /** Adds a message behind all others: sequences only rise. */
  add(seq: number, consumerSeq: number, startMs: number, dueMs: number): void {
    const last = this.#last;
    assert(last === null || last.seq < seq, "messages are delivered first in order of their sequence");
    const message = this.#spare.pop() ?? new PendingMessage();
    message.seq = seq;
    message.consumerSeq = consumerSeq;
    message.startMs = startMs;
    message.previous = last;
    if (last === null) this.#first = message;
    else last.next = message;
    this.#last = message;
    this.#bySeq.set(seq, message);
    this.#push(message, dueMs);
  }

  remove(message: PendingMessage): void {
    this.#bySeq.delete(message.seq);
    this.#unlink(message);
    if (message.isQueued) this.#unqueue(message);
    if (message.heapIndex >= 0) this.#takeFromHeap(message);
    if (this.#spare.length < SPARE_MAX) this.#spare.push(message);
  }

  /** It waits until `dueMs`, whatever it did before. */
  schedule(message: PendingMessage, dueMs: number): void {
    if (message.isQueued) this.#unqueue(message);
    if (message.heapIndex < 0) {
      this.#push(message, dueMs);
      return;
    }
    message.dueMs = dueMs;
    this.#siftDown(this.#siftUp(message.heapIndex));
  }

  /** It is to be delivered again, behind those that are queued already. */
  enqueue(message: PendingMessage): void {
    if (message.isQueued) return;
    if (message.heapIndex >= 0) this.#takeFromHeap(message);
    message.isQueued = true;
    message.queuePrevious = this.#queueLast;
    if (this.#queueLast === null) this.#queueFirst = message;
    else this.#queueLast.queueNext = message;
    this.#queueLast = message;
    this.#queueSize++;
  }

  /** Takes those that are due at `nowMs` out of waiting, lowest sequence first; each is to be queued, scheduled or removed. */
  takeDue(nowMs: number): PendingMessage[] {
    const due: PendingMessage[] = [];
    while (this.#heap.length > 0 && this.#heap[0].dueMs <= nowMs) {
      const message = this.#heap[0];
      this.#takeFromHeap(message);
      due.push(message);
    }
    return due.sort((a, b) => a.seq - b.seq);
  }

  clear(): void {
    this.#bySeq.clear();
    this.#first = null;
    this.#last = null;
    this.#heap.length = 0;
    this.#queueFirst = null;
    this.#queueLast = null;
    this.#queueSize = 0;
  }

  /** In order of sequence; the one at hand may be removed. */
  *[Symbol.iterator](): IterableIterator<PendingMessage> {
    for (let message = this.#first; message !== null;) {
      const { next } = message;
      yield message;
      message = next;
    }
  }

  /** Throws unless the four views agree. For tests. */
  checkInvariants(): void {
    let count = 0;
    let queued = 0;
    let last: PendingMessage | null = null;
    for (const message of this) {
      assert(last === null || last.seq < message.seq, "in order of sequence");
      assert(last === null || last.consumerSeq < message.consumerSeq, "and of delivery");
      assert(this.#bySeq.get(message.seq) === message, "each is found by its sequence");
      assert(message.isQueued !== message.heapIndex >= 0, "each waits or is queued");
      if (message.isQueued) queued++;
      else assert(this.#heap[message.heapIndex] === message, "each knows its place in the heap");
      last = message;
      count++;
    }
    assert(count === this.#bySeq.size && queued === this.#queueSize, "counts agree");
    assert(count - queued === this.#heap.length, "the heap holds those that wait");
    for (let i = 1; i < this.#heap.length; i++)
      assert(this.#heap[(i - 1) >> 1].dueMs <= this.#heap[i].dueMs, "the heap is ordered by due time");
  }

  #unlink(message: PendingMessage): void {
    const { previous, next } = message;
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    message.previous = null;
    message.next = null;
  }

  #unqueue(message: PendingMessage): void {
    const { queuePrevious, queueNext } = message;
    if (queuePrevious === null) this.#queueFirst = queueNext;
    else queuePrevious.queueNext = queueNext;
    if (queueNext === null) this.#queueLast = queuePrevious;
    else queueNext.queuePrevious = queuePrevious;
    message.queuePrevious = null;
    message.queueNext = null;
    message.isQueued = false;
    this.#queueSize--;
  }

  #push(message: PendingMessage, dueMs: number): void {
    message.dueMs = dueMs;
    message.heapIndex = this.#heap.length;
    this.#heap.push(message);
    this.#siftUp(message.heapIndex);
  }

  #takeFromHeap(message: PendingMessage): void {
    const index = message.heapIndex;
    const last = this.#heap.pop();
    message.heapIndex = -1;
    if (last === undefined || last === message) return;
    this.#heap[index] = last;
    last.heapIndex = index;
    this.#siftDown(this.#siftUp(index));
  }

  #siftUp(start: number): number {
    const heap = this.#heap;
    const message = heap[start];
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (heap[parent].dueMs <= message.dueMs) break;
      heap[index] = heap[parent];
      heap[index].heapIndex = index;
      index = parent;
    }
    heap[index] = message;
    message.heapIndex = index;
    return index;
  }

  #siftDown(start: number): void {
    const heap = this.#heap;
    const message = heap[start];
    let index = start;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1].dueMs < heap[child].dueMs) child++;
      if (heap[child].dueMs >= message.dueMs) break;
      heap[index] = heap[child];
      heap[index].heapIndex = index;
      index = child;
    }
    heap[index] = message;
    message.heapIndex = index;
  }
}
