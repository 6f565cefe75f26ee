/** FNV-1a, 32 bits: the basis, and the prime of each step `hash = Math.imul(hash ^ byte, HASH_PRIME)`. */
export const HASH_BASIS = -2128831035;
export const HASH_PRIME = 16777619;

/** The hash that literals and answers are filed under: FNV-1a over the bytes, folded. */
export function hashOf(subject: string): number {
  let hash = HASH_BASIS;
  for (let i = 0; i < subject.length; i++) hash = Math.imul(hash ^ subject.charCodeAt(i), HASH_PRIME);
  return spread(hash);
}

/** The low bits of FNV-1a are its weakest; fold the high ones in. */
export function spread(hash: number): number {
  return hash ^ (hash >>> 15);
}
