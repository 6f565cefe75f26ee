/** What a subscriber hands to the sublist; the broker's `Subscription` extends it. */
export class Interested {
  readonly subject: string;
  /** Empty: a plain subscription. */
  readonly queue: string;
  /** What the subject is filed under, once it stands in a sublist. */
  hash = 0;
  /** Whether it stands in a sublist; `previous` and `next` are its neighbours there. */
  isInterested = false;
  previous: Interested | null = null;
  next: Interested | null = null;

  constructor(subject: string, queue: string) {
    this.subject = subject;
    this.queue = queue;
  }
}
