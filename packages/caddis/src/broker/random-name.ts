import type { Random } from "../io/random.ts";

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Bytes from here on are left out, so that each digit is as likely as any other. */
const EVEN_BYTES = 256 - (256 % DIGITS.length);

/** A name of `length` letters and digits that nobody can guess. */
export function randomName(random: Random, length: number): string {
  let name = "";
  while (name.length < length) {
    for (const byte of random.bytes(length)) {
      if (byte < EVEN_BYTES && name.length < length) name += DIGITS[byte % DIGITS.length];
    }
  }
  return name;
}
