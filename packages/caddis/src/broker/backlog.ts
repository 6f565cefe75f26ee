import { Bytes } from "../base/bytes.ts";
import type { ClientParser } from "../wire/client-parser.ts";

/** What all backlogs of a server hold together. */
export class BacklogBudget {
  bytes = 0;
}

/**
 * Input of a publisher that arrived before it was held back and is not parsed yet.
 * Invariant: the unparsed bytes are `#bytes[#start, #end)`; there is no buffer while there are none.
 */
export class Backlog {
  readonly #budget: BacklogBudget;
  #bytes: Bytes | null = null;
  #start = 0;
  #end = 0;

  constructor(budget: BacklogBudget) {
    this.#budget = budget;
  }

  get isEmpty(): boolean {
    return this.#bytes === null;
  }

  /** Unparsed bytes. */
  get size(): number {
    return this.#end - this.#start;
  }

  /** Adds a copy of `input[start, end)` behind what is there. */
  add(input: Bytes, start: number, end: number): void {
    const length = end - start;
    const kept = this.#end - this.#start;
    if (this.#bytes === null) {
      this.#bytes = new Bytes(length);
      this.#budget.bytes += length;
    } else if (this.#end + length > this.#bytes.capacity) {
      // Doubled, so that many small pieces cost no more than one large.
      const grown = new Bytes(Math.max(2 * kept, kept + length));
      this.#bytes.buf.copy(grown.buf, 0, this.#start, this.#end);
      this.#budget.bytes += grown.capacity - this.#bytes.capacity;
      this.#bytes.free();
      this.#bytes = grown;
      this.#start = 0;
      this.#end = kept;
    }
    input.buf.copy(this.#bytes.buf, this.#end, start, end);
    this.#end += length;
  }

  /** Parses until the parser stops or nothing is left. */
  parse(parser: ClientParser): void {
    const bytes = this.#bytes;
    if (bytes === null) return;
    this.#start = parser.parse(bytes, this.#start, this.#end);
    if (this.#start === this.#end || parser.state === "ended") this.clear();
    if (this.#bytes === null) bytes.free();
  }

  /**
   * Drops what is there. Its memory is not freed here: the connection may end in the middle of `parse`,
   * while a message of this very input is being delivered.
   */
  clear(): void {
    if (this.#bytes !== null) this.#budget.bytes -= this.#bytes.capacity;
    this.#bytes = null;
    this.#start = 0;
    this.#end = 0;
  }
}
