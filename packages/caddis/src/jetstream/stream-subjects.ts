import type { Account } from "../broker/account.ts";
import type { Message } from "../broker/message.ts";
import { type Receiver, Subscription } from "../broker/subscription.ts";
import { SourcePattern } from "../subject/source-pattern.ts";
import { hasWildcard } from "../subject/subject.ts";
import { SubjectTransform } from "../subject/transform.ts";
import type { StreamConfig } from "./core/stream-config.ts";

/** The interest of a stream: what it is published under, and what it makes of that. Subjects are wire strings. */
export class StreamSubjects {
  readonly #account: Account;
  readonly #receiver: Receiver;
  readonly #subscriptions = new Map<string, Subscription>();
  #source: SourcePattern | null = null;
  #transform: SubjectTransform | null = null;
  /** The last subject that a message came with: subjects come in runs. */
  #last = "";

  constructor(account: Account, receiver: Receiver) {
    this.#account = account;
    this.#receiver = receiver;
  }

  /** Subscribes to what `config` names, and to nothing else. What stays is not interrupted. */
  follow({ subjects, subject_transform: transform }: StreamConfig): void {
    const wanted = new Set(subjects);
    for (const [subject, subscription] of this.#subscriptions) {
      if (!wanted.has(subject)) this.#unsubscribe(subject, subscription);
    }
    for (const subject of subjects) if (!this.#subscriptions.has(subject)) this.#subscribe(subject);
    this.#source = transform === null ? null : new SourcePattern(transform.src === "" ? ">" : transform.src);
    this.#transform = transform === null ? null : compile(transform.src, transform.dest);
  }

  end(): void {
    for (const [subject, subscription] of this.#subscriptions) this.#unsubscribe(subject, subscription);
  }

  /** The subject that `message` is stored under, which came by way of `subscription`. */
  storedUnder(message: Message, subscription: Subscription): string {
    const subject = this.#subjectOf(message, subscription);
    return this.#transform === null ? subject : this.transformed(subject);
  }

  /** What the stream's transform makes of `subject`; one that it does not apply to stays. */
  transformed(subject: string): string {
    if (this.#source === null || this.#transform === null || !this.#source.covers(subject)) return subject;
    return this.#transform.transform(subject, this.#account.broker.random);
  }

  /** Makes no string where there is one of the same characters. */
  #subjectOf(message: Message, { subject, sid }: Subscription): string {
    const { inbox, input, subjectStart: start, subjectEnd: end } = message;
    // What another stream has stored is sent to where its consumer says, and keeps its own subject.
    if (sid === LITERAL && inbox === "") return subject;
    const { buf } = input;
    if (!isAt(this.#last, buf, start, end)) this.#last = buf.latin1Slice(start, end);
    return this.#last;
  }

  #subscribe(subject: string): void {
    const sid = hasWildcard(subject) ? "" : LITERAL;
    const subscription = new Subscription(null, this.#receiver, subject, "", sid);
    this.#subscriptions.set(subject, subscription);
    this.#account.subscribe(subscription);
  }

  #unsubscribe(subject: string, subscription: Subscription): void {
    this.#subscriptions.delete(subject);
    this.#account.unsubscribe(subscription);
  }
}

/** The id of subscriptions without wildcards: what comes by way of them has their subject. */
const LITERAL = "=";

function compile(source: string, destination: string): SubjectTransform | null {
  const transform = SubjectTransform.compile(
    source === "" ? ">" : source,
    destination === "" ? ">" : destination,
  );
  return transform instanceof SubjectTransform ? transform : null;
}

function isAt(text: string, buf: Buffer, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== buf[start + i]) return false;
  return true;
}
