import { randomName } from "../../broker/random-name.ts";
import type { Broker } from "../../broker/broker.ts";

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PREFIX_DIGITS = 12;
const SEQUENCE_DIGITS = 10;

/**
 * Ids of events: a prefix by chance and a running number, 22 digits of base 62 as in the reference. They only have
 * to be different.
 */
export class EventIds {
  readonly #prefix: string;
  #last = 0;

  constructor(random: Broker["random"]) {
    this.#prefix = randomName(random, PREFIX_DIGITS);
  }

  next(): string {
    let rest = ++this.#last;
    let digits = "";
    while (digits.length < SEQUENCE_DIGITS) {
      digits = DIGITS[rest % DIGITS.length] + digits;
      rest = Math.floor(rest / DIGITS.length);
    }
    return this.#prefix + digits;
  }
}
