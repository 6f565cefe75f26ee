import { assert } from "../base/assert.ts";

/** A schedule that waits for its time. */
export interface WaitingSchedule {
  /** Where its message is stored, a wire string; a subject has one schedule at most. */
  readonly subject: string;
  readonly seq: number;
  /** When it fires, wall-clock time. */
  readonly dueMs: number;
  readonly dueNs: number;
  /** Its place in the heap; -1: it is in none. */
  index: number;
}

/** Schedules by the time at which they fire, those of the same time by their sequence. */
export class ScheduleHeap {
  readonly #heap: WaitingSchedule[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** The one that fires first; null: there is none. */
  get first(): WaitingSchedule | null {
    return this.#heap[0] ?? null;
  }

  add(schedule: WaitingSchedule): void {
    assert(schedule.index < 0, "a schedule waits once");
    schedule.index = this.#heap.length;
    this.#heap.push(schedule);
    this.#siftUp(schedule);
  }

  remove(schedule: WaitingSchedule): void {
    const { index } = schedule;
    assert(this.#heap[index] === schedule, "a schedule knows its place");
    schedule.index = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === schedule) return;
    this.#put(last, index);
    this.#siftUp(last);
    this.#siftDown(last);
  }

  clear(): void {
    for (const schedule of this.#heap) schedule.index = -1;
    this.#heap.length = 0;
  }

  #put(schedule: WaitingSchedule, index: number): void {
    this.#heap[index] = schedule;
    schedule.index = index;
  }

  #siftUp(schedule: WaitingSchedule): void {
    while (schedule.index > 0) {
      const place = schedule.index;
      const parent = this.#heap[(place - 1) >> 1];
      if (!isBefore(schedule, parent)) return;
      this.#put(schedule, parent.index);
      this.#put(parent, place);
    }
  }

  #siftDown(schedule: WaitingSchedule): void {
    for (;;) {
      const place = schedule.index;
      let child = 2 * place + 1;
      if (child >= this.#heap.length) return;
      if (child + 1 < this.#heap.length && isBefore(this.#heap[child + 1], this.#heap[child])) child++;
      const earlier = this.#heap[child];
      if (!isBefore(earlier, schedule)) return;
      this.#put(schedule, child);
      this.#put(earlier, place);
    }
  }
}

function isBefore(a: WaitingSchedule, b: WaitingSchedule): boolean {
  return (a.dueMs - b.dueMs || a.dueNs - b.dueNs || a.seq - b.seq) < 0;
}
