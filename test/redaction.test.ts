/**
 * Clients come with every kind of secret, right and wrong, spelled in every way, to servers that log all they can
 * and are asked all they answer. Whatever they say of it: no secret is in it, plain or encoded.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createUser } from "@nats-io/nkeys";
import { encodeJwt } from "../packages/caddis/src/auth/jwt.ts";
import { KeyPair } from "../packages/caddis/src/auth/nkey-pair.ts";
import { resolveOptions } from "../packages/caddis/src/config/load.ts";
import type { OptionsInput } from "../packages/caddis/src/config/options.ts";
import type { Log } from "../packages/caddis/src/io/log.ts";
import { ENDPOINTS } from "../packages/caddis/src/monitor/endpoints.ts";
import { Monitor } from "../packages/caddis/src/monitor/monitor.ts";
import { nodePorts } from "../packages/caddis/src/server/node-ports.ts";
import { Server } from "../packages/caddis/src/server/server.ts";
import { OperatorFixture } from "./support/account-jwts.ts";
import { newKeyPair, readRequest, writeAnswer } from "./support/callout-service.ts";
import { RawClient } from "./support/raw-client.ts";

const QUERIES: ReadonlyMap<string, readonly string[]> = new Map([
  ["/connz", ["", "auth=1&state=all&subs=detail", "state=closed", "user=u&auth=1&state=all"]],
  ["/subsz", ["", "subs=1"]],
  ["/accstatz", ["unused=1"]],
]);

/** What a client needs of the greeting. */
interface Greeting {
  readonly nonce: string;
}

/** A server that says all it can, and everything it said. */
class Talkative {
  readonly server: Server;
  readonly #lines: string[];
  readonly #clients: RawClient[] = [];
  #listener: RawClient | null = null;

  private constructor(server: Server, lines: string[]) {
    this.server = server;
    this.#lines = lines;
  }

  static async start(options: OptionsInput): Promise<Talkative> {
    const lines: string[] = [];
    const note = (line: string): void => void lines.push(line);
    const log: Log = {
      debugEnabled: true,
      traceEnabled: true,
      info: note,
      warn: note,
      error: note,
      fatal: note,
      debug: note,
      trace: note,
    };
    const server = new Server(resolveOptions({ host: "127.0.0.1", port: 0, ...options }), nodePorts(log), {});
    await server.start();
    return new Talkative(server, lines);
  }

  /** Says what `text` makes of the greeting, and waits until that has been worked off. */
  async say(text: (greeting: Greeting) => string): Promise<RawClient> {
    const client = await RawClient.connect(this.server.broker.port);
    this.#clients.push(client);
    const info = (await client.nextLine()) ?? "";
    const { nonce = "" } = JSON.parse(info.slice("INFO ".length)) as { nonce?: string };
    client.send(text({ nonce }));
    await client.barrier();
    return client;
  }

  connect(fields: (greeting: Greeting) => object, more = ""): Promise<RawClient> {
    return this.say((greeting) => `CONNECT ${quiet(fields(greeting))}\r\n${more}`);
  }

  /** Connects to the system account, to hear all events. */
  async listen(fields: (greeting: Greeting) => object): Promise<void> {
    this.#listener = await this.connect(fields, "SUB $SYS.> 1\r\n");
    assert.equal(this.#listener.closed, false);
  }

  /** Ends it; gives everything it said to anybody but the client concerned. */
  async end(): Promise<string> {
    const answers = await this.#answers();
    const leaving = this.#clients.filter((client) => client !== this.#listener);
    await Promise.all(leaving.map((client) => client.finish()));
    await this.#listener?.barrier();
    answers.push(...(await this.#answers()));
    await this.#listener?.finish();
    await this.server.shutdown();
    return [...this.#lines, ...answers, ...(this.#listener?.lines ?? [])].join("\n");
  }

  async #answers(): Promise<string[]> {
    const monitor = new Monitor(this.server);
    const accounts = Array.from(this.server.broker.accounts, ({ name }) => `acc=${encodeURIComponent(name)}`);
    const requests = ENDPOINTS.flatMap(({ path }) => {
      const queries = path === "/accountz" ? ["", ...accounts] : (QUERIES.get(path) ?? [""]);
      return queries.map((query) => ({ path, query }));
    });
    return Promise.all(requests.map(async (request) => [...(await monitor.answer(request)).body].join("")));
  }
}

function quiet(fields: object): string {
  return JSON.stringify({ verbose: false, ...fields });
}

/** Fails if a secret is in `said`: as it is, in hexadecimal, or in base64 at any offset. */
function assertNowhere(secrets: Readonly<Record<string, string>>, said: string): void {
  for (const [what, secret] of Object.entries(secrets)) {
    for (const spelling of spellings(secret)) {
      const at = said.indexOf(spelling);
      assert.equal(
        at,
        -1,
        `${what} shows: …${said.slice(Math.max(0, at - 150), at + spelling.length + 20)}…`,
      );
    }
  }
}

function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret, "utf8");
  const base64 = [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
    // Without the characters that what stands around it has a part in.
    const inner = text.slice(offset === 0 ? 0 : offset + 1, text.length - 4);
    return [inner, inner.replaceAll("+", "-").replaceAll("/", "_")];
  });
  return [secret, secret.toLowerCase(), bytes.toString("hex"), ...base64].filter(({ length }) => length >= 8);
}

/** Texts of a CONNECT with `pass` and `token`, some of which are refused for their form. */
function oddSpellings(pass: string, token: string): string[] {
  const escaped = (text: string): string =>
    Array.from(text, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
  return [
    `CONNECT {"user":"u","${escaped("pass")}":"${pass}"}`,
    `CONNECT {"user":"u","PASS":"${pass}","Auth_Token" : "${token}"}`,
    `CONNECT {"user":"u","pa\xc5\xbfs":"${pass}"}`,
    `connect\t{"pass":"wrong","pass":"${pass}"}`,
    `CONNECT {"user":"u","pass":"${pass}`,
    `CONNECT {"user":"u","pass":${pass}}`,
    `CONNECT {"auth_token":["${token}"]}`,
    `CONNECT {"pass":{"a":"${pass}"}}`,
    `CONECT {"pass":"${pass}"}`,
    `CONNECTX {"auth_token":"${token}"}`,
    `CONNECT {"user":"u","pass":"${pass}","name":"${"n".repeat(5_000)}"}`,
  ];
}

const PASSWORD = "Pa55-w0rd-of-u-7391";
const WRONG = "wr0ng-gue55-8842-x";
/** Of `bcrypt-secret-5150`, cost 4. */
const HASH = "$2a$04$abcdefghijklmnopqrstuuW4Mq7oXQ2c9sY5b0xH1yJt6vKcXeZ2S";
const SYSTEM = { users: [{ user: "sys", password: "5ystem-pass-0021" }] };

function user(): { seed: string; pair: KeyPair } {
  const keys = createUser();
  const pair = KeyPair.fromSeed(keys.getSeed()) ?? assert.fail("a fresh seed is one");
  return { seed: Buffer.from(keys.getSeed()).toString("latin1"), pair };
}

function signed(pair: KeyPair, nonce: string): string {
  return Buffer.from(pair.sign(Buffer.from(nonce))).toString("base64url");
}

test("passwords, nkeys and signatures of configured users", async () => {
  const known = user();
  const proxy = newKeyPair("server");
  const sigs: string[] = [];
  const sign = (pair: KeyPair, nonce: string): string => {
    sigs.push(signed(pair, nonce));
    return sigs.at(-1) ?? "";
  };
  const talkative = await Talkative.start({
    accounts: {
      SYS: SYSTEM,
      A: {
        users: [
          { user: "u", password: PASSWORD },
          { user: "h", password: HASH },
          { nkey: known.pair.publicKey },
        ],
      },
    },
    system_account: "SYS",
    proxies: { trusted: [{ key: proxy.publicKey }] },
  });
  await talkative.listen(() => ({ user: "sys", pass: "5ystem-pass-0021" }));
  const right = await talkative.connect(() => ({ user: "u", pass: PASSWORD }), "SUB a 1\r\n");
  assert.equal(right.closed, false);
  await talkative.connect(() => ({ user: "u", pass: WRONG }));
  await talkative.connect(() => ({ user: "h", pass: WRONG, auth_token: WRONG }));
  const byKey = await talkative.connect(({ nonce }) => ({
    nkey: known.pair.publicKey,
    sig: sign(known.pair, nonce),
    proxy_sig: sign(proxy, nonce),
  }));
  assert.equal(byKey.closed, false);
  await talkative.connect(({ nonce }) => ({ nkey: known.pair.publicKey, sig: sign(proxy, nonce) }));
  await talkative.connect(({ nonce }) => ({ user: "u", pass: PASSWORD, proxy_sig: sign(known.pair, nonce) }));
  // A seed where the public key, or the name, belongs.
  await talkative.connect(() => ({ nkey: known.seed, sig: "x" }));
  await talkative.connect(() => ({ user: known.seed, pass: "x" }));
  for (const text of oddSpellings(PASSWORD, WRONG)) await talkative.say(() => `${text}\r\n`);
  const said = await talkative.end();
  assert.match(said, /client_disconnect/);
  assert.match(said, /\[REDACTED\]/);
  const secrets = { password: PASSWORD, guess: WRONG, hash: HASH, system: "5ystem-pass-0021" };
  assertNowhere({ ...secrets, seed: known.seed, ...Object.fromEntries(sigs.entries()) }, said);
});

test("a token", async () => {
  const token = "t0ken-of-all-clients-6604";
  const talkative = await Talkative.start({ authorization: { token } });
  const right = await talkative.connect(() => ({ auth_token: token }), "SUB a 1\r\n");
  assert.equal(right.closed, false);
  await talkative.connect(() => ({ auth_token: WRONG }));
  for (const text of oddSpellings(WRONG, token)) await talkative.say(() => `${text}\r\n`);
  assertNowhere({ token, guess: WRONG }, await talkative.end());
});

test("bearers' tokens in operator mode", async () => {
  const operator = new OperatorFixture();
  const system = newKeyPair("account");
  const account = newKeyPair("account");
  const { seed, pair } = user();
  const userJwt = (issuer: KeyPair, bearer: boolean): string =>
    encodeJwt(
      "user",
      {
        sub: pair.publicKey,
        name: "someone",
        nats: { subs: -1, data: -1, payload: -1, bearer_token: bearer },
      },
      issuer,
      Date.now(),
    );
  const nowS = Math.floor(Date.now() / 1000);
  const talkative = await Talkative.start({
    operator: encodeJwt("operator", { sub: operator.keys.publicKey, name: "O", nats: {} }, operator.keys, 0),
    resolver: "MEMORY",
    resolver_preload: {
      [system.publicKey]: operator.account(system.publicKey, { name: "SYS", iat: nowS }),
      [account.publicKey]: operator.account(account.publicKey, { name: "APP", iat: nowS }),
    },
    system_account: system.publicKey,
  });
  const systemUser = userJwt(system, false);
  const sigs: string[] = [];
  const proof =
    (jwt: string) =>
    ({ nonce }: Greeting) => {
      sigs.push(signed(pair, nonce));
      return { jwt, sig: sigs.at(-1) };
    };
  await talkative.listen(proof(systemUser));
  const bearer = userJwt(account, true);
  const right = await talkative.connect(() => ({ jwt: bearer }), "SUB a 1\r\n");
  assert.equal(right.closed, false);
  const plain = userJwt(account, false);
  assert.equal((await talkative.connect(proof(plain))).closed, false);
  const stranger = userJwt(newKeyPair("account"), true);
  await talkative.connect(() => ({ jwt: stranger }));
  await talkative.connect(() => ({ user: bearer, pass: bearer }));
  await talkative.connect(() => ({ nkey: seed, jwt: plain, sig: "x" }));
  await talkative.say(() => `CONNECT {"jwt":"${bearer}\r\n`);
  await talkative.say(() => `CONNECTED {"jwt":"${bearer}"}\r\n`);
  const said = await talkative.end();
  assert.match(said, /"authorized_user": "U/);
  // A token that is of no use without the seed is shown to those who look after the server.
  assert.ok(said.includes(plain));
  const tail = (jwt: string): string => jwt.slice(jwt.lastIndexOf(".") + 1);
  const secrets = { bearer, stranger, "bearer's signature": tail(bearer), seed };
  assertNowhere({ ...secrets, ...Object.fromEntries(sigs.entries()) }, said);
});

test("what an auth callout is asked, and answers", async () => {
  const issuer = newKeyPair("account");
  const talkative = await Talkative.start({
    accounts: {
      SYS: SYSTEM,
      AUTH: { users: [{ user: "service", password: "serv1ce-pass-3310" }] },
      APP: {},
    },
    system_account: "SYS",
    authorization: {
      timeout: "5s",
      auth_callout: { issuer: issuer.publicKey, account: "AUTH", auth_users: ["service", "sys"] },
    },
  });
  await talkative.listen(() => ({ user: "sys", pass: "5ystem-pass-0021" }));
  const service = await talkative.connect(
    () => ({ user: "service", pass: "serv1ce-pass-3310" }),
    "SUB $SYS.REQ.USER.AUTH 1\r\n",
  );
  const answers: string[] = [];
  const serve = async (allows: boolean): Promise<void> => {
    await service.waitUntil(() => service.lines.some((line) => line.startsWith("MSG ")));
    const at = service.lines.findIndex((line) => line.startsWith("MSG "));
    await service.waitUntil(() => service.lines.length > at + 1);
    const [line, payload] = service.lines.splice(at, 2);
    const reply = line.split(" ")[3];
    const answer = allows ? {} : { user: null, error: "no" };
    const token = writeAnswer(readRequest(Buffer.from(payload, "latin1")), issuer, answer, Date.now());
    answers.push(token.toString("latin1"));
    service.send(`PUB ${reply} ${token.length}\r\n${token.toString("latin1")}\r\n`);
  };
  const credentials = { user: "dave", pass: PASSWORD, auth_token: WRONG };
  const [dave] = await Promise.all([talkative.connect(() => credentials), serve(true)]);
  assert.equal(dave.closed, false);
  const [eve] = await Promise.all([
    talkative.connect(() => ({ user: "eve", pass: WRONG, jwt: "some-jwt-4411" })),
    serve(false),
  ]);
  await eve.waitClosed();
  const said = await talkative.end();
  assert.match(said, /MSG_PAYLOAD/);
  const [right, wrong] = answers;
  assertNowhere({ password: PASSWORD, token: WRONG, jwt: "some-jwt-4411", right, wrong }, said);
});
