/** Whether something is so: what was asked for and not answered may be, or not. */
export type Certainty = "no" | "maybe" | "yes";

/** What a stream is asked to be, as far as it decides what stays in it. */
export interface StreamTerms {
  /** 0: any number. */
  readonly maxMsgs: number;
  readonly maxMsgsPerSubject: number;
  /** Milliseconds; 0: for ever. */
  readonly maxAgeMs: number;
  /** Consumers take messages away. */
  readonly isWorkQueue: boolean;
  /** The stream that this one copies; empty: none. */
  readonly copies: string;
  /** Its messages are sums. */
  readonly isCounter: boolean;
}

export const PLAIN_TERMS: StreamTerms = {
  maxMsgs: 0,
  maxMsgsPerSubject: 0,
  maxAgeMs: 0,
  isWorkQueue: false,
  copies: "",
  isCounter: false,
};

/** A message that was sent to a stream. */
export interface Sent {
  /** Its payload: no two are equal. */
  readonly text: string;
  readonly subject: string;
  /** `Nats-Msg-Id`; empty: none. */
  readonly msgId: string;
  readonly sentMs: number;
  /** By its own time to live, on the clock of `sentMs`; Infinity: none. */
  readonly dueMs: number;
  /** Those of one atomic batch have the same; 0: of none. */
  readonly batch: number;
  /** 0: not acknowledged. */
  seq: number;
  gone: Certainty;
}

/** What is known of a counter: what was acknowledged last, and what it may have come to. */
interface Count {
  certain: number;
  possible: number;
}

/** What one stream was asked for, and what it promised. */
export class StreamLedger {
  readonly name: string;
  terms: StreamTerms = PLAIN_TERMS;
  presence: Certainty = "no";
  /** Its `description` is one of these. */
  descriptions = new Set<string>();
  /** By text, in the order in which they were sent. */
  sent = new Map<string, Sent>();
  counts = new Map<string, Count>();
  /** No sequence below was not given out. */
  lastSeq = 0;
  #made = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** A stream that is new, as opposed to the one that had its name before. */
  begin(terms: StreamTerms): void {
    this.terms = terms;
    this.sent = new Map();
    this.counts = new Map();
    this.lastSeq = 0;
  }

  /** Writes down a message that is about to be sent; `size`: bytes of its payload, at least. */
  send(
    subject: string,
    size: number,
    nowMs: number,
    more: Partial<Pick<Sent, "msgId" | "dueMs" | "batch">> = {},
  ): Sent {
    const start = `${this.name}#${++this.#made}:`;
    const letter = String.fromCharCode(97 + (this.#made % 26));
    const text = start + letter.repeat(Math.max(0, size - start.length));
    const sent: Sent = {
      text,
      subject,
      msgId: "",
      sentMs: nowMs,
      dueMs: Infinity,
      batch: 0,
      ...more,
      seq: 0,
      gone: "no",
    };
    this.sent.set(text, sent);
    return sent;
  }

  /** A message was acknowledged. */
  acknowledge(sent: Sent, seq: number): void {
    sent.seq = seq;
    this.lastSeq = Math.max(this.lastSeq, seq);
  }

  /** A message was refused. It may be there all the same, where the refusal came of the disk. */
  refuse(sent: Sent, isNever: boolean): void {
    if (isNever) this.sent.delete(sent.text);
  }

  /** Messages that `takes` says are removed, surely or perhaps. */
  remove(takes: (sent: Sent) => boolean, certainty: Certainty): void {
    for (const sent of this.sent.values()) {
      if (sent.gone !== "yes" && takes(sent)) sent.gone = certainty;
    }
  }

  countOf(subject: string): Count {
    let count = this.counts.get(subject);
    if (count === undefined) {
      count = { certain: 0, possible: 0 };
      this.counts.set(subject, count);
    }
    return count;
  }

  /** The same, to go on with apart. */
  copy(): StreamLedger {
    const copy = new StreamLedger(this.name);
    copy.terms = this.terms;
    copy.presence = this.presence;
    copy.descriptions = new Set(this.descriptions);
    copy.sent = new Map([...this.sent].map(([text, sent]) => [text, { ...sent }]));
    copy.counts = new Map([...this.counts].map(([subject, count]) => [subject, { ...count }]));
    copy.lastSeq = this.lastSeq;
    copy.#made = this.#made;
    return copy;
  }

  /** Messages that were acknowledged and, as far as is known, are there. */
  get live(): Sent[] {
    return [...this.sent.values()].filter(({ seq, gone }) => seq > 0 && gone === "no");
  }
}
