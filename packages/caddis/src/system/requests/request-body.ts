import type { Problem } from "../../auth/claims/fields.ts";

/** Go's integers, as far as a double holds them; what lies beyond is refused rather than rounded. */
const INTEGER_MAX = Number.MAX_SAFE_INTEGER;

/** Enough for the names of a thousand accounts. Bodies wait for their turn in memory. */
const BODY_BYTES_MAX = 65_536;

/**
 * The options that a request's body holds as JSON. As in the reference an empty body and `null` ask for nothing in
 * particular, fields that nobody knows are left alone, and names count in any case. A value of the wrong type is
 * noted in `fault`, the first one only.
 */
export class RequestBody {
  /** What is wrong with a value that was asked for; null: nothing so far. */
  fault: string | null = null;
  /** By name in lower case. */
  readonly #members: ReadonlyMap<string, unknown>;

  private constructor(members: ReadonlyMap<string, unknown>) {
    this.#members = members;
  }

  /** Reads a payload, or says what is wrong with it. */
  static parse(payload: Uint8Array): RequestBody | Problem {
    if (payload.length === 0) return new RequestBody(new Map());
    if (payload.length > BODY_BYTES_MAX) return { problem: "the request is too long" };
    let value: unknown;
    try {
      value = JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString("utf8"));
    } catch {
      return { problem: "the request is not JSON" };
    }
    if (typeof value !== "object" || Array.isArray(value)) {
      return { problem: "the request must be a JSON object" };
    }
    return new RequestBody(
      new Map(Object.entries(value ?? {}).map(([name, member]) => [name.toLowerCase(), member])),
    );
  }

  /** Empty when absent. */
  text(name: string): string {
    const value = this.#get(name) ?? "";
    return typeof value === "string" ? value : this.#fail(name, "a string", "");
  }

  /** False when absent. */
  flag(name: string): boolean {
    const value = this.#get(name) ?? false;
    return typeof value === "boolean" ? value : this.#fail(name, "a boolean", false);
  }

  /** 0 when absent. */
  int(name: string): number {
    const value = this.#get(name) ?? 0;
    return isInteger(value) ? value : this.#fail(name, "an integer", 0);
  }

  /** 0 when absent. */
  uint(name: string): number {
    const value = this.#get(name) ?? 0;
    return isInteger(value) && value >= 0 ? value : this.#fail(name, "an integer from 0 on", 0);
  }

  /** Empty when absent. */
  texts(name: string): readonly string[] {
    const value = this.#get(name) ?? [];
    const isList = Array.isArray(value) && value.every((entry): entry is string => typeof entry === "string");
    return isList ? value : this.#fail<readonly string[]>(name, "a list of strings", []);
  }

  #get(name: string): unknown {
    return this.#members.get(name.toLowerCase());
  }

  #fail<T>(name: string, type: string, instead: T): T {
    this.fault ??= `${name} must be ${type}`;
    return instead;
  }
}

function isInteger(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && Math.abs(value) <= INTEGER_MAX;
}
