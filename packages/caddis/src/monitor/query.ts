/**
 * The parameters of a request, read by the reference's rules: pairs with a semicolon or a broken escape
 * are as if they were not there, the first of several values counts, and an empty value is none.
 */

/** What stands for true and false. */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "TRUE", "true", "True"].map((word) => [word, true] as const),
  ...["0", "f", "F", "FALSE", "false", "False"].map((word) => [word, false] as const),
]);

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

/** Reads parameters one by one and remembers what was wrong with the first that could not be read. */
export class Query {
  readonly #values = new Map<string, string>();
  /** For the 400 that follows; null as long as all is well. */
  problem: string | null = null;

  /** `text` is what stands behind the question mark. */
  constructor(text: string) {
    for (const pair of text.split("&")) {
      if (pair === "" || pair.includes(";")) continue;
      const equals = pair.indexOf("=");
      const key = unescaped(equals < 0 ? pair : pair.slice(0, equals));
      const value = unescaped(equals < 0 ? "" : pair.slice(equals + 1));
      if (key !== null && value !== null && !this.#values.has(key)) this.#values.set(key, value);
    }
  }

  /** Empty when it is not given. */
  text(name: string): string {
    return this.#values.get(name) ?? "";
  }

  /** False when it is not given. */
  boolean(name: string): boolean {
    const text = this.text(name);
    if (text === "") return false;
    const value = BOOLEANS.get(text);
    if (value === undefined)
      this.#fail("boolean", name, `strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
    return value ?? false;
  }

  /** A signed number; 0 when it is not given. */
  int(name: string): number {
    return this.#integer(name, "int", "Atoi", /^[+-]?\d+$/, INT64_MIN, INT64_MAX);
  }

  /** A number without a sign; 0 when it is not given. */
  uint(name: string): number {
    return this.#integer(name, "uint64", "ParseUint", /^\d+$/, 0n, UINT64_MAX);
  }

  /** One of the keys of `words`, in any case; `otherwise` when it is not given. */
  choice<Value>(name: string, words: ReadonlyMap<string, Value>, otherwise: Value): Value {
    const text = this.text(name);
    if (text === "") return otherwise;
    const value = words.get(text.toLowerCase());
    if (value === undefined) this.#note(`Error decoding ${name} for ${text}`);
    return value ?? otherwise;
  }

  #integer(name: string, type: string, parser: string, form: RegExp, min: bigint, max: bigint): number {
    const text = this.text(name);
    if (text === "") return 0;
    const isWellFormed = form.test(text);
    if (isWellFormed) {
      const value = BigInt(text.replace(/^\+/, ""));
      if (value >= min && value <= max) return Number(value);
    }
    const complaint = isWellFormed ? "value out of range" : "invalid syntax";
    this.#fail(type, name, `strconv.${parser}: parsing ${JSON.stringify(text)}: ${complaint}`);
    return 0;
  }

  #fail(type: string, name: string, complaint: string): void {
    this.#note(`Error decoding ${type} for '${name}': ${complaint}`);
  }

  #note(problem: string): void {
    this.problem ??= problem;
  }
}

/** Null for a broken escape. */
function unescaped(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return null;
  }
}
