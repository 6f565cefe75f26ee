import { createHash, timingSafeEqual } from "node:crypto";
import type { Hasher } from "../io/hasher.ts";

/** Comparisons under way at a time: libuv's pool has four threads, and files and DNS need some of them too. */
export const COMPARISONS_IN_FLIGHT_MAX = 2;

/**
 * Comparisons that wait for their turn: as many as take minutes, so that a crowd that comes back after a restart
 * is not turned away, and at most some MiB, since what waits has passed `max_control_line`.
 */
export const COMPARISONS_WAITING_MAX = 1_024;

/** What came of a check. `busy`: too many are waiting already. */
export type PasswordAnswer = "match" | "mismatch" | "busy";

const BCRYPT = /^\$2[abxy]\$(\d{2})\$/;

/**
 * A salt and a hash to compare with where there is nothing to compare with; the cost goes in front. It has to be
 * well-formed, or else it costs nothing: at cost 4 it is that of `decoy`. The answer is never looked at.
 */
const DECOY = "tQyrnJ42mGoMRa1wlp9IO.Uj6pr3ApzpVa21qnUcPyqIHPVHxrUQm";

/** A well-formed bcrypt hash of that cost. */
export function decoyHash(cost: number): string {
  return `$2b$${String(cost).padStart(2, "0")}$${DECOY}`;
}

/** Whether a configured password or token is a bcrypt hash. */
export function isBcryptHash(secret: string): boolean {
  return BCRYPT.test(secret);
}

/** Equal or not, in a time that tells nothing about where they differ, or how long they are. */
export function sameSecret(expected: string, given: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text, "utf8").digest();
  return timingSafeEqual(digest(expected), digest(given));
}

/**
 * Compares passwords and tokens with configured ones. Whatever is refused costs the same, whether the password was
 * wrong or there is no such user: with bcrypt, one comparison at the highest cost that is configured.
 */
export class PasswordChecker {
  readonly #hasher: Hasher;
  /** Highest bcrypt cost configured; 0: no bcrypt. */
  readonly #highestCost: number;
  readonly #waiting: Waiter[] = [];
  /** By hash and what is compared with it: those who are in and gave the same wait for one comparison. */
  readonly #rechecks = new Map<string, Promise<PasswordAnswer>>();
  #inFlight = 0;

  /** `secrets`: all that will be compared with. */
  constructor(secrets: readonly string[], hasher: Hasher) {
    this.#hasher = hasher;
    this.#highestCost = secrets.reduce((highest, secret) => Math.max(highest, costOf(secret)), 0);
  }

  /** Whether any secret is a bcrypt hash. */
  get usesBcrypt(): boolean {
    return this.#highestCost > 0;
  }

  /**
   * Whether `given` is `secret`, which is null where there is none that could match. Never rejects. Who is gone
   * when its turn comes is passed over, and gets any answer.
   */
  check(secret: string | null, given: string, isGone = NEVER): PasswordAnswer | Promise<PasswordAnswer> {
    if (secret !== null && isBcryptHash(secret)) {
      return this.#whenFree(() => this.#compareHash(secret, given), isGone);
    }
    const isSame = sameSecret(secret ?? "", given) && secret !== null;
    if (isSame) return "match";
    if (!this.usesBcrypt) return "mismatch";
    return this.#whenFree(() => this.#compareDecoys(given, this.#highestCost), isGone);
  }

  /**
   * As `check`, for those who are in already when passwords change: they come in thousands, many with the same
   * password, and nobody measures how long each of them takes.
   */
  recheck(secret: string | null, given: string): PasswordAnswer | Promise<PasswordAnswer> {
    if (secret === null) return "mismatch";
    if (!isBcryptHash(secret)) return sameSecret(secret, given) ? "match" : "mismatch";
    // A hash has no spaces.
    const key = `${secret} ${given}`;
    const running = this.#rechecks.get(key);
    if (running !== undefined) return running;
    const compare = async (): Promise<PasswordAnswer> =>
      (await this.#hasher.compare(given, secret)) ? "match" : "mismatch";
    const answer = this.#whenFree(compare, NEVER).finally(() => this.#rechecks.delete(key));
    this.#rechecks.set(key, answer);
    return answer;
  }

  async #compareHash(hash: string, given: string): Promise<PasswordAnswer> {
    if (await this.#hasher.compare(given, hash)) return "match";
    // 2^c for the comparison, and 2^c + 2^(c+1) + … + 2^(highest-1) here: 2^highest together.
    for (let cost = costOf(hash); cost < this.#highestCost; cost++) await this.#compareDecoys(given, cost);
    return "mismatch";
  }

  async #compareDecoys(given: string, cost: number): Promise<PasswordAnswer> {
    await this.#hasher.compare(given, decoyHash(cost));
    return "mismatch";
  }

  async #whenFree(compare: () => Promise<PasswordAnswer>, isGone: () => boolean): Promise<PasswordAnswer> {
    if (this.#inFlight < COMPARISONS_IN_FLIGHT_MAX) {
      this.#inFlight++;
    } else {
      if (this.#waiting.length >= COMPARISONS_WAITING_MAX) this.#forgetGone();
      if (this.#waiting.length >= COMPARISONS_WAITING_MAX) return "busy";
      // Whoever is done hands its place over.
      const isTurn = await new Promise<boolean>((resolve) => this.#waiting.push({ isGone, resolve }));
      if (!isTurn) return "busy";
    }
    try {
      return await compare();
    } finally {
      const next = this.#nextWaiter();
      if (next === null) this.#inFlight--;
      else next.resolve(true);
    }
  }

  /** The first that still waits; null: nobody does. */
  #nextWaiter(): Waiter | null {
    for (;;) {
      const next = this.#waiting.shift() ?? null;
      if (next === null || !next.isGone()) return next;
      next.resolve(false);
    }
  }

  /** Makes room: whoever left takes no place from those who wait. */
  #forgetGone(): void {
    const all = this.#waiting.splice(0);
    for (const waiter of all) {
      if (waiter.isGone()) waiter.resolve(false);
      else this.#waiting.push(waiter);
    }
  }
}

/** Somebody whose turn has not come. */
interface Waiter {
  isGone(): boolean;
  /** False: it is passed over. */
  resolve(isTurn: boolean): void;
}

const NEVER = (): boolean => false;

/** The cost of a bcrypt hash, as the power of two; 0 for other secrets. */
function costOf(secret: string): number {
  return Number(BCRYPT.exec(secret)?.[1] ?? 0);
}
