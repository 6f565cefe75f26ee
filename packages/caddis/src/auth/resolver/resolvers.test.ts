import assert from "node:assert/strict";
import { test } from "node:test";
import {
  FakeClaimsDirectory,
  newAccount,
  newOperator,
  OperatorFixture,
} from "../../../../../test/support/account-jwts.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import type { HttpClient, HttpFetched } from "../../io/http-client.ts";
import { SILENT_LOG } from "../../io/log.ts";
import { VirtualClock } from "../../io/virtual-clock.ts";
import { DirectoryResolver } from "./directory-resolver.ts";
import { JwtStore } from "./jwt-store.ts";
import { MemoryResolver } from "./memory-resolver.ts";
import { UrlResolver } from "./url-resolver.ts";

const operator = new OperatorFixture();

test("memory: what was preloaded and stored since", async () => {
  const id = newAccount().publicKey;
  const preload = new Map([[id, "one"]]);
  const resolver = new MemoryResolver(preload);
  assert.equal(await resolver.start(), null);
  assert.deepEqual(await resolver.fetchJwt(id), { found: true, jwt: "one" });
  assert.deepEqual(await resolver.store(id, "two"), { stored: true, changed: true });
  assert.deepEqual(await resolver.fetchJwt(id), { found: true, jwt: "two" });
  assert.equal((await resolver.fetchJwt("__proto__")).found, false);
  assert.equal(preload.get(id), "one");
});

/** An account server that answers as told. */
class FakeHttp implements HttpClient {
  readonly asked: string[] = [];
  answer: HttpFetched = { ok: true, status: 200, statusText: "OK", body: "jwt\n" };
  isClosed = false;

  get(url: string): Promise<HttpFetched> {
    this.asked.push(url);
    return Promise.resolve(this.answer);
  }

  close(): void {
    this.isClosed = true;
  }
}

test("url: GETs the URL with the account's id behind it", async () => {
  const id = newAccount().publicKey;
  for (const url of ["http://h:1/jwt", "http://h:1/jwt/"]) {
    const http = new FakeHttp();
    const resolver = new UrlResolver(url, http);
    assert.equal(await resolver.start(), null);
    assert.deepEqual(await resolver.fetchJwt(id), { found: true, jwt: "jwt" });
    assert.deepEqual(http.asked, ["http://h:1/jwt/", `http://h:1/jwt/${id}`]);
    assert.equal((await resolver.store()).stored, false);
    await resolver.close();
    assert.ok(http.isClosed);
  }
});

test("url: nothing but an account's id gets into the URL", async () => {
  const http = new FakeHttp();
  const resolver = new UrlResolver("http://h/", http);
  for (const id of ["", "../admin", `${newAccount().publicKey}?x`, operator.keys.publicKey]) {
    assert.equal((await resolver.fetchJwt(id)).found, false);
  }
  assert.deepEqual(http.asked, []);
});

test("url: failures are told in the reference's form, without a password", async () => {
  const http = new FakeHttp();
  const resolver = new UrlResolver("http://me:secret@h/jwt", http);
  http.answer = { ok: true, status: 404, statusText: "Not Found", body: "" };
  assert.equal(await resolver.start(), 'could not fetch <"http://me:xxxxx@h/jwt/">: 404 Not Found');
  http.answer = { ok: false, problem: "timed out" };
  assert.equal(await resolver.start(), 'could not fetch <"http://me:xxxxx@h/jwt/">: timed out');
  const broken = new UrlResolver("http://me:secret@h:port/", http);
  assert.doesNotMatch((await broken.start()) ?? "", /secret/);
});

class Bench {
  readonly clock = new VirtualClock((run) => setImmediate(run));
  readonly timers = new TimerQueue(this.clock);
  readonly directory = new FakeClaimsDirectory();
  readonly asked: string[] = [];
  readonly resolver: DirectoryResolver;
  peersAnswer: (text: string) => void = () => assert.fail("nobody was asked");
  isListening = false;

  constructor(peerCount: number | null) {
    const { clock, timers, directory } = this;
    const rules = { limit: 10, evicts: true, ttlMs: 0, deletion: "remove" } as const;
    const ports = { directory, clock, timers, log: SILENT_LOG, claims: operator.rules };
    const settings = { timers, timeoutMs: 1_900 };
    this.resolver = new DirectoryResolver("cache", new JwtStore(rules, ports), settings);
    if (peerCount === null) return;
    this.resolver.peers = {
      count: peerCount,
      request: (subject, payload, onAnswer) => {
        assert.equal(payload, "");
        this.asked.push(subject);
        this.peersAnswer = onAnswer;
        this.isListening = true;
        return () => {
          this.isListening = false;
        };
      },
    };
  }
}

test("cache: what is not in the folder comes from another server and is kept", async () => {
  const id = newAccount().publicKey;
  const bench = new Bench(3);
  const fetching = bench.resolver.fetchJwt(id);
  await bench.clock.settled();
  bench.peersAnswer("");
  bench.peersAnswer(operator.account(id));
  assert.deepEqual(await fetching, { found: true, jwt: operator.account(id) });
  assert.deepEqual(bench.asked, [`$SYS.REQ.ACCOUNT.${id}.CLAIMS.LOOKUP`]);
  assert.equal(bench.isListening, false);
  assert.deepEqual([...bench.directory.files.keys()], [`${id}.jwt`]);
  assert.deepEqual(await bench.resolver.fetchJwt(id), { found: true, jwt: operator.account(id) });
  assert.equal(bench.asked.length, 1);
});

test("cache: when all servers say they have none, there is none", async () => {
  const bench = new Bench(2);
  const fetching = bench.resolver.fetchJwt(newAccount().publicKey);
  await bench.clock.settled();
  bench.peersAnswer("");
  assert.ok(bench.isListening);
  bench.peersAnswer("");
  assert.deepEqual(await fetching, { found: false, reason: "account jwt not found" });
  assert.equal(bench.timers.size, 0);
});

test("cache: nobody waits longer than the timeout", async () => {
  const bench = new Bench(2);
  const fetching = bench.resolver.fetchJwt(newAccount().publicKey);
  await bench.clock.settled();
  await bench.clock.advance(1_899);
  assert.ok(bench.isListening);
  await bench.clock.advance(1);
  assert.deepEqual(await fetching, { found: false, reason: "fetching jwt timed out" });
  assert.equal(bench.isListening, false);
});

test("cache: an answer that is not signed by the operator is not an account", async () => {
  const id = newAccount().publicKey;
  const bench = new Bench(1);
  const fetching = bench.resolver.fetchJwt(id);
  await bench.clock.settled();
  bench.peersAnswer(operator.account(id, { signer: newOperator() }));
  assert.equal((await fetching).found, false);
  assert.equal(bench.directory.files.size, 0);
});

test("cache: without other servers what is not in the folder does not exist", async () => {
  const bench = new Bench(null);
  assert.equal((await bench.resolver.fetchJwt(newAccount().publicKey)).found, false);
  assert.equal((await bench.resolver.fetchJwt("x")).found, false);
});
