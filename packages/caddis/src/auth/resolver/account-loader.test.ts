import assert from "node:assert/strict";
import { test } from "node:test";
import { newAccount } from "../../../../../test/support/account-jwts.ts";
import { SILENT_LOG } from "../../io/log.ts";
import { VirtualClock } from "../../io/virtual-clock.ts";
import { AccountLoader, type Verified } from "./account-loader.ts";
import type { Fetched, Resolver } from "./resolver.ts";

/** A resolver whose answers a test gives when it likes. */
class SlowResolver implements Resolver {
  readonly kind = "full";
  readonly asked: { id: string; answer: (jwt: string | null) => void }[] = [];

  start = (): Promise<null> => Promise.resolve(null);
  close = (): Promise<void> => Promise.resolve();
  store = (): Promise<never> => assert.fail("nobody stores");

  fetchJwt(id: string): Promise<Fetched> {
    const { promise, resolve } = Promise.withResolvers<Fetched>();
    const answer = (jwt: string | null): void => {
      resolve(jwt === null ? { found: false, reason: "none" } : { found: true, jwt });
    };
    this.asked.push({ id, answer });
    return promise;
  }
}

class Bench {
  readonly clock = new VirtualClock((run) => setImmediate(run), 0);
  readonly resolver = new SlowResolver();
  readonly told: string[] = [];
  readonly warned: string[] = [];
  readonly loader = new AccountLoader<string>({
    resolver: this.resolver,
    clock: this.clock,
    log: { ...SILENT_LOG, warn: (text) => this.warned.push(text) },
    verify: (jwt) => this.verify(jwt),
    listener: {
      onClaims: (_id, claims) => this.told.push(claims),
      onGone: () => this.told.push("gone"),
    },
  });

  /** Stand-ins for JWTs: `id/claims/seconds it holds`. */
  verify(jwt: string): Verified<string> {
    const [accountId, claims, expires] = jwt.split("/");
    if (claims === "bad") return { ok: false, problem: "bad claims" };
    return { ok: true, accountId, claims, expiresMs: Number(expires ?? "Infinity") * 1_000 };
  }

  answer(jwt: string | null): void {
    const asked = this.resolver.asked.shift();
    assert.ok(asked !== undefined, "the resolver was asked");
    asked.answer(jwt);
  }
}

const ID = newAccount().publicKey;

const LOADED = { ok: true, claims: "one" };

test("all who wait for an account share one fetch, later ones need none", async () => {
  const bench = new Bench();
  const waiting = [bench.loader.load(ID), bench.loader.load(ID)];
  assert.equal(bench.resolver.asked.length, 1);
  assert.equal(bench.loader.isLoaded(ID), false);
  bench.answer(`${ID}/one`);
  assert.deepEqual(await Promise.all(waiting), [LOADED, LOADED]);
  assert.deepEqual(await bench.loader.load(ID), { ok: true, claims: "one" });
  assert.equal(bench.resolver.asked.length, 0);
  assert.deepEqual(bench.told, ["one"]);
  assert.equal(bench.loader.claimsOf(ID), "one");
});

test("nobody is asked for what can't be an account, and the log doesn't show it", async () => {
  const bench = new Bench();
  for (const id of ["", "x\n[ERR] forged", "../etc", ID.toLowerCase()]) {
    assert.equal((await bench.loader.load(id)).ok, false);
  }
  assert.deepEqual([bench.resolver.asked, bench.warned], [[], []]);
});

test("a missing or bad account is asked for again after a while only", async () => {
  const bench = new Bench();
  for (const [jwt, problem] of [
    [null, "none"],
    [`${ID}/bad`, "bad claims"],
    [`${newAccount().publicKey}/other`, "account validation failed"],
    [`${ID}/late/0`, "account expired"],
  ] as const) {
    const refused = bench.loader.load(ID);
    bench.answer(jwt);
    assert.deepEqual(await refused, { ok: false, problem });
    assert.deepEqual(await bench.loader.load(ID), { ok: false, problem });
    await bench.clock.advance(999);
    assert.deepEqual(await bench.loader.load(ID), { ok: false, problem });
    await bench.clock.advance(1);
  }
  assert.deepEqual(bench.told, []);
  assert.equal(bench.loader.isLoaded(ID), false);
});

test("refusals of made-up accounts are forgotten before they fill the memory", async () => {
  const bench = new Bench();
  const refuse = async (id: string): Promise<void> => {
    const refused = bench.loader.load(id);
    bench.answer(null);
    await refused;
  };
  await refuse(ID);
  for (let i = 0; i < 1_024; i++) await refuse(newAccount().publicKey);
  void bench.loader.load(ID);
  assert.equal(bench.resolver.asked.length, 1);
});

test("an expired account is fetched anew, and nobody gets in until it is renewed", async () => {
  const bench = new Bench();
  const first = bench.loader.load(ID);
  bench.answer(`${ID}/one/10`);
  assert.equal((await first).ok, true);
  await bench.clock.advance(10_000);
  const again = bench.loader.load(ID);
  bench.answer(`${ID}/one/10`);
  assert.deepEqual(await again, { ok: false, problem: "account expired" });
  assert.deepEqual(await bench.loader.load(ID), { ok: false, problem: "account expired" });
  await bench.clock.advance(1_000);
  const missing = bench.loader.load(ID);
  bench.answer(null);
  assert.deepEqual(await missing, { ok: false, problem: "account expired" });
  await bench.clock.advance(1_000);
  const renewed = bench.loader.load(ID);
  bench.answer(`${ID}/two/100`);
  assert.deepEqual(await renewed, { ok: true, claims: "two" });
  assert.deepEqual(bench.told, ["one", "two"]);
});

test("an update changes a loaded account at once, and leaves it as it is when it does not hold", async () => {
  const bench = new Bench();
  assert.equal(bench.loader.apply(ID, `${ID}/early`), null);
  assert.equal(bench.loader.isLoaded(ID), false);
  const loaded = bench.loader.load(ID);
  bench.answer(`${ID}/one`);
  await loaded;
  assert.equal(bench.loader.apply(ID, `${ID}/one`), null);
  assert.equal(bench.loader.apply(ID, `${ID}/two`), null);
  assert.equal(bench.loader.apply(ID, `${ID}/bad`), "bad claims");
  assert.equal(bench.loader.apply(ID, `${newAccount().publicKey}/other`), "account validation failed");
  assert.equal(bench.loader.claimsOf(ID), "two");
  assert.deepEqual(bench.told, ["one", "two"]);
});

test("what was on its way while an update came does not bring old rights back", async () => {
  const bench = new Bench();
  const first = bench.loader.load(ID);
  bench.answer(`${ID}/one/10`);
  await first;
  await bench.clock.advance(10_000);
  const again = bench.loader.load(ID);
  assert.equal(bench.loader.apply(ID, `${ID}/two`), null);
  bench.answer(`${ID}/one/100`);
  assert.deepEqual(await again, { ok: true, claims: "two" });
  assert.deepEqual(bench.told, ["one", "two"]);
});

test("an account that is stored or deleted while it is fetched is fetched once more", async () => {
  const bench = new Bench();
  const loaded = bench.loader.load(ID);
  bench.loader.remove(ID);
  bench.answer(`${ID}/deleted`);
  await bench.clock.settled();
  bench.loader.apply(ID, `${ID}/new`);
  bench.answer(null);
  await bench.clock.settled();
  bench.answer(`${ID}/new`);
  assert.deepEqual(await loaded, { ok: true, claims: "new" });
  assert.deepEqual(bench.told, ["new"]);
});

test("an update clears the memory of a refusal", async () => {
  const bench = new Bench();
  const refused = bench.loader.load(ID);
  bench.answer(null);
  await refused;
  bench.loader.apply(ID, `${ID}/new`);
  const loaded = bench.loader.load(ID);
  bench.answer(`${ID}/new`);
  assert.deepEqual(await loaded, { ok: true, claims: "new" });
});

test("a deleted account is gone, and told so once", async () => {
  const bench = new Bench();
  const loaded = bench.loader.load(ID);
  bench.answer(`${ID}/one`);
  await loaded;
  bench.loader.remove(ID);
  bench.loader.remove(ID);
  assert.deepEqual(bench.told, ["one", "gone"]);
  assert.equal(bench.loader.isLoaded(ID), false);
});
