import { SIZE_DIGITS_MAX } from "../base/limits.ts";

/** A sid as a key: clients number their subscriptions, and a map of numbers is many times faster to fill. */
export type SidKey = number | string;

/** Decimal numbers that print as they are spelled become numbers; any other sid stays a string. */
export function sidKey(sid: string): SidKey {
  if (sid.length === 0 || sid.length > SIZE_DIGITS_MAX) return sid;
  let number = 0;
  for (let i = 0; i < sid.length; i++) {
    const digit = sid.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return sid;
    if (i === 0 && digit === 0 && sid.length > 1) return sid;
    number = number * 10 + digit;
  }
  return number;
}
