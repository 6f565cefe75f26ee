import { hasWildcard } from "../subject/subject.ts";
import { isSubset } from "../subject/overlap.ts";
import type { Consumer } from "./consumer.ts";

/**
 * The push consumers of an account by where they deliver: told when somebody begins or ceases to listen there, so that
 * they need not look all the time.
 */
export class PushInterest {
  readonly #bySubject = new Map<string, Set<Consumer>>();

  /** A consumer that pulls is left out. */
  add(consumer: Consumer): void {
    const { deliver_subject: subject } = consumer.config;
    if (subject === "") return;
    const present = this.#bySubject.get(subject);
    if (present === undefined) this.#bySubject.set(subject, new Set([consumer]));
    else present.add(consumer);
  }

  /** Has to be called before its configuration changes. */
  remove(consumer: Consumer): void {
    const { deliver_subject: subject } = consumer.config;
    const present = this.#bySubject.get(subject);
    present?.delete(consumer);
    if (present?.size === 0) this.#bySubject.delete(subject);
  }

  /** A subscription to `subject`, which may have wildcards, came or went. A wire string. */
  onInterest(subject: string): void {
    if (this.#bySubject.size === 0) return;
    if (!hasWildcard(subject)) {
      this.#tell(this.#bySubject.get(subject));
      return;
    }
    for (const [delivered, consumers] of this.#bySubject) {
      if (isSubset(delivered, subject)) this.#tell(consumers);
    }
  }

  #tell(consumers: ReadonlySet<Consumer> | undefined): void {
    if (consumers !== undefined) for (const consumer of consumers) consumer.onInterest();
  }
}
