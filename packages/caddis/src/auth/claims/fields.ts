/** Something that is not what it should be, and why. Names fields, never their values. */
export interface Problem {
  readonly problem: string;
}

/** Whether a decoder's answer is a refusal. */
export function isProblem(answer: object): answer is Problem {
  return Object.hasOwn(answer, "problem");
}

/** Thrown while fields are read, caught where the token is decoded. */
export class FieldError extends Error {}

/** Go's integers are 64-bit. */
const INT64_LIMIT = 2 ** 63;

/**
 * The fields of a JSON object in a token. `null` counts as absent, unknown fields are nobody's business, a value
 * of the wrong type ends the reading with a `FieldError`. The reference takes field names in any case; which of
 * `exp` and `EXP` counts must not be a matter of taste, so another casing of a name that is asked for, and two
 * casings of one name, are refused.
 */
export class Fields {
  readonly #where: string;
  /** By folded name. */
  readonly #members = new Map<string, { readonly name: string; readonly value: unknown }>();

  /** `where` names the object in errors; empty for the outermost. */
  constructor(value: unknown, where = "") {
    this.#where = where;
    if (!isRecord(value)) throw new FieldError(`${where || "the payload"} must be an object`);
    for (const [name, member] of Object.entries(value)) {
      const folded = fold(name);
      if (this.#members.has(folded)) throw new FieldError(`a field of ${where || "the payload"} comes twice`);
      this.#members.set(folded, { name, value: member });
    }
  }

  /** Empty when absent. */
  string(name: string): string {
    const value = this.#get(name) ?? "";
    return typeof value === "string" ? value : this.#fail(name, "a string");
  }

  bool(name: string): boolean {
    const value = this.#get(name) ?? false;
    return typeof value === "boolean" ? value : this.#fail(name, "a boolean");
  }

  /** A 64-bit integer; beyond 2^53 rounded, which no user of these fields notices. */
  int(name: string, absent = 0): number {
    const value = this.#get(name) ?? absent;
    return isInt(value) ? value : this.#fail(name, "an integer");
  }

  /** Null when absent; the reference tells an absent list from an empty one here and there. */
  stringsOrNull(name: string): readonly string[] | null {
    const value = this.#get(name);
    if (value === null) return null;
    if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
    return this.#fail(name, "a list of strings");
  }

  strings(name: string): readonly string[] {
    return this.stringsOrNull(name) ?? [];
  }

  /** The fields of an object; of an empty one when absent. */
  object(name: string): Fields {
    return this.objectOrNull(name) ?? new Fields({}, this.#path(name));
  }

  objectOrNull(name: string): Fields | null {
    const value = this.#get(name);
    return value === null ? null : new Fields(value, this.#path(name));
  }

  /** Each element of a list, by `read`; none when absent. */
  list<T>(name: string, read: (value: unknown, where: string) => T): readonly T[] {
    const value = this.#get(name);
    if (value === null) return [];
    if (!Array.isArray(value)) return this.#fail(name, "a list");
    return value.map((item, index) => read(item, `${this.#path(name)}[${index}]`));
  }

  /** The members of an object whose keys are data, by `read`; none when absent. */
  map<T>(name: string, read: (value: unknown, where: string) => T): ReadonlyMap<string, T> {
    const value = this.#get(name);
    if (value === null) return new Map();
    if (!isRecord(value)) return this.#fail(name, "an object");
    const where = `a member of ${this.#path(name)}`;
    return new Map(Object.entries(value).map(([key, member]) => [key, read(member, where)]));
  }

  /** The value as it is, null when absent. */
  raw(name: string): unknown {
    return this.#get(name);
  }

  #get(name: string): unknown {
    const member = this.#members.get(fold(name));
    if (member === undefined) return null;
    if (member.name !== name) throw new FieldError(`${this.#path(name)} must be written in this case`);
    return member.value;
  }

  #path(name: string): string {
    return this.#where === "" ? name : `${this.#where}.${name}`;
  }

  #fail(name: string, type: string): never {
    throw new FieldError(`${this.#path(name)} must be ${type}`);
  }
}

/** For `Fields.map`: an integer. */
export function readInt(value: unknown, where: string): number {
  if (!isInt(value)) throw new FieldError(`${where} must be an integer`);
  return value;
}

function isInt(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && Math.abs(value) <= INT64_LIMIT;
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** As Go folds names: also `ſ` is an `s`, and the Kelvin sign a `k`. */
function fold(name: string): string {
  return name.toUpperCase().toLowerCase();
}
