import type { Instant } from "../../packages/caddis/src/base/instant.ts";
import { subjectMatches } from "../support/subject-match.ts";

export interface ModelMessage {
  readonly seq: number;
  readonly subject: string;
  readonly headers: string;
  readonly payload: string;
  readonly time: Instant;
  /** 0: never. */
  expiresMs: number;
}

/** Figures of a stream as its state shows them. */
export interface ModelState {
  readonly messages: number;
  readonly bytes: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly firstTime: Instant | null;
  readonly lastTime: Instant | null;
  readonly subjectCount: number;
  readonly deletedCount: number;
}

/** Bytes that a message counts as. */
export type BytesOf = (subjectLength: number, headersLength: number, payloadLength: number) => number;

/** A stream as plainly as can be said: a list of messages. The measure for the stores. */
export class StreamModel {
  messages: ModelMessage[] = [];
  #firstSeq: number;
  lastSeq: number;
  #lastTime: Instant | null = null;
  readonly #bytesOf: BytesOf;

  constructor(firstSeq: number, bytesOf: BytesOf) {
    this.#firstSeq = firstSeq;
    this.lastSeq = Math.max(0, firstSeq - 1);
    this.#bytesOf = bytesOf;
  }

  state(): ModelState {
    const { messages, lastSeq } = this;
    const firstSeq = messages[0]?.seq ?? this.#firstSeq;
    return {
      messages: messages.length,
      bytes: messages.reduce(
        (sum, m) => sum + this.#bytesOf(m.subject.length, m.headers.length, m.payload.length),
        0,
      ),
      firstSeq,
      lastSeq,
      firstTime: messages[0]?.time ?? null,
      lastTime: this.#lastTime,
      subjectCount: new Set(messages.map((message) => message.subject)).size,
      deletedCount: messages.length === 0 ? 0 : lastSeq - firstSeq + 1 - messages.length,
    };
  }

  append(subject: string, headers: string, payload: string, time: Instant, expiresMs: number): number {
    const seq = ++this.lastSeq;
    this.messages.push({ seq, subject, headers, payload, time, expiresMs });
    this.#lastTime = time;
    return seq;
  }

  skipTo(seq: number): void {
    this.lastSeq = seq - 1;
    if (this.messages.length === 0) this.#firstSeq = seq;
  }

  removeBefore(seq: number): number {
    if (seq <= this.state().firstSeq) return 0;
    const removed = this.#removeAll((message) => message.seq < seq);
    if (seq > this.lastSeq) {
      this.#firstSeq = seq;
      this.lastSeq = seq - 1;
    }
    return removed;
  }

  remove(seq: number): boolean {
    return this.#removeAll((message) => message.seq === seq) === 1;
  }

  purge(filter: readonly string[], beforeSeq: number, keep: number): number {
    const taken = this.taken(filter).filter(({ seq }) => seq < beforeSeq);
    const gone = new Set(taken.slice(0, Math.max(0, taken.length - keep)));
    return this.#removeAll((message) => gone.has(message));
  }

  find(seq: number): ModelMessage | null {
    return this.messages.find((message) => message.seq === seq) ?? null;
  }

  taken(filter: readonly string[]): ModelMessage[] {
    return this.messages.filter(({ subject }) => takes(filter, subject));
  }

  next(filter: readonly string[], fromSeq: number): number {
    return this.taken(filter).find(({ seq }) => seq >= fromSeq)?.seq ?? 0;
  }

  previous(filter: readonly string[], toSeq: number): number {
    return this.taken(filter).findLast(({ seq }) => seq <= toSeq)?.seq ?? 0;
  }

  count(filter: readonly string[], fromSeq: number, lastPerSubject: boolean): number {
    return this.taken(filter).filter(
      ({ seq, subject }) =>
        seq >= fromSeq && (!lastPerSubject || this.previous([subject], this.lastSeq) === seq),
    ).length;
  }

  subjects(filter: readonly string[]): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { subject } of this.taken(filter)) counts.set(subject, (counts.get(subject) ?? 0) + 1);
    return counts;
  }

  deleted(): number[] {
    if (this.messages.length === 0) return [];
    const present = new Set(this.messages.map(({ seq }) => seq));
    const first = this.messages[0].seq;
    return Array.from({ length: this.lastSeq - first + 1 }, (_, i) => first + i).filter(
      (seq) => !present.has(seq),
    );
  }

  firstSeqFrom({ ms, ns }: Instant): number {
    const first = this.messages.find(({ time }) => time.ms > ms || (time.ms === ms && time.ns >= ns));
    return first?.seq ?? this.lastSeq + 1;
  }

  /** The message that expires first; null: none does. */
  nextExpiring(): ModelMessage | null {
    const expiring = this.messages.filter(({ expiresMs }) => expiresMs !== 0);
    return expiring.toSorted((a, b) => a.expiresMs - b.expiresMs || a.seq - b.seq)[0] ?? null;
  }

  #removeAll(isGone: (message: ModelMessage) => boolean): number {
    const kept = this.messages.filter((message) => !isGone(message));
    const removed = this.messages.length - kept.length;
    this.messages = kept;
    if (removed > 0 && kept.length === 0) this.#firstSeq = this.lastSeq + 1;
    return removed;
  }
}

/** Whether a filter, empty for all, takes a literal subject. */
function takes(filter: readonly string[], subject: string): boolean {
  return filter.length === 0 || filter.some((pattern) => subjectMatches(subject, pattern));
}
