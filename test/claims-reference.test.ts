/** Requests about accounts' JWTs in the system account: the same answers as the reference's, for each kind of resolver. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as jwt from "@nats-io/jwt";
import { createAccount, createOperator, createUser } from "@nats-io/nkeys";
import { connect, createInbox, jwtAuthenticator, type NatsConnection } from "@nats-io/transport-node";
import { TimerQueue } from "../packages/caddis/src/base/timer-queue.ts";
import { AccountLoader, followStore } from "../packages/caddis/src/auth/resolver/account-loader.ts";
import { operatorRules } from "../packages/caddis/src/auth/resolver/claims.ts";
import {
  claimsEndpoints,
  type ClaimsEndpoint,
} from "../packages/caddis/src/auth/resolver/claims-requests.ts";
import { DirectoryResolver } from "../packages/caddis/src/auth/resolver/directory-resolver.ts";
import { JwtStore } from "../packages/caddis/src/auth/resolver/jwt-store.ts";
import { MemoryResolver } from "../packages/caddis/src/auth/resolver/memory-resolver.ts";
import type { Resolver } from "../packages/caddis/src/auth/resolver/resolver.ts";
import { decodeClaims } from "../packages/caddis/src/auth/jwt.ts";
import { isProblem } from "../packages/caddis/src/auth/claims/fields.ts";
import { SILENT_LOG } from "../packages/caddis/src/io/log.ts";
import { claimsDirectory } from "../packages/caddis/src/io/node/claims-directory.ts";
import { VirtualClock } from "../packages/caddis/src/io/virtual-clock.ts";
import { findReferenceServer, ServerProcess } from "./support/server-process.ts";

const reference = findReferenceServer();

type Kind = "full" | "full, deleting" | "full, strict" | "cache" | "memory";

/** Unlimited, as far as the tests need it. */
const ACCOUNT = {
  limits: {
    subs: -1,
    data: -1,
    payload: -1,
    imports: -1,
    exports: -1,
    wildcards: true,
    conn: -1,
    leaf: -1,
  },
};

/** What both servers are told of an operator: made by the official libraries. */
async function makeTenancy(isStrict: boolean) {
  const [operator, signing, stranger] = [createOperator(), createOperator(), createOperator()];
  const [system, used, unused, broken] = [createAccount(), createAccount(), createAccount(), createAccount()];
  const user = createUser();
  // With strict usage no identity key signs anything: accounts have a key for their users, too.
  const users = createAccount();
  const signer = isStrict ? signing : operator;
  const id = (keys: { getPublicKey(): string }): string => keys.getPublicKey();
  const account = (name: string, keys: typeof system, by = signer): Promise<string> =>
    jwt.encodeAccount(name, keys, { ...ACCOUNT, signing_keys: [id(users)] }, { signer: by });
  const deletion = (data: Record<string, unknown>, by = operator): Promise<string> =>
    jwt.encodeGeneric("delete", by, "generic", data);
  const operatorClaims = {
    signing_keys: [id(signing)],
    system_account: id(system),
    strict_signing_key_usage: isStrict,
  };
  return {
    ids: { system: id(system), used: id(used), unused: id(unused), broken: id(broken) },
    operatorId: id(operator),
    strangerId: id(stranger),
    keys: new Set(isStrict ? [id(signing)] : [id(operator), id(signing)]),
    operatorJwt: await jwt.encodeOperator("O", operator, operatorClaims),
    systemJwt: await account("SYS", system),
    usedJwt: await account("A", used),
    usedJwtUpdated: await account("A2", used),
    unusedJwt: await account("B", unused),
    byOperator: await account("A3", used, operator),
    brokenJwt: await jwt.encodeAccount(
      "C",
      broken,
      { ...ACCOUNT, exports: [{ name: "x", subject: "a..b", type: "stream" }] } as never,
      { signer },
    ),
    userJwt: await jwt.encodeUser("U", user, used, {}, { signer: users }),
    systemUserJwt: await jwt.encodeUser("U", user, system, {}, { signer: users }),
    userSeed: user.getSeed(),
    deletion: {
      byStranger: await deletion({ accounts: [id(used)] }, stranger),
      malformed: await deletion({ accounts: "x" }),
      missing: await deletion({}),
      notAnAccount: await deletion({ accounts: [id(operator)] }),
      system: await deletion({ accounts: [id(system)] }),
      good: await deletion({ accounts: [id(unused), id(broken)] }),
    },
  };
}

type Tenancy = Awaited<ReturnType<typeof makeTenancy>>;

/** Subject, payload, and whether the reason behind the message may be worded otherwise. */
type Request = readonly [subject: string, payload: string, reasonDiffers?: boolean];

function requestsFor({ ids, ...tokens }: Tenancy): Request[] {
  const { used, unused, broken } = ids;
  const addressed = (id: string): string[] => [
    `$SYS.REQ.ACCOUNT.${id}.CLAIMS.UPDATE`,
    `$SYS.ACCOUNT.${id}.CLAIMS.UPDATE`,
  ];
  const updates = [...addressed(used), "$SYS.REQ.CLAIMS.UPDATE"].flatMap((subject): Request[] => [
    [subject, "", true],
    [subject, "garbage", true],
    [subject, tokens.userJwt],
    [subject, tokens.usedJwtUpdated],
    [subject, tokens.byOperator],
    [subject, tokens.usedJwt],
  ]);
  const lookup = (id: string): Request => [`$SYS.REQ.ACCOUNT.${id}.CLAIMS.LOOKUP`, ""];
  const deletions = Object.values(tokens.deletion).map((payload): Request => [
    "$SYS.REQ.CLAIMS.DELETE",
    payload,
  ]);
  return [
    ["$SYS.REQ.CLAIMS.LIST", ""],
    ...updates,
    ...addressed(used).map((subject): Request => [subject, tokens.unusedJwt]),
    ...addressed(unused).map((subject): Request => [subject, tokens.unusedJwt]),
    ...addressed(broken).map((subject): Request => [subject, tokens.brokenJwt]),
    ["$SYS.REQ.CLAIMS.UPDATE", tokens.brokenJwt],
    lookup(used),
    lookup(unused),
    lookup(createAccount().getPublicKey()),
    ["$SYS.REQ.CLAIMS.LIST", ""],
    ["$SYS.REQ.CLAIMS.PACK", ""],
    ["$SYS.REQ.CLAIMS.DELETE", "garbage", true],
    ["$SYS.REQ.CLAIMS.DELETE", tokens.usedJwt],
    ...deletions,
    lookup(unused),
    ["$SYS.REQ.CLAIMS.LIST", ""],
  ];
}

/** An answer without what differs between any two servers. */
function normalized(answer: string, reasonDiffers = false): string {
  const text = answer.replace(/"server":\{(?:[^{}]|\{[^{}]*\})*\}/, '"server":{}');
  return reasonDiffers ? text.replace(/ - .*"/, ' - …"') : text;
}

/** All answers to a request: one, or up to the empty one that ends a pack; null when nobody listens. */
async function ask(client: NatsConnection, [subject, payload, differs]: Request): Promise<string[] | null> {
  const inbox = createInbox();
  const answers: string[] = [];
  const subscription = client.subscribe(inbox);
  client.publish(subject, payload, { reply: inbox });
  for await (const message of subscription) {
    if (message.headers?.code === 503) return null;
    answers.push(normalized(message.string(), differs));
    if (!subject.endsWith("PACK") || message.data.length === 0) break;
  }
  return answers;
}

async function referenceAnswers(
  kind: Kind,
  folder: string,
  tenancy: Tenancy,
  requests: readonly Request[],
): Promise<(string[] | null)[]> {
  const type = kind.split(",")[0];
  const extra = kind === "full, deleting" ? ", allow_delete: true" : "";
  const resolver = kind === "memory" ? "MEM" : `{ type: ${type}, dir: ${JSON.stringify(folder)}${extra} }`;
  const server = await ServerProcess.start({
    command: reference ?? "",
    config: `operator: "${tenancy.operatorJwt}"
resolver: ${resolver}
resolver_preload { ${tenancy.ids.system}: "${tenancy.systemJwt}", ${tenancy.ids.used}: "${tenancy.usedJwt}" }`,
  });
  const open = (token: string): Promise<NatsConnection> =>
    connect({
      port: server.port,
      authenticator: jwtAuthenticator(token, tenancy.userSeed),
      reconnect: false,
    });
  try {
    const [user, system] = [await open(tenancy.userJwt), await open(tenancy.systemUserJwt)];
    const answers: (string[] | null)[] = [];
    for (const request of requests) answers.push(await ask(system, request));
    await user.close();
    await system.close();
    return answers;
  } finally {
    await server.stop();
  }
}

async function ourAnswers(
  kind: Kind,
  folder: string,
  tenancy: Tenancy,
  requests: readonly Request[],
): Promise<(string[] | null)[]> {
  const clock = new VirtualClock((run) => setImmediate(run), Date.now());
  const claims = operatorRules((issuer) => tenancy.keys.has(issuer));
  const resolver = openResolver(kind, folder, clock, claims);
  const loader = new AccountLoader({
    resolver,
    clock,
    log: SILENT_LOG,
    verify(token) {
      const decoded = decodeClaims("account", token);
      if (isProblem(decoded)) return { ok: false, problem: decoded.problem };
      if (!claims.isTrusted(decoded.iss)) return { ok: false, problem: "account validation failed" };
      return { ok: true, accountId: decoded.sub, claims: decoded, expiresMs: Infinity };
    },
    listener: { onClaims: () => undefined, onGone: () => undefined },
  });
  if (resolver instanceof DirectoryResolver) followStore(resolver.jwts, loader, SILENT_LOG);
  assert.equal(await resolver.start(), null);
  await resolver.store(tenancy.ids.system, tenancy.systemJwt);
  await resolver.store(tenancy.ids.used, tenancy.usedJwt);
  for (const id of [tenancy.ids.system, tenancy.ids.used]) assert.ok((await loader.load(id)).ok);
  const endpoints = claimsEndpoints(resolver, {
    claims,
    operator: { subject: tenancy.operatorId, isStrict: kind === "full, strict", keys: tenancy.keys },
    accounts: loader,
    systemAccount: tenancy.ids.system,
    clock,
    log: SILENT_LOG,
    server: () => ({}),
  });
  const answers: (string[] | null)[] = [];
  for (const [subject, payload, differs] of requests) {
    const endpoint = endpoints.find((one) => listensOn(one, subject));
    const texts: string[] = [];
    const request = { subject, payload: Buffer.from(payload), wantsReply: true };
    await endpoint?.handle(request, (text) => texts.push(normalized(text, differs)));
    answers.push(endpoint === undefined ? null : texts);
  }
  await resolver.close();
  return answers;
}

function openResolver(
  kind: Kind,
  folder: string,
  clock: VirtualClock,
  claims: ReturnType<typeof operatorRules>,
): Resolver {
  if (kind === "memory") return new MemoryResolver();
  const timers = new TimerQueue(clock);
  const directory = claimsDirectory(folder, 1e6);
  const isCache = kind === "cache";
  const deletion = isCache ? "remove" : kind === "full, deleting" ? "rename" : "none";
  const rules = { limit: isCache ? 1_000 : Infinity, evicts: isCache, ttlMs: 0, deletion } as const;
  const store = new JwtStore(rules, { directory, clock, timers, log: SILENT_LOG, claims });
  return new DirectoryResolver(isCache ? "cache" : "full", store, { timers, timeoutMs: 1_900 });
}

function listensOn(endpoint: ClaimsEndpoint, subject: string): boolean {
  const tokens = subject.split(".");
  const pattern = endpoint.subject.split(".");
  return tokens.length === pattern.length && pattern.every((one, i) => one === "*" || one === tokens[i]);
}

for (const kind of ["memory", "full", "full, deleting", "full, strict", "cache"] as const) {
  test(`a ${kind} resolver answers as the reference's`, async (t) => {
    if (reference === null) return t.skip("no nats-server on PATH");
    const folder = await mkdtemp(join(tmpdir(), "caddis-claims-"));
    t.after(() => rm(folder, { recursive: true }));
    const tenancy = await makeTenancy(kind === "full, strict");
    const requests = requestsFor(tenancy);
    const expected = await referenceAnswers(kind, join(folder, "theirs"), tenancy, requests);
    const actual = await ourAnswers(kind, join(folder, "ours"), tenancy, requests);
    for (const [i, [subject]] of requests.entries()) {
      assert.deepEqual(actual[i], expected[i], `request ${i}: ${subject}`);
    }
  });
}
