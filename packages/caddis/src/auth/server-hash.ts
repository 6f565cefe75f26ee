import { createHash } from "node:crypto";

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LENGTH = 8;

/** The short name under which servers find each other's subjects: of a server's name, as in the reference. */
export function serverHash(serverName: string): string {
  const digest = createHash("sha256").update(serverName).digest();
  return Array.from(digest.subarray(0, LENGTH), (byte) => DIGITS[byte % DIGITS.length]).join("");
}
