import assert from "node:assert/strict";
import { test } from "node:test";
import {
  FakeClaimsDirectory,
  newAccount,
  OperatorFixture,
} from "../../../../../test/support/account-jwts.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import { SILENT_LOG } from "../../io/log.ts";
import { VirtualClock } from "../../io/virtual-clock.ts";
import { DirectoryResolver } from "./directory-resolver.ts";
import { JwtStore } from "./jwt-store.ts";
import { MemoryResolver } from "./memory-resolver.ts";
import type { Resolver } from "./resolver.ts";
import { startResolver } from "./start-resolver.ts";
import { UrlResolver } from "./url-resolver.ts";

const operator = new OperatorFixture();

class Bench {
  readonly warned: string[] = [];
  readonly log = { ...SILENT_LOG, warn: (text: string): unknown => this.warned.push(text) };
  readonly claims = operator.rules;
  readonly directory = new FakeClaimsDirectory();

  full(): Resolver {
    const clock = new VirtualClock((run) => setImmediate(run));
    const timers = new TimerQueue(clock);
    const rules = { limit: Infinity, evicts: false, ttlMs: 0, deletion: "none" } as const;
    const { directory, log, claims } = this;
    const store = new JwtStore(rules, { directory, clock, timers, log, claims });
    return new DirectoryResolver("full", store, { timers, timeoutMs: 1_900 });
  }
}

test("preloaded JWTs are there after the start", async () => {
  const { publicKey: id } = newAccount();
  const preload = new Map([[id, operator.account(id)]]);
  const bench = new Bench();
  for (const resolver of [new MemoryResolver(), bench.full()]) {
    assert.equal(await startResolver(resolver, preload, bench), null);
    assert.deepEqual(await resolver.fetchJwt(id), { found: true, jwt: operator.account(id) });
  }
  assert.deepEqual(bench.warned, []);
});

test("what can't be preloaded keeps the server from starting, what is not kept is told", async () => {
  const bench = new Bench();
  const { publicKey: id } = newAccount();
  const preload = new Map([[id, operator.account(id)]]);
  const get = () => Promise.resolve({ ok: true, status: 404, statusText: "No", body: "" } as const);
  const url = new UrlResolver("http://h/", { get, close: () => undefined });
  assert.match((await startResolver(url, preload, bench)) ?? "", /^resolver preloads only/);
  assert.equal(await startResolver(url, new Map(), bench), 'could not fetch <"http://h/">: 404 No');
  const bad = await startResolver(new MemoryResolver(), new Map([[id, "x"]]), bench);
  assert.match(bad ?? "", new RegExp(`^preload account error for "${id}": `));
  bench.directory.writeProblem = "disk full";
  assert.equal(await startResolver(bench.full(), preload, bench), null);
  assert.deepEqual(bench.warned, [`Preloaded account [${id}] not stored: disk full`]);
});
