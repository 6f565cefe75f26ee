/**
 * Operator mode side by side with the reference server: it is given an operator, accounts and users with tokens
 * of all kinds, and lets in whom we let in, with the permissions we give.
 */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { accountOf, type JwtAccount } from "../packages/caddis/src/auth/account-claims.ts";
import { isProblem } from "../packages/caddis/src/auth/claims/fields.ts";
import type { AuthRequest } from "../packages/caddis/src/auth/identity.ts";
import { decodeClaims, encodeJwt } from "../packages/caddis/src/auth/jwt.ts";
import type { KeyPair } from "../packages/caddis/src/auth/nkey-pair.ts";
import { trustKeys } from "../packages/caddis/src/auth/operator.ts";
import {
  admitUser,
  readUserToken,
  type UserRules,
  type UserVerdict,
} from "../packages/caddis/src/auth/user-claims.ts";
import type { Permissions } from "../packages/caddis/src/config/permissions.ts";
import { SeededRandom } from "../packages/caddis/src/io/seeded-random.ts";
import { pick } from "./fuzz/seeds.ts";
import { JwtWorld, keyPair } from "./support/jwt-world.ts";
import { RawClient } from "./support/raw-client.ts";
import { findReferenceServer, ServerProcess } from "./support/server-process.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;

/** Users of random make. */
const RANDOM_USERS = 120;

const world = new JwtWorld();
const now = Math.floor(Date.now() / 1_000);
const system = keyPair("account", 20);
const disallowing = keyPair("account", 21);
const revoking = keyPair("account", 22);
const foreign = keyPair("account", 23);
const stranger = keyPair("user", 30);
const NO_LIMITS = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, conn: -1, leaf: -1 };

/** What every client here needs to ask what it may do. */
const ASKING = ["$SYS.REQ.USER.INFO", "_INBOX.>"];

const TEMPLATES = [
  "a.{{name()}}.>",
  "b.{{subject()}}",
  "c.{{account-name()}}.{{account-subject()}}",
  "d.{{tag(dept)}}",
  "e.{{tag(dept)}}.{{tag(level)}}",
  "f.{{ account-tag(region) }}.{{NAME()}}",
  "g.{{tag(none)}}",
  "h.{{tag(dept)}}.{{tag(dept)}}",
  "plain",
  "p.*",
];

/** Scopes, each with a signing key of its own. */
function scopes(random: SeededRandom): { readonly signer: KeyPair; readonly template: object }[] {
  const some = (from: readonly string[]): string[] => from.filter(() => random.below(3) === 0);
  return Array.from({ length: 24 }, (_, i) => {
    const denied = [...TEMPLATES, "q.{{nope()}}", "no"];
    const deny = random.below(4) === 0 ? some(denied) : ["no", "d.{{subject()}}"];
    const pub =
      random.below(3) === 0
        ? { deny }
        : { allow: [...ASKING, ...some(TEMPLATES)], deny: some(["x", "d.{{tag(dept)}}"]) };
    const sub = random.below(2) === 0 ? {} : { allow: [...ASKING, ...some(TEMPLATES)] };
    const resp =
      random.below(4) === 0 ? { max: random.below(3), ttl: random.below(3) * 1_000_000_000 } : undefined;
    const types = pick(random, [
      undefined,
      undefined,
      undefined,
      ["STANDARD"],
      ["WEBSOCKET"],
      ["PIGEON", "standard"],
    ]);
    const template = { pub, sub, resp, allowed_connection_types: types, bearer_token: random.below(5) === 0 };
    return { signer: keyPair("account", 40 + i), template };
  });
}

function accounts(
  scoped: readonly { readonly signer: KeyPair; readonly template: object }[],
): Map<string, string> {
  const keys = scoped.map(({ signer, template }) => ({
    kind: "user_scope",
    key: signer.publicKey,
    role: "",
    template,
  }));
  const revocations = { [world.user.publicKey]: now - 100, "*": now - 1_000 };
  const make = (id: KeyPair, name: string, nats: object, signer = world.operator): [string, string] => [
    id.publicKey,
    encodeJwt(
      "account",
      { sub: id.publicKey, name, nats: { limits: NO_LIMITS, ...nats } },
      signer,
      now * 1_000,
    ),
  ];
  return new Map([
    make(system, "SYS", {}),
    make(world.account, "acme", {
      signing_keys: [world.signer.publicKey, ...keys],
      tags: ["region:eu", "region:us"],
      default_permissions: { pub: { deny: ["default.denied"] } },
    }),
    make(disallowing, "no bearer", { limits: { ...NO_LIMITS, disallow_bearer: true } }),
    make(revoking, "revoking", { revocations }),
    make(foreign, "foreign", {}, keyPair("operator", 66)),
  ]);
}

/** A client to be, and what it is called when sides differ about it. */
interface Candidate {
  readonly name: string;
  readonly jwt: string;
  readonly signer: KeyPair;
  readonly nonce?: string;
}

function user(given: object, nats: object, issuer: KeyPair, iat = now - 50): string {
  const all = {
    sub: world.user.publicKey,
    name: "alice",
    ...given,
    nats: { subs: -1, data: -1, payload: -1, ...nats },
  };
  return encodeJwt("user", all, issuer, iat * 1_000);
}

/** One of each kind that is let in or turned away for a reason of its own. */
function table(): Candidate[] {
  const candidate = (name: string, jwt: string, signer = world.user): Candidate => ({ name, jwt, signer });
  const own = { issuer_account: world.account.publicKey };
  const of = (nats: object, given: object = {}): string => user(given, nats, world.account);
  const hour = (offset: number): string =>
    new Date((now + offset * 3_600) * 1_000).toISOString().slice(11, 19);
  return [
    candidate("plain", of({})),
    candidate("another's signature", of({}), stranger),
    candidate("no token", ""),
    candidate("nonsense", "a.b.c"),
    candidate("an account's token", accounts([]).get(world.account.publicKey) ?? ""),
    candidate("by a signing key", user({}, own, world.signer)),
    candidate("by a signing key, of itself", user({}, {}, world.signer)),
    candidate("by an unknown key", user({}, own, world.other)),
    candidate("of an unknown account", user({}, {}, world.other)),
    candidate("of a foreign account", user({}, {}, foreign)),
    candidate("bearer", of({ bearer_token: true }), stranger),
    candidate("bearer where none may be", user({}, { bearer_token: true }, disallowing), stranger),
    candidate("no bearer there", user({}, {}, disallowing)),
    candidate("revoked", user({}, {}, revoking, now - 100)),
    candidate("issued since", user({}, {}, revoking, now - 99)),
    candidate("revoked with all", user({ sub: stranger.publicKey }, {}, revoking, now - 1_000), stranger),
    candidate("issued since all were", user({ sub: stranger.publicKey }, {}, revoking, now - 999), stranger),
    candidate("expired", of({}, { exp: now - 10 })),
    candidate("not expired", of({}, { exp: now + 1_000 })),
    candidate("not yet", of({}, { nbf: now + 1_000 })),
    candidate("from here", of({ src: ["127.0.0.0/8"] })),
    candidate("from there", of({ src: ["192.0.2.0/24", "::/0"] })),
    candidate("from here or there", of({ src: ["192.0.2.0/24", "127.0.0.1/32"] })),
    candidate("from nowhere", of({ src: ["x"] })),
    candidate("now", of({ times: [{ start: hour(-1), end: hour(1) }], times_location: "UTC" })),
    candidate(
      "now in two ranges",
      of({
        times: [
          { start: hour(-3), end: hour(-2) },
          { start: hour(-2), end: hour(2) },
        ],
        times_location: "UTC",
      }),
    ),
    candidate("not now", of({ times: [{ start: hour(1), end: hour(2) }], times_location: "UTC" })),
    candidate("elsewhere", of({ times: [{ start: hour(-1), end: hour(1) }], times_location: "Asia/Tokyo" })),
    candidate("nowhere", of({ times: [{ start: hour(-1), end: hour(1) }], times_location: "Nowhere/City" })),
    candidate("no range", of({ times: [{ start: "8", end: "9" }], times_location: "UTC" })),
    candidate("standard", of({ allowed_connection_types: ["standard"] })),
    candidate("WebSocket", of({ allowed_connection_types: ["WEBSOCKET"] })),
    candidate("pigeon", of({ allowed_connection_types: ["PIGEON"] })),
    candidate("pigeon or standard", of({ allowed_connection_types: ["PIGEON", "STANDARD"] })),
    candidate("proxy", of({ proxy_required: true })),
    candidate("bad subject", of({ pub: { allow: ["a b"] } })),
    candidate("permissions", of({ pub: { allow: [...ASKING, "x"], deny: ["y"] }, sub: { deny: ["z q"] } })),
    candidate("responses", of({ pub: { allow: ASKING }, resp: { max: 5, ttl: 0 } })),
    candidate("empty lists", of({ pub: { allow: [], deny: [] }, sub: { allow: [], deny: ["z"] } })),
    candidate("own account, no account", of({ issuer_account: "x" })),
  ];
}

/** Scoped users with names and tags that templates trip over. */
function randomUsers(random: SeededRandom, signers: readonly KeyPair[]): Candidate[] {
  return Array.from({ length: RANDOM_USERS }, (_, i) => {
    const name = pick(random, ["alice", "b.c", "", "x y", "*", "{{subject()}}", "ünï"]);
    const tags = ["dept:x", "dept:y", "level:1", "level:2", "level:a b", "plain"].filter(
      () => random.below(2) === 0,
    );
    const own = pick(random, [
      ...Array.from({ length: 12 }, () => ({})),
      { subs: -1 },
      { pub: { deny: ["a"] } },
      { bearer_token: true },
    ]);
    const issuer = pick(random, signers);
    const nats = { issuer_account: world.account.publicKey, tags, ...own };
    const jwt = encodeJwt("user", { sub: world.user.publicKey, name, nats }, issuer, now * 1_000);
    return {
      name: `random ${i}: ${JSON.stringify({ name, tags, own })}`,
      jwt,
      signer: random.below(8) === 0 ? stranger : world.user,
    };
  });
}

/** What a side makes of a client. */
interface Outcome {
  readonly allowed: boolean;
  /** Sorted, without repetitions; null where it is not known, since the client may not ask. */
  readonly permissions: unknown;
}

function ours(
  { jwt, signer }: Candidate,
  all: ReadonlyMap<string, JwtAccount>,
  rules: UserRules,
): { readonly verdict: UserVerdict; readonly outcome: Outcome } {
  const nonce = "a nonce of ours";
  const request: AuthRequest = {
    ...world.request(jwt, { host: "127.0.0.1", sig: sign(signer, nonce) }),
    nonce,
  };
  const moment = { nowMs: Date.now(), proxyKey: "" };
  const token = readUserToken(request, rules, moment);
  if ("allowed" in token) return { verdict: token, outcome: { allowed: false, permissions: null } };
  const account = all.get(token.accountId) ?? null;
  const verdict = admitUser(request, token, account, rules, moment);
  const permissions = verdict.allowed ? asReported(verdict.identity.permissions) : null;
  return { verdict, outcome: { allowed: verdict.allowed, permissions } };
}

function sign(signer: KeyPair, nonce: string): string {
  return Buffer.from(signer.sign(Buffer.from(nonce))).toString("base64url");
}

/** Connects, and asks the server what the client may do. */
async function theirs(port: number, { jwt, signer }: Candidate): Promise<Outcome> {
  const client = await RawClient.connect(port);
  try {
    assert.ok(await client.waitUntil(() => client.lines.length > 0));
    const info = JSON.parse((client.lines.shift() ?? "").slice("INFO ".length)) as { nonce: string };
    const connect = { verbose: false, pedantic: false, jwt, sig: sign(signer, info.nonce), protocol: 1 };
    client.send(`CONNECT ${JSON.stringify(connect)}\r\nPING\r\n`);
    const decided = (): boolean => client.closed || client.lines.some((line) => /^(?:PONG|-ERR)/.test(line));
    assert.ok(await client.waitUntil(decided));
    if (!client.lines.includes("PONG")) return { allowed: false, permissions: null };
    client.send("SUB _INBOX.me 1\r\nPUB $SYS.REQ.USER.INFO _INBOX.me 0\r\n\r\n");
    const answered = (): boolean => client.closed || client.lines.some((line) => /^(?:MSG|-ERR)/.test(line));
    assert.ok(await client.waitUntil(answered));
    if (client.lines.some((line) => line.startsWith("-ERR"))) return { allowed: true, permissions: null };
    const at = client.lines.findIndex((line) => line.startsWith("MSG"));
    assert.ok(await client.waitUntil(() => client.lines.length > at + 1));
    const { data } = JSON.parse(Buffer.from(client.lines[at + 1], "latin1").toString("utf8")) as {
      data: { permissions?: Reported };
    };
    return { allowed: true, permissions: sorted(data.permissions ?? {}) };
  } finally {
    client.drop();
  }
}

/** Permissions as the reference's answer has them. */
interface Reported {
  readonly publish?: { readonly allow?: readonly string[]; readonly deny?: readonly string[] } | null;
  readonly subscribe?: { readonly allow?: readonly string[]; readonly deny?: readonly string[] } | null;
  readonly responses?: { readonly max: number; readonly ttl: number };
}

function asReported(permissions: Permissions | null): unknown {
  if (permissions === null) return sorted({});
  const { publish, subscribe, responses } = permissions;
  const side = ({
    allow,
    deny,
  }: Permissions["publish"]): { allow: readonly string[]; deny: readonly string[] } => ({
    allow: allow ?? [],
    deny,
  });
  const reported = { publish: side(publish), subscribe: side(subscribe) };
  if (responses === null) return sorted(reported);
  return sorted({ ...reported, responses: { max: responses.max, ttl: responses.expiresMs * 1_000_000 } });
}

function sorted({ publish, subscribe, responses }: Reported): unknown {
  const list = (entries: readonly string[] | undefined): string[] => [...new Set(entries)].sort();
  const side = (rules: Reported["publish"]): unknown => ({
    allow: list(rules?.allow),
    deny: list(rules?.deny),
  });
  return { publish: side(publish), subscribe: side(subscribe), responses: responses ?? null };
}

async function startReference(t: TestContext, all: ReadonlyMap<string, string>): Promise<ServerProcess> {
  const operator = encodeJwt(
    "operator",
    { sub: world.operator.publicKey, name: "O", nats: {} },
    world.operator,
    now * 1_000,
  );
  const preload = [...all].map(([id, jwt]) => `${id}: ${jwt}`);
  const config = `operator: ${operator}\nsystem_account: ${system.publicKey}\nresolver: MEMORY\nresolver_preload: {\n${preload.join("\n")}\n}\n`;
  const server = await ServerProcess.start({ command: reference ?? "", config });
  t.after(() => server.stop());
  return server;
}

test("the reference lets in whom we let in, with the same permissions", { skip }, async (t) => {
  const seed = Number(process.env["FUZZ_SEED"] ?? 1);
  const random = new SeededRandom(seed);
  const scoped = scopes(random);
  const tokens = accounts(scoped);
  const all = new Map<string, JwtAccount>();
  for (const [id, jwt] of tokens) {
    const claims = decodeClaims("account", jwt);
    assert.ok(!isProblem(claims));
    all.set(id, accountOf(claims, false));
  }
  const operators = trustKeys([world.operator.publicKey]);
  assert.ok(!isProblem(operators));
  const rules: UserRules = { operators, pinnedAccounts: null, defaultSentinel: "", localZone: "UTC" };
  const server = await startReference(t, tokens);
  const candidates = [
    ...table(),
    ...randomUsers(
      random,
      scoped.map(({ signer }) => signer),
    ),
  ];
  const counts = { allowed: 0, denied: 0, asked: 0 };
  for (const candidate of candidates) {
    const { verdict, outcome } = ours(candidate, all, rules);
    const other = await theirs(server.port, candidate);
    const what = `seed ${seed}, ${candidate.name}\n${JSON.stringify(verdict)}`;
    assert.equal(outcome.allowed, other.allowed, what);
    if (other.permissions !== null) assert.deepEqual(outcome.permissions, other.permissions, what);
    counts[other.allowed ? "allowed" : "denied"]++;
    if (other.permissions !== null) counts.asked++;
  }
  t.diagnostic(`seed ${seed}: ${JSON.stringify(counts)}`);
  assert.ok(counts.allowed > 40 && counts.denied > 20 && counts.asked > 30, "each kind was there");
});
