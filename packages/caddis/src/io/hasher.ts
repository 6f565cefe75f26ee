/** Checks passwords against bcrypt hashes: work of up to seconds by design, done where it holds nobody up. */
export interface Hasher {
  /** Whether `hash` (`$2a$`, `$2b$`, `$2x$`, `$2y$`) was made of `plain`. False for what is no hash; never rejects. */
  compare(plain: string, hash: string): Promise<boolean>;
}
