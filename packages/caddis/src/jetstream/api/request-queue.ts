/** Requests handled before others get their turn: each takes well under a millisecond. */
const REQUESTS_PER_TURN = 64;

/** Work that waits: one thing after the other, in order. */
export interface QueuedRequest {
  /** It only asks; such requests have a bound of their own. */
  readonly isInfo: boolean;
  run(): void | Promise<void>;
}

/** What a queue needs of the world. */
export interface QueueHooks {
  /** Calls back in another turn, soon. */
  later(run: () => void): void;
  /** How many requests of a kind may wait. */
  limit(isInfo: boolean): number;
  /** Too many came: all that waited of that kind are gone. */
  onDropped(count: number): void;
}

/**
 * Requests of one account, answered one after the other in the order in which they came, so that whoever creates a
 * stream and asks about it in one breath finds it. One that takes time holds up those behind it, not the server.
 */
export class RequestQueue {
  readonly #hooks: QueueHooks;
  #waiting: QueuedRequest[] = [];
  /** Of `waiting`, those done with. */
  #start = 0;
  #infoCount = 0;
  #isRunning = false;
  #isClosed = false;

  constructor(hooks: QueueHooks) {
    this.#hooks = hooks;
  }

  /** Requests that wait. */
  get length(): number {
    return this.#waiting.length - this.#start;
  }

  push(request: QueuedRequest): void {
    if (this.#isClosed) return;
    this.#waiting.push(request);
    if (request.isInfo) this.#infoCount++;
    const { isInfo } = request;
    const count = isInfo ? this.#infoCount : this.length - this.#infoCount;
    if (count > this.#hooks.limit(isInfo)) this.#drop(isInfo);
    if (this.#isRunning || this.length === 0) return;
    this.#isRunning = true;
    queueMicrotask(() => this.#run());
  }

  /** What waits is forgotten, and nothing more taken. */
  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
    this.#start = 0;
    this.#infoCount = 0;
  }

  #drop(isInfo: boolean): void {
    const before = this.length;
    this.#waiting = this.#waiting.slice(this.#start).filter((request) => request.isInfo !== isInfo);
    this.#start = 0;
    if (isInfo) this.#infoCount = 0;
    this.#hooks.onDropped(before - this.length);
  }

  #run(): void {
    for (let handled = 0; handled < REQUESTS_PER_TURN; handled++) {
      const request = this.#take();
      if (request === null) {
        this.#isRunning = false;
        return;
      }
      const pending = request.run();
      if (pending !== undefined) {
        void pending.finally(() => this.#run());
        return;
      }
    }
    this.#hooks.later(() => this.#run());
  }

  #take(): QueuedRequest | null {
    if (this.length === 0) return null;
    const request = this.#waiting[this.#start++];
    if (request.isInfo) this.#infoCount--;
    if (this.#start > 1_000 && this.#start * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#start);
      this.#start = 0;
    }
    return request;
  }
}
