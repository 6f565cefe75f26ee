/** Chance, handed in: production uses the system's generator, tests a seeded one. */
export interface Random {
  /** A number in [0, 1). Not for secrets. */
  fraction(): number;
  /** An integer in [0, below); `below` is at least 1. Not for secrets. */
  below(below: number): number;
  /** `count` bytes fit for secrets (nonces, keys). */
  bytes(count: number): Uint8Array;
}
