import { hasWildcard } from "./subject.ts";
import { SubjectTransform, TransformError } from "./transform.ts";
import type { TransformRandom } from "./transform-part.ts";
import { parseTransformToken } from "./transform-token.ts";

const WILDCARD = "*";
const INVALID_DESTINATION = "invalid mapping destination";

/** Renamings have no function of chance. */
const NO_CHANCE: TransformRandom = { below: () => 0 };

/** A token of the name here: text, or the number of the wildcard there that it repeats. */
type Token = string | number;

/**
 * The two names of what one account imports from another: the exporter's (there) and the importer's (here).
 * Either can be told from the other, which is why each wildcard there has to occur here, and nothing but
 * wildcards. Immutable; subjects are wire strings.
 */
export class Renaming {
  /** The exporter's name, a pattern. */
  readonly there: string;
  /** The importer's, a pattern. */
  readonly here: string;
  /** What stands in front of the subject here, and is all that differs; empty when the names are the same, or more differs. */
  readonly prefix: string;
  /** Whether a wildcard occurs here more than once, so that `here` matches more than what really comes. */
  readonly isLoose: boolean;
  readonly #toHere: SubjectTransform | null;
  readonly #toThere: SubjectTransform | null;

  private constructor(
    there: string,
    here: string,
    toHere: SubjectTransform | null,
    toThere: SubjectTransform | null,
    prefix: string,
    isLoose: boolean,
  ) {
    this.there = there;
    this.here = here;
    this.prefix = prefix;
    this.isLoose = isLoose;
    this.#toHere = toHere;
    this.#toThere = toThere;
  }

  /**
   * Compiles a renaming; `here` may name the wildcards of `there` as `$1` or `{{wildcard(1)}}`, or repeat them
   * in order as `*`. Says in the reference's words what is wrong.
   */
  static compile(there: string, here: string): Renaming | string {
    if (there === here || !hasWildcard(there)) return new Renaming(there, here, null, null, "", false);
    const destination = numbered(here);
    const toHere = SubjectTransform.compile(there, destination);
    if (toHere instanceof TransformError) return toHere.message;
    const tokens = parseTokens(destination);
    if (typeof tokens === "string") return tokens;
    const source = there.split(".");
    const wildcards = source.filter((token) => token === WILDCARD).length;
    const used = tokens.filter((token) => typeof token === "number");
    if (new Set(used).size < wildcards) {
      return `${INVALID_DESTINATION}: not using all of the token wildcard(s) in ${destination}`;
    }
    const pattern = tokens.map((token) => (typeof token === "number" ? WILDCARD : token)).join(".");
    const toThere = SubjectTransform.compile(pattern, inverse(source, used));
    if (toThere instanceof TransformError) return toThere.message;
    const isLoose = used.length > wildcards;
    const same = numbered(there);
    const prefix = !isLoose && destination.endsWith(`.${same}`) ? destination.slice(0, -same.length) : "";
    return new Renaming(there, pattern, toHere, toThere, prefix, isLoose);
  }

  /** Whether subjects are the same on both sides. */
  get isSame(): boolean {
    return this.there === this.here;
  }

  /** The name here of a subject that `there` covers. */
  toHere(subject: string): string {
    if (this.#toHere !== null) return this.#toHere.transform(subject, NO_CHANCE);
    return this.isSame ? subject : this.here;
  }

  /** The name there of a subject that `here` covers; wildcards stay wildcards. */
  toThere(subject: string): string {
    if (this.#toThere !== null) return this.#toThere.transform(subject, NO_CHANCE);
    return this.isSame ? subject : this.there;
  }
}

/** A name with its wildcards numbered: `a.*.*` becomes `a.$1.$2`. */
function numbered(here: string): string {
  let count = 0;
  return here
    .split(".")
    .map((token) => (token === WILDCARD ? `$${++count}` : token))
    .join(".");
}

function parseTokens(destination: string): Token[] | string {
  const tokens: Token[] = [];
  for (const token of destination.split(".")) {
    const parsed = parseTransformToken(token);
    if (typeof parsed === "string") return `${parsed} in ${token}`;
    if (parsed.kind === "text") {
      tokens.push(token);
    } else if (parsed.kind !== "wildcard") {
      return `${INVALID_DESTINATION}: the only mapping function allowed for import transforms is {{Wildcard()}} in ${token}`;
    } else if (parsed.wildcards[0] < 1n) {
      return `${INVALID_DESTINATION}: wildcard index out of range in ${token}: [${parsed.wildcards[0]}]`;
    } else {
      tokens.push(Number(parsed.wildcards[0]));
    }
  }
  return tokens;
}

/** The source with each wildcard replaced by the place at which it first occurs in the other name. */
function inverse(source: readonly string[], used: readonly number[]): string {
  let number = 0;
  return source.map((token) => (token === WILDCARD ? `$${used.indexOf(++number) + 1}` : token)).join(".");
}
