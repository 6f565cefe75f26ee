import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import {
  FakeClaimsDirectory,
  ISSUED,
  newAccount,
  newOperator,
  OperatorFixture,
} from "../../../../../test/support/account-jwts.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import { SILENT_LOG, type Log } from "../../io/log.ts";
import { VirtualClock } from "../../io/virtual-clock.ts";
import { JwtStore, type StoreRules } from "./jwt-store.ts";

const FULL: StoreRules = { limit: Infinity, evicts: false, ttlMs: 0, deletion: "rename" };
const CACHE: StoreRules = { limit: 2, evicts: true, ttlMs: 0, deletion: "remove" };

const operator = new OperatorFixture();

class Bench {
  readonly clock = new VirtualClock((run) => setImmediate(run));
  readonly directory = new FakeClaimsDirectory();
  readonly logged: string[] = [];
  readonly told: string[] = [];
  readonly timers = new TimerQueue(this.clock);
  readonly store: JwtStore;

  constructor(rules: StoreRules) {
    const log: Log = {
      ...SILENT_LOG,
      warn: (text) => this.logged.push(text),
      error: (text) => this.logged.push(text),
    };
    const { clock, directory, timers } = this;
    this.store = new JwtStore(rules, { clock, directory, log, timers, claims: operator.rules });
    this.store.listener = {
      onStored: (id, jwt) => this.told.push(`${id}|${jwt}`),
      onDeleted: (id) => this.told.push(`deleted ${id}`),
    };
  }

  static async open(rules: StoreRules = FULL, files: Record<string, string> = {}): Promise<Bench> {
    const bench = new Bench(rules);
    for (const [name, text] of Object.entries(files)) bench.directory.files.set(name, text);
    assert.equal(await bench.store.open(), null);
    return bench;
  }

  get names(): string[] {
    return [...this.directory.files.keys()].sort();
  }
}

test("what is saved can be loaded, and is told", async () => {
  const { store, directory, told } = await Bench.open();
  const { publicKey: id } = newAccount();
  const jwt = operator.account(id);
  assert.deepEqual(await store.load(id), { ok: true, value: null });
  assert.deepEqual(await store.save(id, jwt), { stored: true, changed: true });
  assert.deepEqual(await store.load(id), { ok: true, value: jwt });
  assert.deepEqual([...directory.files], [[`${id}.jwt`, jwt]]);
  assert.deepEqual(await store.save(id, jwt), { stored: true, changed: false });
  assert.deepEqual(told, [`${id}|${jwt}`]);
  assert.deepEqual(Buffer.from(store.hash), createHash("sha256").update(jwt).digest());
});

test("only an account's JWT of a trusted operator, for that very account, gets in", async () => {
  const { store, directory } = await Bench.open();
  const { publicKey: id } = newAccount();
  const account = newAccount();
  const altered = operator.account(id).replace(/.$/, (last) => (last === "A" ? "B" : "A"));
  for (const jwt of [
    "",
    "garbage",
    altered,
    operator.account(newAccount().publicKey),
    operator.account(id, { signer: newOperator() }),
    operator.account(account.publicKey, { signer: account }),
    operator.deletion([id], { sub: id }),
  ]) {
    for (const kept of [await store.save(id, jwt), await store.saveIfNewer(id, jwt)]) {
      assert.equal(kept.stored, false);
    }
  }
  assert.deepEqual([...directory.files], []);
});

test("a name that is no account's public nkey never becomes a file's", async () => {
  const { store, directory } = await Bench.open();
  const { publicKey: id } = newAccount();
  for (const name of ["", "..", "../x", `${id}/../x`, `x/${id}`, id.toLowerCase(), operator.keys.publicKey]) {
    assert.equal((await store.load(name)).ok, false, name);
    assert.equal((await store.save(name, operator.account(name))).stored, false, name);
    assert.equal((await store.saveIfNewer(name, operator.account(name))).stored, false, name);
    assert.equal(typeof (await store.delete(name)), "string", name);
  }
  assert.equal(directory.files.size, 0);
});

test("saveIfNewer keeps the one that was issued later, save takes any", async () => {
  const { store } = await Bench.open();
  const { publicKey: id } = newAccount();
  const [older, newer] = [operator.account(id, { iat: ISSUED }), operator.account(id, { iat: ISSUED + 1 })];
  assert.deepEqual(await store.saveIfNewer(id, newer), { stored: true, changed: true });
  assert.deepEqual(await store.saveIfNewer(id, older), { stored: true, changed: false });
  assert.deepEqual(await store.load(id), { ok: true, value: newer });
  // Of the same second: the last one counts.
  const renamed = operator.account(id, { name: "B", iat: ISSUED + 1 });
  assert.deepEqual(await store.saveIfNewer(id, renamed), { stored: true, changed: true });
  assert.deepEqual(await store.save(id, older), { stored: true, changed: true });
  assert.deepEqual(await store.load(id), { ok: true, value: older });
});

test("what is damaged or signed by others gives way to a JWT that holds, however new it claims to be", async () => {
  const { publicKey: id } = newAccount();
  const foreign = operator.account(id, { iat: ISSUED + 9, signer: newOperator() });
  for (const text of ["garbage", foreign]) {
    const { store } = await Bench.open(FULL, { [`${id}.jwt`]: text });
    const jwt = operator.account(id);
    assert.deepEqual(await store.saveIfNewer(id, jwt), { stored: true, changed: true });
    assert.deepEqual(await store.load(id), { ok: true, value: jwt });
  }
});

test("at the limit a full store refuses, a cache lets the least recently used go", async () => {
  const ids = [newAccount(), newAccount(), newAccount()].map(({ publicKey }) => publicKey);
  const full = await Bench.open({ ...FULL, limit: 2 });
  const cache = await Bench.open(CACHE);
  for (const { store } of [full, cache]) {
    for (const id of ids.slice(0, 2)) assert.equal((await store.save(id, operator.account(id))).stored, true);
    await store.load(ids[0]);
  }
  const jwt = operator.account(ids[2]);
  assert.deepEqual(await full.store.save(ids[2], jwt), { stored: false, reason: "jwt store is full" });
  assert.equal((await full.store.save(ids[0], operator.account(ids[0], { name: "B" }))).stored, true);
  assert.equal((await cache.store.save(ids[2], jwt)).stored, true);
  assert.deepEqual(cache.names, [`${ids[0]}.jwt`, `${ids[2]}.jwt`].sort());
  assert.deepEqual(cache.store.list(), [ids[0], ids[2]].sort());
});

test("a file goes once its JWT has expired", async () => {
  const { publicKey: id } = newAccount();
  const jwt = operator.account(id, { exp: ISSUED + 90 });
  const bench = await Bench.open(FULL, { [`${id}.jwt`]: jwt });
  await bench.clock.advance(89_000);
  assert.deepEqual(bench.store.list(), [id]);
  await bench.clock.advance(1_000);
  assert.deepEqual(bench.store.list(), []);
  for await (const line of bench.store.pack()) assert.fail(line);
  await bench.clock.advance(60_000);
  await bench.store.close();
  assert.deepEqual(bench.names, []);
  assert.deepEqual([...bench.store.hash], Array(32).fill(0));
});

test("in a cache a file goes when nobody used it for its ttl", async () => {
  const ids = [newAccount(), newAccount()].map(({ publicKey }) => publicKey);
  const bench = await Bench.open({ ...CACHE, ttlMs: 10_000 });
  for (const id of ids) await bench.store.save(id, operator.account(id));
  await bench.clock.advance(8_000);
  await bench.store.load(ids[1]);
  await bench.clock.advance(8_000);
  assert.deepEqual(bench.names, [`${ids[1]}.jwt`]);
  await bench.store.close();
});

test("deleting renames, removes or is not allowed, and is told", async () => {
  const { publicKey: id } = newAccount();
  const file = { [`${id}.jwt`]: operator.account(id) };
  const renaming = await Bench.open(FULL, file);
  assert.equal(await renaming.store.delete(id), null);
  assert.deepEqual(renaming.names, [`${id}.jwt.deleted`]);
  assert.deepEqual(renaming.told.at(-1), `deleted ${id}`);
  assert.deepEqual(renaming.store.list(), []);
  // Once more does no harm.
  assert.equal(await renaming.store.delete(id), null);

  const removing = await Bench.open(CACHE, file);
  assert.equal(await removing.store.delete(id), null);
  assert.deepEqual(removing.names, []);

  const keeping = await Bench.open({ ...FULL, deletion: "none" }, file);
  assert.equal(await keeping.store.delete(id), "store is not set up to for delete");
  assert.deepEqual(keeping.names, [`${id}.jwt`]);
});

test("files that are no account's JWT are named once and left alone", async () => {
  const [good, other] = [newAccount().publicKey, newAccount().publicKey];
  const files = {
    [`${good}.jwt`]: `${operator.account(good)}\n`,
    [`${other}.jwt`]: "damaged",
    [`${other}.jwt.deleted`]: "old",
    "notes.jwt": "mine",
    "README.txt": "hello",
  };
  const bench = await Bench.open(FULL, files);
  assert.equal(bench.logged.length, 2);
  assert.match(bench.logged.join("\n"), new RegExp(`${other}.jwt: `));
  assert.match(bench.logged.join("\n"), /"notes.jwt"/);
  assert.deepEqual(bench.store.list(), [good]);
  assert.deepEqual(await bench.store.load(other), { ok: true, value: null });
  // By hand put there, with the line end that editors add.
  assert.deepEqual(await bench.store.load(good), { ok: true, value: operator.account(good) });
  assert.deepEqual(Object.fromEntries(bench.directory.files), files);
});

test("a second reading tells what has changed in the folder meanwhile", async () => {
  const [same, changed, added] = [newAccount(), newAccount(), newAccount()].map((keys) => keys.publicKey);
  const bench = await Bench.open();
  for (const id of [same, changed]) await bench.store.save(id, operator.account(id));
  bench.told.length = 0;
  const files = [operator.account(changed, { name: "B" }), operator.account(added)];
  bench.directory.files.set(`${changed}.jwt`, files[0]).set(`${added}.jwt`, files[1]);
  assert.equal(await bench.store.open(), null);
  assert.deepEqual(bench.told.sort(), [`${changed}|${files[0]}`, `${added}|${files[1]}`].sort());
});

test("what does not get onto the disk is not held", async () => {
  const bench = await Bench.open(CACHE);
  const { publicKey: id } = newAccount();
  const jwt = operator.account(id);
  await bench.store.save(id, jwt);
  const before = bench.store.hash;
  bench.directory.writeProblem = "write /accounts/x: no space left on device";
  const refused = { stored: false, reason: bench.directory.writeProblem };
  assert.deepEqual(await bench.store.save(id, operator.account(id, { name: "B" })), refused);
  const another = newAccount().publicKey;
  assert.deepEqual(await bench.store.saveIfNewer(another, operator.account(another)), refused);
  assert.deepEqual(await bench.store.load(id), { ok: true, value: jwt });
  assert.deepEqual(bench.store.hash, before);
  assert.deepEqual(bench.store.list(), [id]);
});

test("two stores that exchange packs hold the same in the end", async () => {
  const [left, right] = [await Bench.open(), await Bench.open()];
  const shared = newAccount().publicKey;
  await left.store.save(shared, operator.account(shared, { iat: ISSUED }));
  await right.store.save(shared, operator.account(shared, { iat: ISSUED + 5 }));
  for (const { store } of [left, right]) {
    const { publicKey: id } = newAccount();
    await store.save(id, operator.account(id));
  }
  for (const [from, to] of [
    [left, right],
    [right, left],
  ]) {
    for await (const line of from.store.pack()) assert.deepEqual(await to.store.merge(line), []);
  }
  assert.deepEqual(left.store.hash, right.store.hash);
  assert.deepEqual(left.store.list(), right.store.list());
  assert.equal(left.store.list().length, 3);
});

test("a pack's bad lines are told and do not keep the others out", async () => {
  const { store } = await Bench.open();
  const { publicKey: id } = newAccount();
  const foreign = operator.account(id, { signer: newOperator() });
  const lines = [
    "no bar",
    "a|b|c",
    `../x|${foreign}`,
    `${id}|${foreign}`,
    "",
    `${id}|${operator.account(id)}`,
  ];
  const problems = await store.merge(lines.join("\n"));
  assert.equal(problems.length, 4);
  assert.deepEqual(store.list(), [id]);
});

test("changes that were begun end before the store is closed, later ones are refused", async () => {
  const bench = await Bench.open();
  const [first, second] = [newAccount().publicKey, newAccount().publicKey];
  const begun = bench.store.save(first, operator.account(first));
  await bench.store.close();
  assert.deepEqual(bench.names, [`${first}.jwt`]);
  assert.deepEqual(await begun, { stored: true, changed: true });
  assert.equal((await bench.store.save(second, operator.account(second))).stored, false);
  assert.deepEqual(bench.names, [`${first}.jwt`]);
  assert.equal(bench.timers.size, 0);
});
