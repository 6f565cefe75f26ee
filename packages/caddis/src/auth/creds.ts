import { decodeSeed } from "./nkey.ts";
import { KeyPair } from "./nkey-pair.ts";

/**
 * Credentials files: a token and a seed, each between a line of dashes that begins it and one that ends it. What
 * the lines say does not count.
 */

/** Credentials of a user. */
export interface Creds {
  /** The user's token, unchecked. */
  readonly jwt: string;
  readonly keyPair: KeyPair;
}

/** No file of a token and a seed is longer. */
export const CREDS_CHARS_MAX = 2 * 1024 * 1024;

/** The user of a credentials file, or null where it is none. */
export function parseCreds(text: string): Creds | null {
  const [jwt, seed] = blocks(text);
  const keyPair = seed === undefined ? null : KeyPair.fromSeed(seed);
  return jwt === undefined || keyPair?.role !== "user" ? null : { jwt, keyPair };
}

/** The token of a decorated file; the text itself, without white space around it, where nothing is decorated. */
export function parseDecoratedJwt(text: string): string {
  return blocks(text)[0] ?? text.trim();
}

/** The key pair of a decorated file, of its second block or of the first line that looks like a seed; null without one. */
export function parseDecoratedSeed(text: string): KeyPair | null {
  const lines = text.slice(0, CREDS_CHARS_MAX).split("\n");
  const seed = blocks(text)[1] ?? lines.map((line) => line.trim()).find((line) => /^S[OAU]/.test(line));
  if (seed === undefined || !/^S[OAU]/.test(seed)) return null;
  return KeyPair.fromSeed(seed);
}

/** A user's credentials file, as the tools write it. Or null where the seed is none of a user. */
export function formatCreds(jwt: string, seed: string): string | null {
  const decoded = decodeSeed(seed);
  decoded?.secret.fill(0);
  if (decoded?.role !== "user") return null;
  return `-----BEGIN NATS USER JWT-----
${jwt}
------END NATS USER JWT------

************************* IMPORTANT *************************
NKEY Seed printed below can be used to sign and prove identity.
NKEYs are sensitive and should be treated as secrets.

-----BEGIN USER NKEY SEED-----
${seed}
------END USER NKEY SEED------

*************************************************************
`;
}

/** The lines that stand alone between two lines with three dashes at both ends. */
function blocks(text: string): string[] {
  const lines = text
    .slice(0, CREDS_CHARS_MAX)
    .split("\n")
    .map((line) => line.replace(/\r$/, ""));
  const found: string[] = [];
  for (let i = 2; i < lines.length; i++) {
    if (!isFrame(lines[i - 2]) || !isFrame(lines[i]) || !/^[\w\-.=]+$/.test(lines[i - 1])) continue;
    found.push(lines[i - 1]);
    i += 2; // a frame belongs to one block
  }
  return found;
}

/** Other text may stand in front. */
function isFrame(line: string): boolean {
  const begin = line.indexOf("---");
  return begin >= 0 && line.trimEnd().endsWith("---") && line.trimEnd().length >= begin + 6;
}
