import type { Consumer } from "./consumer.ts";

/** What the consumers of a stream want of it, and what they are told. Subjects are wire strings. */
export interface StreamInterest {
  add(consumer: Consumer): void;
  remove(consumer: Consumer): void;
  /** A message may be seen. */
  onVisible(seq: number, subject: string): void;
  /** One message was removed. */
  onRemoved(seq: number, subject: string): void;
  /** Many were, or nobody knows which. */
  onPurged(): void;
  /** Whether some consumer's filter takes `subject`. */
  hasInterest(subject: string): boolean;
}
