import { Interested } from "../subject/interested.ts";
import { hasWildcard } from "../subject/subject.ts";
import { Sublist } from "../subject/sublist.ts";
import type { Consumer } from "./consumer.ts";
import { ConsumerTurns } from "./consumer-turns.ts";
import { filterSubjects } from "./core/consumer-terms.ts";
import type { StreamInterest } from "./stream-interest.ts";

/** Filters come from those who may administer a stream; nobody can make them collide from outside. */
const HASH_BASIS = 0x2f0b_5a11;

/** A filter with wildcards. */
class FilterInterest extends Interested {
  readonly consumer: Consumer;

  constructor(subject: string, consumer: Consumer) {
    super(subject, "");
    this.consumer = consumer;
  }
}

/**
 * The consumers of a stream by what they filter, so that each message is told only to those who take it: ten
 * thousand consumers with filters of their own cost a publisher one look-up. The filters of one consumer do not
 * overlap, so it hears of each message once.
 */
export class ConsumerInterest implements StreamInterest {
  /** Where they wait for their turns. */
  readonly turns = new ConsumerTurns();
  /** Those who take everything. */
  readonly #all = new Set<Consumer>();
  readonly #literals = new Map<string, Set<Consumer>>();
  readonly #wildcards = new Sublist<FilterInterest>(true, HASH_BASIS);
  /** By consumer, what was added for it. */
  readonly #added = new Map<Consumer, readonly (string | FilterInterest)[]>();

  add(consumer: Consumer): void {
    consumer.turns = this.turns;
    const subjects = filterSubjects(consumer.config);
    if (subjects.length === 0 || subjects.includes(">")) this.#all.add(consumer);
    else
      this.#added.set(
        consumer,
        subjects.map((subject) => this.#addFilter(subject, consumer)),
      );
  }

  remove(consumer: Consumer): void {
    this.#all.delete(consumer);
    for (const filter of this.#added.get(consumer) ?? []) {
      if (typeof filter !== "string") this.#wildcards.remove(filter);
      else this.#removeLiteral(filter, consumer);
    }
    this.#added.delete(consumer);
  }

  onVisible(seq: number, subject: string): void {
    for (const consumer of this.#all) consumer.onVisible(seq);
    // Looking up a subject for the first time costs more than all the rest.
    if (this.#literals.size > 0) {
      const literals = this.#literals.get(subject);
      if (literals !== undefined) for (const consumer of literals) consumer.onVisible(seq);
    }
    if (this.#wildcards.count === 0) return;
    const { plain } = this.#wildcards.matchString(subject);
    for (let i = 0; i < plain.length; i++) plain[i].consumer.onVisible(seq);
  }

  onRemoved(seq: number, subject: string): void {
    for (const consumer of this.#all) consumer.onRemoved(seq);
    const literals = this.#literals.get(subject);
    if (literals !== undefined) for (const consumer of literals) consumer.onRemoved(seq);
    if (this.#wildcards.count === 0) return;
    // Apart: a message may be removed while it is being shown.
    for (const { consumer } of this.#wildcards.matchApart(subject).plain) consumer.onRemoved(seq);
  }

  onPurged(): void {
    for (const consumer of this.#all) consumer.onPurged();
    for (const consumer of this.#added.keys()) consumer.onPurged();
  }

  hasInterest(subject: string): boolean {
    if (this.#all.size > 0 || this.#literals.has(subject)) return true;
    return this.#wildcards.count > 0 && !this.#wildcards.matchApart(subject).isEmpty;
  }

  #addFilter(subject: string, consumer: Consumer): string | FilterInterest {
    if (hasWildcard(subject)) {
      const filter = new FilterInterest(subject, consumer);
      this.#wildcards.insert(filter);
      return filter;
    }
    const consumers = this.#literals.get(subject);
    if (consumers === undefined) this.#literals.set(subject, new Set([consumer]));
    else consumers.add(consumer);
    return subject;
  }

  #removeLiteral(subject: string, consumer: Consumer): void {
    const consumers = this.#literals.get(subject);
    if (consumers?.delete(consumer) === true && consumers.size === 0) this.#literals.delete(subject);
  }
}
