/** What of a CONNECT was held against the configuration. */
export type ProofKind = "password" | "token" | "nkey";

/**
 * What a connection has proved when it came: that it knows a configured secret, or has a key. When rules change it
 * need not prove the same again, which could cost a bcrypt comparison for each of thousands. Holds for the CONNECT
 * it was made of, and no other. Neither JSON nor an inspector shows what is in it.
 */
export class Proof {
  readonly #kind: ProofKind;
  readonly #secret: string;

  /** `secret`: as configured, plain or a hash; of a key the public part. */
  constructor(kind: ProofKind, secret: string) {
    this.#kind = kind;
    this.#secret = secret;
  }

  /** Whether it was just this that was proved. Both sides are configured: there is nobody to hide the time from. */
  covers(kind: ProofKind, secret: string): boolean {
    return kind === this.#kind && secret === this.#secret;
  }
}
