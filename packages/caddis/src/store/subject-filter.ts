import type { Filter } from "./stream-store.ts";
import { PatternTrie } from "./pattern-trie.ts";
import { SubjectPattern, patternTakes } from "./subject-pattern.ts";
import type { SubjectTable } from "./subject-table.ts";

/** Literal subjects that are compared one after the other; more are looked up. */
const COMPARED_MAX = 8;

/** Patterns with wildcards that are looked for one after the other; of more, requests bring tens of thousands. */
const PATTERNS_MAX = 64;

const ALL = ">";

/** A filter over the subjects of a `SubjectTable`. */
export class SubjectFilter implements Filter {
  readonly subjects: readonly string[];
  /** It takes every subject. */
  readonly isAll: boolean;
  /** The subject, where it takes just one; else null. */
  readonly literal: string | null;
  readonly #table: SubjectTable;
  readonly #literals: ReadonlySet<string>;
  readonly #patterns: readonly SubjectPattern[];
  /** All of them, where they are few. */
  readonly #compared: readonly SubjectPattern[];
  /** The patterns, where they are many; else null. */
  readonly #trie: PatternTrie | null;

  constructor(table: SubjectTable, subjects: readonly string[]) {
    this.subjects = subjects;
    this.#table = table;
    const patterns = [...new Set(subjects)].map((subject) => new SubjectPattern(subject));
    this.isAll = subjects.length === 0 || subjects.includes(ALL);
    this.literal = patterns.length === 1 && patterns[0].isLiteral ? patterns[0].text : null;
    const literals = patterns.filter((pattern) => pattern.isLiteral);
    this.#literals = new Set(literals.map((pattern) => pattern.text));
    this.#patterns = patterns.filter((pattern) => !pattern.isLiteral);
    this.#trie = this.#patterns.length > PATTERNS_MAX ? new PatternTrie() : null;
    for (const { text } of this.#patterns) this.#trie?.add(text);
    this.#compared = literals.length <= COMPARED_MAX ? patterns : this.#patterns;
  }

  takes(subject: string): boolean {
    if (this.isAll || this.#literals.has(subject)) return true;
    if (this.#trie !== null) return this.#trie.takes(subject);
    return this.#patterns.some((pattern) => patternTakes(pattern, subject));
  }

  /** Whether it takes the subject of `id`. */
  takesId(id: number): boolean {
    if (this.isAll) return true;
    if (this.#trie !== null) return this.takes(this.#table.subject(id));
    for (const pattern of this.#compared) if (this.#table.matches(id, pattern)) return true;
    if (this.#literals.size <= COMPARED_MAX) return false;
    return this.#literals.has(this.#table.subject(id));
  }

  /** Calls `visit` once with the id of each subject it takes. The table does not change meanwhile. */
  forEachId(visit: (id: number) => void): void {
    if (this.isAll) {
      this.#table.forEach(visit);
      return;
    }
    if (this.#trie !== null) {
      this.#table.forEach((id) => {
        if (this.takesId(id)) visit(id);
      });
      return;
    }
    const patterns = this.#patterns;
    for (let i = 0; i < patterns.length; i++) {
      this.#table.forEachMatch(patterns[i], (id) => {
        if (!this.#isTakenByFirst(i, id)) visit(id);
      });
    }
    for (const literal of this.#literals) {
      const id = this.#table.idOf(literal);
      if (id !== 0 && !this.#isTakenByFirst(patterns.length, id)) visit(id);
    }
  }

  /** Whether one of the first `count` patterns with wildcards takes it. */
  #isTakenByFirst(count: number, id: number): boolean {
    for (let i = 0; i < count; i++) if (this.#table.matches(id, this.#patterns[i])) return true;
    return false;
  }
}
