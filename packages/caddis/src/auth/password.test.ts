import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { Hasher } from "../io/hasher.ts";
import { BcryptHasher } from "../io/node/bcrypt.ts";
import {
  COMPARISONS_IN_FLIGHT_MAX,
  COMPARISONS_WAITING_MAX,
  decoyHash,
  isBcryptHash,
  PasswordChecker,
  sameSecret,
} from "./password.ts";

/** A hash of "right", to the hasher below. */
const right = (cost: string): string => `$2a$${cost}$right`;

/** Says yes to "right" for hashes that end in it, and notes what it was asked. */
class NotingHasher implements Hasher {
  readonly asked: string[] = [];

  compare(plain: string, hash: string): Promise<boolean> {
    this.asked.push(hash);
    return Promise.resolve(plain === "right" && hash.endsWith("right"));
  }

  /** Work done, as bcrypt's cost counts it. */
  get work(): number {
    return this.asked.reduce((sum, hash) => sum + 2 ** Number(hash.slice(4, 6)), 0);
  }
}

/** Answers when told to. */
class HeldHasher implements Hasher {
  readonly held: ((isMatch: boolean) => void)[] = [];

  compare(): Promise<boolean> {
    return new Promise((resolve) => this.held.push(resolve));
  }
}

test("bcrypt hashes are told from plain secrets", () => {
  for (const hash of ["$2a$11$abc", "$2b$04$", "$2x$12$x", "$2y$10$x"])
    assert.equal(isBcryptHash(hash), true, hash);
  for (const text of ["", "secret", "$2c$11$abc", "$2a$1$abc", "x$2a$11$abc", "$1$11$abc"]) {
    assert.equal(isBcryptHash(text), false, text);
  }
});

test("secrets are the same when their texts are", () => {
  fc.assert(fc.property(fc.string(), fc.string(), (a, b) => sameSecret(a, b) === (a === b)));
  fc.assert(fc.property(fc.string(), (a) => sameSecret(a, a)));
});

test("plain secrets are compared without the hasher", () => {
  const hasher = new NotingHasher();
  const checker = new PasswordChecker(["right"], hasher);
  assert.equal(checker.check("right", "right"), "match");
  assert.equal(checker.check("right", "wrong"), "mismatch");
  assert.equal(checker.check("", ""), "match");
  assert.equal(checker.check(null, ""), "mismatch");
  assert.deepEqual(hasher.asked, []);
});

test("hashes are compared by the hasher", async () => {
  const checker = new PasswordChecker([right("11")], new NotingHasher());
  assert.equal(await checker.check(right("11"), "right"), "match");
  assert.equal(await checker.check(right("11"), "wrong"), "mismatch");
  assert.equal(await checker.check(right("11"), right("11")), "mismatch");
});

test("whatever is refused costs one comparison at the highest cost", async () => {
  const secrets = ["plain", right("04"), right("09"), right("11")];
  for (const secret of [null, ...secrets]) {
    const hasher = new NotingHasher();
    assert.equal(await new PasswordChecker(secrets, hasher).check(secret, "wrong"), "mismatch");
    assert.equal(hasher.work, 2 ** 11, `refused by ${String(secret)}`);
  }
});

test("a decoy matches nothing, even if the hasher says so", async () => {
  const yes: Hasher = { compare: () => Promise.resolve(true) };
  assert.equal(await new PasswordChecker([right("11")], yes).check(null, "decoy"), "mismatch");
  assert.ok(isBcryptHash(decoyHash(4)) && decoyHash(4).length === 60);
});

/** For attempts that would wait for ever if they were not turned away. */
const DEADLINE = { timeout: 20_000 };

test("few comparisons run at a time, a bounded number waits, others are turned away", DEADLINE, async () => {
  const hasher = new HeldHasher();
  const checker = new PasswordChecker([right("11")], hasher);
  const attempts = Array.from({ length: COMPARISONS_IN_FLIGHT_MAX + COMPARISONS_WAITING_MAX }, () =>
    checker.check(right("11"), "right"),
  );
  assert.equal(await checker.check(right("11"), "right"), "busy");
  assert.equal(await checker.check(null, "right"), "busy");
  for (let i = 0; i < attempts.length; i++) {
    assert.ok(hasher.held.length - i <= COMPARISONS_IN_FLIGHT_MAX, "more under way than there may be");
    hasher.held[i](i % 2 === 0);
    assert.equal(await attempts[i], i % 2 === 0 ? "match" : "mismatch");
  }
  assert.equal(hasher.held.length, attempts.length);
  const again = checker.check(right("11"), "right");
  hasher.held.at(-1)?.(true);
  assert.equal(await again, "match");
});

test("the hash that stands for no password is well-formed, or it would cost nothing", async () => {
  assert.equal(await new BcryptHasher().compare("decoy", decoyHash(4)), true);
  assert.equal(await new BcryptHasher().compare("decoy", decoyHash(5)), false);
});

test("those who are in and gave the same wait for one comparison, and refusing costs nothing more", async () => {
  const hasher = new NotingHasher();
  const checker = new PasswordChecker([right("04"), right("11"), "plain"], hasher);
  const answers = ["right", "right", "wrong", "wrong", "right"].map(async (given) =>
    checker.recheck(right("04"), given),
  );
  assert.deepEqual(await Promise.all(answers), ["match", "match", "mismatch", "mismatch", "match"]);
  assert.equal(hasher.work, 2 * 2 ** 4);
  assert.equal(checker.recheck("plain", "plain"), "match");
  assert.equal(checker.recheck("plain", "right"), "mismatch");
  assert.equal(checker.recheck(null, ""), "mismatch");
  assert.equal(hasher.work, 2 * 2 ** 4);
  // It is asked anew when the answer is there.
  assert.equal(await checker.recheck(right("04"), "right"), "match");
  assert.equal(hasher.work, 3 * 2 ** 4);
});

test("who is gone when its turn comes is passed over, and makes room for others", DEADLINE, async () => {
  const hasher = new HeldHasher();
  const checker = new PasswordChecker([right("11")], hasher);
  const gone = new Set<number>();
  const attempt = (i: number): ReturnType<PasswordChecker["check"]> =>
    checker.check(right("11"), "right", () => gone.has(i));
  const count = COMPARISONS_IN_FLIGHT_MAX + COMPARISONS_WAITING_MAX;
  const attempts = Array.from({ length: count }, (_, i) => attempt(i));
  assert.equal(await attempt(-1), "busy");
  // Of those who wait only the last stays.
  for (let i = COMPARISONS_IN_FLIGHT_MAX; i < count - 1; i++) gone.add(i);
  const late = attempt(count);
  assert.equal(await attempts[COMPARISONS_IN_FLIGHT_MAX], "busy");
  for (let i = 0; i < COMPARISONS_IN_FLIGHT_MAX; i++) hasher.held[i](true);
  assert.equal(await attempts[0], "match");
  while (hasher.held.length < COMPARISONS_IN_FLIGHT_MAX + 2) await Promise.resolve();
  for (const answer of hasher.held.slice(COMPARISONS_IN_FLIGHT_MAX)) answer(true);
  assert.deepEqual([await attempts.at(-1), await late], ["match", "match"]);
  assert.equal(hasher.held.length, COMPARISONS_IN_FLIGHT_MAX + 2);
});
