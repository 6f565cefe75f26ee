/** Bytes that may be on their way to a push consumer with flow control; as in the reference. */
const WINDOW_BYTES_MAX = 32 * 1024 * 1024;
/** The window at the beginning, as a share of that; it doubles with each answer. */
const START_SHARE = 16;

/**
 * The window of a push consumer with flow control: how much was sent that its client has not confirmed. Half way
 * through it the client is asked for an answer (a message with a reply), and nothing goes out beyond it.
 */
export class FlowWindow {
  /** The reply of the request that is not answered; empty: none is out. */
  request = "";
  #limitBytes = WINDOW_BYTES_MAX / START_SHARE;
  #sentBytes = 0;
  /** Of what was sent, what the request at hand asks about. */
  #askedBytes = 0;

  get isFull(): boolean {
    return this.#sentBytes > this.#limitBytes;
  }

  /** A message went out; returns whether it is time for a request. */
  onSent(bytes: number, wantsAnswer: boolean): boolean {
    this.#sentBytes += bytes;
    if (this.request === "") return this.#sentBytes > this.#limitBytes / 2 || wantsAnswer;
    if (this.#sentBytes - this.#askedBytes >= this.#limitBytes) this.#askedBytes += bytes;
    return false;
  }

  ask(reply: string): void {
    this.request = reply;
    this.#askedBytes = this.#sentBytes;
  }

  /** False when `subject` answers no request, or not the last one. */
  onAnswer(subject: string): boolean {
    if (this.request === "" || subject !== this.request) return false;
    this.#limitBytes = Math.min(WINDOW_BYTES_MAX, this.#limitBytes * 2);
    this.#sentBytes = Math.max(0, this.#sentBytes - this.#askedBytes);
    this.#askedBytes = 0;
    this.request = "";
    return true;
  }

  /** Nothing is on its way any more: somebody else listens now. */
  reset(): void {
    this.request = "";
    this.#sentBytes = 0;
    this.#askedBytes = 0;
  }
}
