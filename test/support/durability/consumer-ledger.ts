import type { Certainty } from "./stream-ledger.ts";

/** What one consumer was asked for, and what it promised. */
export class ConsumerLedger {
  readonly stream: string;
  readonly name: string;
  /** False: what it sends counts as acknowledged. */
  readonly acknowledges: boolean;
  /** The one subject that it is about; empty: all. */
  readonly subject: string;
  presence: Certainty = "no";
  /** Its `description` is one of these. */
  descriptions = new Set<string>();
  /** Texts of messages whose acknowledgement was sent, */
  readonly acked = new Set<string>();
  /** and of those for which it was confirmed. */
  readonly confirmed = new Set<string>();
  /** Texts of all that it ever delivered. */
  readonly received = new Set<string>();

  constructor(stream: string, name: string, acknowledges: boolean, subject: string) {
    this.stream = stream;
    this.name = name;
    this.acknowledges = acknowledges;
    this.subject = subject;
  }

  /** The same for a stream, which may be another one, to go on with apart. */
  copy(stream: string): ConsumerLedger {
    const copy = new ConsumerLedger(stream, this.name, this.acknowledges, this.subject);
    copy.presence = this.presence;
    for (const description of this.descriptions) copy.descriptions.add(description);
    for (const text of this.acked) copy.acked.add(text);
    for (const text of this.confirmed) copy.confirmed.add(text);
    for (const text of this.received) copy.received.add(text);
    return copy;
  }
}
