import assert from "node:assert/strict";
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
import type { ClaimsRules } from "./claims.ts";
import {
  claimsEndpoints,
  packRequest,
  takePack,
  type ClaimsEndpoint,
  type ClaimsRequestsContext,
} from "./claims-requests.ts";
import { DirectoryResolver } from "./directory-resolver.ts";
import { JwtStore, type StoreRules } from "./jwt-store.ts";
import { MemoryResolver } from "./memory-resolver.ts";
import type { Resolver } from "./resolver.ts";

const operator = new OperatorFixture();
const SYSTEM = newAccount().publicKey;
const SERVER = { name: "<s>" };

const UPDATE = "$SYS.REQ.CLAIMS.UPDATE";
const LIST = "$SYS.REQ.CLAIMS.LIST";
const DELETE = "$SYS.REQ.CLAIMS.DELETE";
const PACK = "$SYS.REQ.CLAIMS.PACK";

class Bench {
  readonly clock = new VirtualClock((run) => setImmediate(run));
  readonly directory = new FakeClaimsDirectory();
  readonly loaded = new Set<string>();
  readonly applied: string[] = [];
  readonly logged: string[] = [];
  readonly log: Log = {
    ...SILENT_LOG,
    debug: (text) => this.logged.push(`debug ${text}`),
    error: (text) => this.logged.push(`error ${text}`),
  };
  rules: ClaimsRules = operator.rules;
  isStrict = false;
  applyProblem: string | null = null;

  directoryResolver(kind: "full" | "cache", deletion: StoreRules["deletion"] = "rename"): DirectoryResolver {
    const { clock, directory } = this;
    const timers = new TimerQueue(clock);
    const rules = { limit: 10, evicts: kind === "cache", ttlMs: 0, deletion };
    const store = new JwtStore(rules, { directory, clock, timers, log: SILENT_LOG, claims: operator.rules });
    return new DirectoryResolver(kind, store, { timers, timeoutMs: 1_900 });
  }

  /** What a server with that resolver answers; null: nobody listens there. */
  async ask(
    resolver: Resolver,
    subject: string,
    payload: string | Uint8Array = "",
    wantsReply = true,
  ): Promise<string[] | null> {
    const endpoint = claimsEndpoints(resolver, this.#context()).find((one) => listensOn(one, subject));
    if (endpoint === undefined) return null;
    const answers: string[] = [];
    const request = { subject, payload: Buffer.from(payload), wantsReply };
    await endpoint.handle(request, (text) => answers.push(text));
    return answers;
  }

  /** The one answer, as an object without the server's block. */
  async outcome(resolver: Resolver, subject: string, payload = ""): Promise<unknown> {
    const [answer, ...more] = (await this.ask(resolver, subject, payload)) ?? [];
    assert.deepEqual(more, []);
    const { server, ...rest } = JSON.parse(answer) as { server: unknown };
    assert.deepEqual(server, SERVER);
    return rest;
  }

  #context(): ClaimsRequestsContext {
    return {
      claims: this.rules,
      operator: {
        subject: operator.keys.publicKey,
        isStrict: this.isStrict,
        keys: new Set([operator.keys.publicKey]),
      },
      accounts: {
        isLoaded: (id) => this.loaded.has(id),
        apply: (_id, jwt) => {
          this.applied.push(jwt);
          return this.applyProblem;
        },
      },
      systemAccount: SYSTEM,
      clock: this.clock,
      log: this.log,
      server: () => SERVER,
    };
  }
}

function listensOn(endpoint: ClaimsEndpoint, subject: string): boolean {
  const tokens = subject.split(".");
  const pattern = endpoint.subject.split(".");
  return tokens.length === pattern.length && pattern.every((one, i) => one === "*" || one === tokens[i]);
}

function done(account: string, message: string): unknown {
  return { data: { account, code: 200, message } };
}

function failed(account: string, description: string): unknown {
  return { error: { account, code: 500, description } };
}

test("memory: updates accounts in use, and what is fetched later", async () => {
  const bench = new Bench();
  const { publicKey: id } = newAccount();
  const resolver = new MemoryResolver();
  for (const subject of [`$SYS.REQ.ACCOUNT.${id}.CLAIMS.UPDATE`, `$SYS.ACCOUNT.${id}.CLAIMS.UPDATE`]) {
    bench.loaded.clear();
    const jwt = operator.account(id);
    assert.deepEqual(
      await bench.outcome(resolver, subject, ""),
      failed(id, "jwt update error - request body is empty"),
    );
    assert.deepEqual(
      await bench.outcome(resolver, subject, operator.account(SYSTEM)),
      failed(id, "jwt update resulted in error - subject does not match jwt content"),
    );
    assert.deepEqual(await bench.outcome(resolver, subject, jwt), done(id, "jwt update skipped"));
    bench.loaded.add(id);
    bench.applyProblem = "account validation failed";
    assert.deepEqual(
      await bench.outcome(resolver, subject, jwt),
      failed(id, "jwt update resulted in error - account validation failed"),
    );
  }
  assert.equal((await resolver.fetchJwt(id)).found, false);
  bench.applyProblem = null;
  const jwt = operator.account(id);
  const subject = `$SYS.REQ.ACCOUNT.${id}.CLAIMS.UPDATE`;
  assert.deepEqual(await bench.outcome(resolver, subject, jwt), done(id, "jwt updated"));
  assert.deepEqual(await resolver.fetchJwt(id), { found: true, jwt });
  for (const other of [UPDATE, LIST, DELETE, PACK, `$SYS.REQ.ACCOUNT.${id}.CLAIMS.LOOKUP`]) {
    assert.equal(await bench.ask(resolver, other), null);
  }
});

test("full: keeps updates of the operator's accounts", async () => {
  const bench = new Bench();
  const resolver = bench.directoryResolver("full");
  const { publicKey: id } = newAccount();
  const addressed = `$SYS.REQ.ACCOUNT.${id}.CLAIMS.UPDATE`;
  for (const [i, subject] of [UPDATE, addressed, `$SYS.ACCOUNT.${id}.CLAIMS.UPDATE`].entries()) {
    const jwt = operator.account(id, { name: `${i}` });
    assert.deepEqual(await bench.outcome(resolver, subject, jwt), done(id, "jwt updated"));
    assert.equal(bench.directory.files.get(`${id}.jwt`), jwt);
    assert.deepEqual(
      await bench.outcome(resolver, subject, operator.deletion([id])),
      failed("n/a", "jwt update resulted in error - not account claim"),
    );
    assert.deepEqual(
      await bench.outcome(resolver, subject, operator.account(id, { signer: newOperator() })),
      failed(id, "jwt update resulted in error - account validation failed"),
    );
    bench.isStrict = true;
    assert.deepEqual(
      await bench.outcome(resolver, subject, operator.account(id, { name: "strict" })),
      failed(id, "jwt update resulted in error - operator requires issuer to be a signing key"),
    );
    bench.isStrict = false;
  }
  assert.deepEqual(
    await bench.outcome(resolver, addressed, operator.account(SYSTEM)),
    failed(id, "jwt update resulted in error - subject does not match jwt content"),
  );
  assert.deepEqual([...bench.directory.files.keys()], [`${id}.jwt`]);
});

test("cache: keeps updates of accounts in use only", async () => {
  const bench = new Bench();
  const resolver = bench.directoryResolver("cache");
  const { publicKey: id } = newAccount();
  const addressed = `$SYS.REQ.ACCOUNT.${id}.CLAIMS.UPDATE`;
  const skipped = done(id, "jwt update cache skipped");
  assert.deepEqual(await bench.outcome(resolver, UPDATE, operator.account(id)), skipped);
  assert.deepEqual(await bench.outcome(resolver, addressed, operator.account(id)), skipped);
  assert.equal(bench.directory.files.size, 0);
  bench.loaded.add(id);
  const updated = done(id, "jwt updated cache");
  assert.deepEqual(await bench.outcome(resolver, addressed, operator.account(id)), updated);
  assert.deepEqual(await bench.outcome(resolver, UPDATE, operator.account(id, { name: "B" })), updated);
  assert.equal(bench.directory.files.size, 1);
  assert.partialDeepStrictEqual(await bench.outcome(resolver, addressed, "x"), { error: { account: id } });
  assert.partialDeepStrictEqual(await bench.outcome(resolver, UPDATE, "x"), { error: { account: "n/a" } });
  for (const other of [PACK, `$SYS.REQ.ACCOUNT.${id}.CLAIMS.LOOKUP`]) {
    assert.equal(await bench.ask(resolver, other), null);
  }
});

test("claims with blocking problems are refused", async () => {
  for (const kind of ["full", "cache"] as const) {
    const bench = new Bench();
    const { publicKey: id } = newAccount();
    bench.loaded.add(id);
    bench.rules = { ...operator.rules, problemWith: () => "validation errors: [no]" };
    const message = kind === "full" ? "jwt validation failed" : "jwt update cache validation failed";
    assert.deepEqual(
      await bench.outcome(bench.directoryResolver(kind), UPDATE, operator.account(id)),
      failed(id, `${message} - validation errors: [no]`),
    );
    assert.equal(bench.directory.files.size, 0);
  }
});

test("answers are the reference's JSON, and nobody is answered who did not ask for it", async () => {
  const bench = new Bench();
  const resolver = bench.directoryResolver("full");
  const { publicKey: id } = newAccount();
  const jwt = operator.account(id);
  assert.deepEqual(await bench.ask(resolver, UPDATE, jwt, false), []);
  assert.deepEqual(bench.logged, [`debug jwt updated - ${id}`]);
  assert.deepEqual(await bench.ask(resolver, UPDATE, jwt), [
    `{"server":{"name":"\\u003cs\\u003e"},"data":{"account":"${id}","code":200,"message":"jwt updated"}}`,
  ]);
  assert.deepEqual(await bench.ask(resolver, LIST), [
    `{"data":["${id}"],"server":{"name":"\\u003cs\\u003e"}}`,
  ]);
  for (const subject of [LIST, PACK, `$SYS.REQ.ACCOUNT.${id}.CLAIMS.LOOKUP`]) {
    assert.deepEqual(await bench.ask(resolver, subject, "", false), []);
  }
});

test("full: looks accounts up, and says so when there is none", async () => {
  const bench = new Bench();
  const resolver = bench.directoryResolver("full");
  const { publicKey: id } = newAccount();
  await resolver.jwts.save(id, operator.account(id));
  const lookup = (one: string): string => `$SYS.REQ.ACCOUNT.${one}.CLAIMS.LOOKUP`;
  assert.deepEqual(await bench.ask(resolver, lookup(id)), [operator.account(id)]);
  assert.deepEqual(await bench.ask(resolver, lookup(newAccount().publicKey)), [""]);
  assert.deepEqual(await bench.ask(resolver, lookup("x")), []);
});

test("full: packs go to who holds others, and bring two servers to the same", async () => {
  const [one, two] = [new Bench(), new Bench()];
  const [from, to] = [one.directoryResolver("full"), two.directoryResolver("full")];
  for (const id of [newAccount().publicKey, newAccount().publicKey]) {
    await from.jwts.save(id, operator.account(id));
  }
  const request = packRequest(to);
  assert.equal(request.subject, PACK);
  const answers = (await one.ask(from, request.subject, request.payload)) ?? [];
  assert.equal(answers.length, 3);
  assert.equal(answers.at(-1), "");
  for (const answer of answers) await takePack(to, Buffer.from(answer), two.log);
  assert.deepEqual(to.jwts.list(), from.jwts.list());
  assert.deepEqual(await one.ask(from, PACK, packRequest(to).payload), [""]);
  await takePack(to, Buffer.from("nonsense"), two.log);
  assert.match(two.logged.join(), /^error DirResolver - Merging resulted in error: /);
});

test("only the operator deletes accounts, and not the system account", async () => {
  const { publicKey: id } = newAccount();
  const file = `${id}.jwt`;
  const id2 = newAccount().publicKey;
  const { publicKey: who } = operator.keys;
  const stranger = newOperator();
  const bench = new Bench();
  const resolver = bench.directoryResolver("full");
  await resolver.jwts.save(id, operator.account(id));
  const refusal = async (request: string): Promise<string> => {
    const { error } = (await bench.outcome(resolver, DELETE, request)) as { error: { description: string } };
    assert.deepEqual(Object.keys(error), ["code", "description"]);
    assert.ok(bench.directory.files.has(file), "nothing is deleted");
    return error.description;
  };
  const by = `delete accounts request by ${who} failed - `;
  assert.equal(
    await refusal(operator.deletion([id], { signer: stranger })),
    `delete accounts request by ${stranger.publicKey} failed - not trusted`,
  );
  assert.equal(
    await refusal(operator.deletion([id], { sub: id })),
    `delete accounts request by ${id} failed - not self signed`,
  );
  assert.equal(await refusal(operator.deletion([id], { exp: ISSUED - 1 })), `${by}claim is expired`);
  assert.equal(await refusal(operator.deletion([id, SYSTEM])), `${by}not allowed to delete system account`);
  for (const accounts of [undefined, null, id, {}, [""], [id, 1], [id, "x"], [id, who]]) {
    assert.equal(await refusal(operator.deletion(accounts)), `${by}malformed request`);
  }
  assert.match(await refusal("garbage"), /^delete accounts request by {2}failed - /);
  assert.match(await refusal(operator.account(id)), /not self signed/);

  const allowed = operator.deletion([id, id2], { exp: ISSUED + 1 });
  assert.deepEqual(await bench.outcome(resolver, DELETE, allowed), {
    data: { code: 200, message: "deleted 2 accounts" },
  });
  assert.deepEqual([...bench.directory.files.keys()], [`${file}.deleted`]);

  const kept = bench.directoryResolver("full", "none");
  assert.deepEqual(await bench.outcome(kept, DELETE, allowed), {
    error: { code: 500, description: `${by}delete must be enabled in server config` },
  });
});

test("a deletion that fails is told with how many did not", async () => {
  const bench = new Bench();
  const resolver = bench.directoryResolver("cache", "remove");
  bench.directory.remove = () => Promise.resolve({ ok: false, problem: "remove /accounts/x: busy" });
  const { publicKey: id } = newAccount();
  assert.deepEqual(await bench.outcome(resolver, DELETE, operator.deletion([id])), {
    error: { code: 500, description: "deleted 0 accounts, failed for 1 - remove /accounts/x: busy" },
  });
});
