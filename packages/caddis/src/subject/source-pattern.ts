import { tokenEnd } from "./subject.ts";

const PARTIAL_WILDCARD = "*";
const FULL_WILDCARD = ">";

/**
 * The source of a transform or mapping: which subjects it applies to. Allocates nothing per subject, since
 * accounts with mappings ask for every message. Subjects are wire strings.
 */
export class SourcePattern {
  readonly #tokens: readonly string[];

  constructor(source: string) {
    this.#tokens = source.split(".");
  }

  /** Whether `covers` holds for the source itself and nothing else. */
  get isLiteral(): boolean {
    return !this.#tokens.some((token) => token.startsWith(PARTIAL_WILDCARD) || token === FULL_WILDCARD);
  }

  /**
   * Whether the source matches all that `subject` matches. Clients may publish to subjects with wildcards:
   * `foo.*` is covered by `foo.*` and `foo.>`, not by `foo.bar`. Two oddities are the reference's (probed):
   * a token of the source that begins with `*` matches any token, and `>` takes the rest unseen, empty
   * tokens included.
   */
  covers(subject: string): boolean {
    const wanted = this.#tokens;
    let start = 0;
    for (let i = 0; i < wanted.length; i++) {
      if (wanted[i] === FULL_WILDCARD) return true;
      const end = tokenEnd(subject, start);
      if (!tokenCovers(wanted[i], subject, start, end)) return false;
      if (end === subject.length) return i === wanted.length - 1;
      start = end + 1;
    }
    return false;
  }
}

/** Whether a token of a source, not `>`, matches all that the token at [start, end) of a subject matches. */
function tokenCovers(wanted: string, subject: string, start: number, end: number): boolean {
  const length = end - start;
  if (length === 0 || (length === 1 && subject[start] === FULL_WILDCARD)) return false;
  if (length === 1 && subject[start] === PARTIAL_WILDCARD) return wanted === PARTIAL_WILDCARD;
  if (wanted.startsWith(PARTIAL_WILDCARD)) return true;
  return wanted.length === length && subject.startsWith(wanted, start);
}
