/**
 * The security advisories of 2026 about nats-server (https://advisories.nats.io) that concern clients and accounts:
 * what each of them let an attacker do must not work here. Those about TLS and monitoring are in files of their own.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { createUser } from "@nats-io/nkeys";
import { base32 } from "../packages/caddis/src/auth/nkey.ts";
import { loadConfig } from "../packages/caddis/src/config/load.ts";
import { AttackedServer, connectLine, isTurnedAway, received } from "./support/attacked-server.ts";
import { OperatorWorld } from "./support/operator-world.ts";
import { testFolder } from "./support/program.ts";

const DEADLINE = { timeout: 20_000 };

/** Users `ann` with these permissions and `bob` with none to think of; both have the password `pw`. */
function twoUsers(permissions: string): string {
  return `authorization { users: [
    { user: ann, password: pw, permissions: ${permissions} }
    { user: bob, password: pw }
  ] }`;
}

const ANN = { user: "ann", pass: "pw" };
const BOB = { user: "bob", pass: "pw" };

/** Header lines that some reader may take for the field in which the server says who asks. */
const FORGERIES = [
  "Nats-Request-Info: {}",
  "nats-request-info: {}",
  "NATS-REQUEST-INFO:{}",
  "Nats-Request-Info : {}",
  "Nats-Request-Info\t: {}",
  " Nats-Request-Info: {}",
  "A: b\nNats-Request-Info: {}",
  "A: b\rNats-Request-Info: {}",
  "A: b\n\nNats-Request-Info: {}",
  "Nats-Request-Info: {}\r\nB: c\r\nNats-Request-Info: {}",
  "Nats-Request-InfoX: y\r\nNats-Request-Info: {}",
  "X: Nats-Request-Info: z\r\nnats-Request-info: {}",
];

test(
  "2026-09 (CVE-2026-33223): a requester cannot say who it is in Nats-Request-Info, however it spells it",
  DEADLINE,
  async (t) => {
    const server = await AttackedServer.start(
      t,
      `accounts {
       S { users: [ { user: service, password: pw } ], exports: [ { service: q } ] }
       C { users: [ { user: ann, password: pw } ], imports: [ { service: { account: S, subject: q } } ] }
     }`,
    );
    const service = await server.enter({ user: "service", pass: "pw" });
    service.send("SUB q 1\r\n");
    await service.barrier();
    const client = await server.enter(ANN);
    for (const forgery of FORGERIES) {
      const block = `NATS/1.0\r\n${forgery}\r\n\r\n`;
      client.send(`HPUB q ${block.length} ${block.length}\r\n${block}\r\n`);
      await client.barrier();
      await service.barrier();
      const said = service.lines
        .splice(0)
        .flatMap((line) => line.split(/[\r\n]/))
        .filter((line) => /^\s*nats-request-info\s*:/i.test(line));
      assert.equal(said.length, 1, `${JSON.stringify(forgery)} arrived as ${JSON.stringify(said)}`);
      assert.match(said[0], /^Nats-Request-Info: \{"acc":"C"/);
    }
  },
);

test(
  "2026-15 (CVE-2026-33249): a message that asks to be traced reaches nobody it could not reach otherwise",
  DEADLINE,
  async (t) => {
    const server = await AttackedServer.start(t, twoUsers(`{ publish: open }`));
    const watcher = await server.enter(BOB);
    watcher.send("SUB > 1\r\n");
    await watcher.barrier();
    const client = await server.enter(ANN);
    const block = "NATS/1.0\r\nNats-Trace-Dest: secret\r\n\r\n";
    client.send(`HPUB open ${block.length} ${block.length}\r\n${block}\r\n`);
    await client.barrier();
    // Who may not publish to the destination gets an error, and the message goes nowhere; as in nats-server.
    assert.deepEqual(await received(watcher), []);
    assert.ok(client.lines.some((line) => line.includes('Permissions Violation for Publish to "secret"')));
  },
);

test(
  "2026-12 (CVE-2026-33222): who may restore one stream can't restore another by what the request says",
  DEADLINE,
  async (t) => {
    const jetStream = `jetstream { store_dir: ${JSON.stringify(await testFolder(t))} }`;
    const allowed = "$JS.API.STREAM.RESTORE.A";
    const server = await AttackedServer.start(t, `${jetStream}, ${twoUsers(`{ publish: "${allowed}" }`)}`);
    const client = await server.enter(ANN);
    client.send("SUB answers 1\r\n");
    const ask = (subject: string, name: string): void => {
      const body = JSON.stringify({ config: { name, subjects: ["b"], storage: "file" }, state: {} });
      client.send(`PUB ${subject} answers ${body.length}\r\n${body}\r\n`);
    };
    ask(allowed, "B");
    assert.ok(await client.waitUntil(() => client.lines.some((line) => line.includes('"err_code":10056'))));
    ask("$JS.API.STREAM.RESTORE.B", "B");
    assert.ok(
      await client.waitUntil(() =>
        client.lines.some((line) =>
          line.includes('Permissions Violation for Publish to "$JS.API.STREAM.RESTORE.B"'),
        ),
      ),
    );
    const owner = await server.enter(BOB);
    owner.send("SUB answers 1\r\nPUB $JS.API.STREAM.INFO.B answers 0\r\n\r\n");
    assert.ok(await owner.waitUntil(() => owner.lines.some((line) => line.includes('"err_code":10059'))));
  },
);

/** First operations of links between servers, and of clients that skip CONNECT. */
const UNINTRODUCED = [
  "INFO {}",
  "RS+ $G >",
  "LS+ >",
  "RMSG $G a 0\r\n",
  "A+ $G",
  "PUB a 0\r\n",
  "SUB > 1",
  "-ERR 'x'",
];

test(
  "2026-16: no_auth_user opens the door for its user alone, and no other protocol behind it",
  DEADLINE,
  async (t) => {
    const server = await AttackedServer.start(
      t,
      `${twoUsers(`{ subscribe: open, publish: open }`)}\nno_auth_user: ann`,
    );
    for (const operation of UNINTRODUCED) {
      const client = await server.open();
      client.send(`${operation}\r\nPUB closed 0\r\n\r\nPING\r\n`);
      await client.waitUntil(() => client.closed || client.lines.includes("PONG"));
      assert.ok(
        client.closed || client.lines.some((line) => line.startsWith("-ERR 'Permissions Violation")),
        operation,
      );
    }
    const client = await server.enter();
    client.send("SUB closed 1\r\n");
    await client.barrier();
    assert.deepEqual(client.lines, [`-ERR 'Permissions Violation for Subscription to "closed"'`]);
    assert.ok(
      await isTurnedAway(await server.connect({ user: "ann", pass: "wrong" })),
      "a wrong password is one",
    );
    assert.ok(await isTurnedAway(await server.connect({ user: "bob" })), "another user needs its password");
  },
);

for (const [what, subscription] of [
  ["a subscription", "SUB *.b 1"],
  ["a queue subscription", "SUB *.b group 1"],
] as const) {
  test(
    `2026-17: ${what} that overlaps a denied wildcard gets nothing that is denied, and takes it from nobody`,
    DEADLINE,
    async (t) => {
      const server = await AttackedServer.start(
        t,
        twoUsers(`{ subscribe: { allow: ">", deny: "secret.*" } }`),
      );
      const spy = await server.enter(ANN);
      spy.send(`${subscription}\r\n`);
      await spy.barrier();
      const owner = await server.enter(BOB);
      owner.send("SUB secret.b group 1\r\n");
      for (let i = 0; i < 50; i++) owner.send("PUB secret.b 0\r\n\r\n");
      owner.send("PUB open.b 0\r\n\r\n");
      const got = await received(owner);
      assert.equal(got.filter((subject) => subject === "secret.b").length, 50);
      assert.deepEqual(await received(spy), ["open.b"]);
    },
  );
}

test(
  "2026-18: a denied subject stays denied to a queue that only another rule is about",
  DEADLINE,
  async (t) => {
    const server = await AttackedServer.start(
      t,
      twoUsers(`{ subscribe: { allow: ">", deny: ["secret", "secret bad", "public bad", "*.audit bad"] } }`),
    );
    const client = await server.enter(ANN);
    const refused = ["secret good", "secret bad", "secret", "public bad", "x.audit bad"];
    client.send(refused.map((rest, i) => `SUB ${rest} ${i + 1}\r\n`).join(""));
    client.send("SUB public good 10\r\nSUB x.audit good 11\r\nSUB s* q 12\r\n");
    await client.barrier();
    assert.equal(
      client.lines.filter((line) => line.startsWith("-ERR 'Permissions Violation")).length,
      refused.length,
    );
    const bob = await server.enter(BOB);
    bob.send("PUB secret 0\r\n\r\nPUB public 0\r\n\r\nPUB x.audit 0\r\n\r\n");
    await bob.barrier();
    assert.deepEqual(await received(client), ["public", "x.audit"]);
  },
);

/** A public account key as text whose checksum is right, of any length. */
function accountKeyOf(bytes: Uint8Array): string {
  const raw = Buffer.concat([Buffer.from([0]), bytes]);
  let crc = 0;
  for (const byte of raw) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
    crc &= 0xffff;
  }
  return base32(Buffer.concat([raw, Buffer.from([crc & 0xff, crc >> 8])]));
}

test(
  "2026-23: a JWT whose issuer is no whole key turns its bearer away, and the server goes on",
  DEADLINE,
  async (t) => {
    const world = new OperatorWorld();
    const server = await AttackedServer.start(t, await world.config());
    for (const length of [0, 1, 10, 31, 33, 64]) {
      const key = accountKeyOf(randomBytes(length));
      const tokens = [
        world.forgedJwt(key),
        world.forgedJwt(world.account.getPublicKey(), key),
        await world.userJwt({ issuer_account: key }),
      ];
      for (const jwt of tokens) {
        const { client, nonce } = await server.greeted();
        client.send(connectLine({ jwt, sig: world.sign(nonce) }));
        assert.ok(await isTurnedAway(client), `a key of ${length} bytes`);
      }
    }
    const { client, nonce } = await server.greeted();
    client.send(connectLine({ jwt: await world.userJwt(), sig: world.sign(nonce) }));
    assert.ok(await client.barrier(), "a user who may come in still can");
  },
);

for (const [what, restriction, trust] of [
  ["connection type", "allowed_connection_types: [WEBSOCKET]", ""],
  ["proxy", "proxy_required: true", `proxies { trusted: [ { key: ${createUser().getPublicKey()} } ] }`],
] as const) {
  test(
    `2026-24: no_auth_user does not get past the ${what} that its user is limited to`,
    DEADLINE,
    async (t) => {
      const server = await AttackedServer.start(
        t,
        `authorization { users: [ { user: ann, password: pw, ${restriction} }, { user: bob, password: pw } ] }
       no_auth_user: ann
       ${trust}`,
      );
      for (const first of [
        "PING\r\n",
        "SUB > 1\r\n",
        "PUB a 0\r\n\r\n",
        "PONG\r\n",
        "CONNECT {}\r\n",
        "+OK\r\n",
        "\r\n",
      ]) {
        const client = await server.open();
        client.send(`${first}PING\r\n`);
        assert.ok(await isTurnedAway(client), first);
      }
      assert.ok(await isTurnedAway(await server.connect(ANN)), "with its password neither");
      await server.enter(BOB);
    },
  );
}

/**
 * What only exists where a part exists that is not built: its work replaces the row by the attack itself. Of a part whose
 * work has begun the row is a thing to do.
 */
const UNBUILT = [
  {
    part: "mqtt",
    config: "mqtt { port: 0 }",
    notes: "06 (CVE-2026-33215), 07 (CVE-2026-33217), 21, 22, 25, 26",
  },
  {
    part: "leafnodes",
    config: "leafnodes { port: 0 }",
    notes: "04 (CVE-2026-29785), 08 (CVE-2026-33246), 10 (CVE-2026-33218), 19, 20",
  },
  { part: "cluster", config: "cluster { name: c, port: 0 }", notes: "16, on the side of servers" },
] as const;

for (const { part, config, notes, ...options } of UNBUILT) {
  test(`2026-${notes}: not there as long as ${part} is refused by its name`, options, () => {
    const { errors, unsupported } = loadConfig(config, {
      file: "conf",
      readFile: () => "",
      env: () => undefined,
    });
    const problems = [...errors, ...unsupported];
    assert.ok(
      problems.some((problem) => problem.includes(part)),
      problems.join("; "),
    );
  });
}
