/** The prime of FNV-1a, 32 bits, of which each step is `hash = Math.imul(hash ^ byte, HASH_PRIME)`. */
export const HASH_PRIME = 16777619;

/**
 * The hash that literals and answers are filed under: FNV-1a over the bytes, folded. The basis is a secret
 * of each sublist, so that nobody can choose subjects which all fall into one bucket.
 */
export function hashOf(subject: string, basis: number): number {
  let hash = basis;
  for (let i = 0; i < subject.length; i++) hash = Math.imul(hash ^ subject.charCodeAt(i), HASH_PRIME);
  return spread(hash);
}

/** The low bits of FNV-1a are its weakest; fold the high ones in. */
export function spread(hash: number): number {
  return hash ^ (hash >>> 15);
}
