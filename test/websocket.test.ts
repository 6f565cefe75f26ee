/** The port for WebSocket as clients and operators see it: the official client, who gets in, TLS, reload, the end. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { headers, type NatsConnection, wsconnect } from "@nats-io/nats-core";
import { loadConfig, resolveOptions } from "../packages/caddis/src/config/load.ts";
import { connectLine, isTurnedAway } from "./support/attacked-server.ts";
import { makeCa, makeCertificate } from "./support/certificates.ts";
import { OperatorWorld } from "./support/operator-world.ts";
import { OUR_SERVER, ServerProcess } from "./support/server-process.ts";
import { tempFolder, writePair } from "./support/tls-pipes.ts";
import { OPCODES } from "./support/ws-frames.ts";
import { WsPeer } from "./support/ws-peer.ts";
import { WsServer } from "./support/ws-server.ts";

const DEADLINE = { timeout: 30_000 };
const OFFER = { "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" };
const CHROME =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36";
const SAFARI =
  "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15";

const CA = makeCa();
// For the WebSocket of Node, as an operator would install it on a machine.
setDefaultCACertificates([...getCACertificates("default"), CA.pem]);

/** A `tls` block with a certificate for 127.0.0.1 in `folder`, named `name` there. */
function tlsBlock(folder: string, name: string, more = ""): string {
  const files = writePair(
    folder,
    name,
    makeCertificate({ ips: ["127.0.0.1"], ca: CA, subject: [[["CN", name]]] }),
  );
  return `tls { cert_file: "${files.cert_file}", key_file: "${files.key_file}" ${more} }`;
}

/** The official client, for the length of the test. */
async function client(t: TestContext, servers: string, more: object = {}): Promise<NatsConnection> {
  const connection = await wsconnect({ servers, reconnect: false, ...more });
  t.after(() => connection.close());
  return connection;
}

async function exchange(t: TestContext, url: string): Promise<void> {
  const [one, two] = [await client(t, url), await client(t, url)];
  const subscription = two.subscribe("orders.*");
  two.subscribe("echo", { callback: (_error, message) => void message.respond(message.data) });
  await two.flush();
  const fields = headers();
  fields.set("Kind", "large");
  const count = 200;
  for (let i = 0; i < count; i++) one.publish(`orders.${i}`, "x".repeat(i * 100), { headers: fields });
  let seen = 0;
  for await (const message of subscription) {
    assert.equal(message.subject, `orders.${seen}`);
    assert.equal(message.data.length, seen * 100);
    assert.equal(message.headers?.get("Kind"), "large");
    if (++seen === count) break;
  }
  const large = Buffer.alloc(1_000_000, "0123456789");
  const answer = await one.request("echo", large, { timeout: 10_000 });
  assert.ok(large.equals(answer.data));
  await one.drain();
}

test("the official client exchanges messages over ws", DEADLINE, async (t) => {
  await exchange(t, (await WsServer.start(t)).url);
});

test("… and compressed", DEADLINE, async (t) => {
  await exchange(t, (await WsServer.start(t, "compression: true")).url);
});

test("… and over wss", DEADLINE, async (t) => {
  const server = await WsServer.start(t, tlsBlock(tempFolder(t), "a"));
  assert.match(server.url, /^wss:/);
  await exchange(t, server.url);
  assert.ok(server.log.some((line) => /Listening for websocket clients on wss:/.test(line)));
});

test("… and over wss, compressed", DEADLINE, async (t) => {
  await exchange(t, (await WsServer.start(t, `${tlsBlock(tempFolder(t), "a")}, compression: true`)).url);
});

test("an upgrade is answered as the options say, and masking stays", DEADLINE, async (t) => {
  const server = await WsServer.start(t, `headers { "X-Region": "eu" }`);
  const peer = await server.open({
    target: "/any/path?x=1",
    headers: { ...OFFER, "Nats-No-Masking": "true", "Sec-WebSocket-Protocol": "chat" },
  });
  assert.equal(peer.status, 101);
  assert.match(peer.answer, /sec-websocket-accept: s3ppl/);
  assert.match(peer.answer, /x-region: eu/);
  assert.doesNotMatch(peer.answer, /no-masking|extensions|protocol:/);
  const compressed = await WsServer.start(t, "compress: true");
  assert.match(
    (await compressed.open({ headers: OFFER })).answer,
    /sec-websocket-extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover/,
  );
});

test("INFO, logs and monitoring know it as a WebSocket", DEADLINE, async (t) => {
  const server = await WsServer.start(
    t,
    `advertise: "example.com:443", allowed_origins: ["https://a.test"], handshake_timeout: "3s"`,
    `http: "127.0.0.1:-1", server_name: s1`,
  );
  const peer = await server.enter({ headers: { "X-Forwarded-For": "9.8.7.6, 1.1.1.1" } });
  const { host, port, client_ip: ip, tls_required: tls } = peer.info;
  assert.deepEqual(
    { host, port, ip, tls },
    { host: "127.0.0.1", port: server.port, ip: "127.0.0.1", tls: undefined },
  );
  assert.ok(server.log.some((line) => /9\.8\.7\.6\/127\.0\.0\.1:\d+ - wid:\d+ - /.test(line)));
  const connz = JSON.parse(await server.attacked.monitor("/connz")) as {
    connections: { type: string; ip: string }[];
  };
  assert.deepEqual(
    connz.connections.map(({ type, ip: shown }) => [type, shown]),
    [["websocket", "127.0.0.1"]],
  );
  const varz = JSON.parse(await server.attacked.monitor("/varz")) as { websocket: object };
  assert.deepEqual(varz.websocket, {
    host: "127.0.0.1",
    port: server.port,
    advertise: "example.com:443",
    handshake_timeout: 3_000_000_000,
    no_tls: true,
    allowed_origins: ["https://a.test"],
  });
});

test("over wss INFO, /connz and /varz tell of TLS", DEADLINE, async (t) => {
  const server = await WsServer.start(t, tlsBlock(tempFolder(t), "a"), `http: "127.0.0.1:-1"`);
  const connection = await client(t, server.url);
  const { tls_required: required, tls_available: available } = connection.info ?? {};
  assert.deepEqual([required, available], [true, true]);
  const connz = await server.attacked.monitor("/connz");
  assert.match(connz, /"tls_version": "1.3"/);
  assert.doesNotMatch(connz, /tls_first/);
  assert.match(await server.attacked.monitor("/varz"), /"tls_cert_not_after": "\d{4}-/);
});

/** Whether who sends `fields` and `cookie` is let in. */
async function isLetIn(server: WsServer, fields: object, cookie = ""): Promise<boolean> {
  const peer = await server.open(cookie === "" ? {} : { headers: { Cookie: cookie } });
  peer.sendData(`${connectLine(fields)}PING\r\n`);
  await peer.waitUntil(() => peer.isOver || peer.text.includes("PONG"));
  if (peer.isOver) assert.equal(peer.closeFrame?.code, 1008);
  return peer.text.includes("PONG");
}

test("a user of its own takes the place of the server's", DEADLINE, async (t) => {
  const server = await WsServer.start(
    t,
    `authorization { user: web, password: w }`,
    `authorization { user: ann, password: a }`,
  );
  assert.equal(await isLetIn(server, { user: "web", pass: "w" }), true);
  assert.equal(await isLetIn(server, { user: "ann", pass: "a" }), false);
  assert.equal((await server.attacked.connect({ user: "web", pass: "w" })) !== null, true);
  const plain = await server.attacked.enter({ user: "ann", pass: "a" });
  assert.equal(plain.closed, false);
});

test("where others need no credentials a WebSocket may", DEADLINE, async (t) => {
  const server = await WsServer.start(t, `authorization { token: t }`);
  assert.equal((await server.open()).info["auth_required"] ?? true, true);
  assert.equal(await isLetIn(server, {}), false);
  assert.equal(await isLetIn(server, { auth_token: "t" }), true);
  await server.attacked.enter();
});

test("a bcrypt hash of its own is understood", DEADLINE, async (t) => {
  // Of "s3cret".
  const hash = "$2a$04$7mYlxddccFihOEKA5WjU7.xFKu45IfLnkq.iuZc4c21rIhw0E407y";
  const server = await WsServer.start(t, `authorization { token: "${hash}" }`);
  assert.equal(await isLetIn(server, { auth_token: "wrong" }), false);
  assert.equal(await isLetIn(server, { auth_token: "s3cret" }), true);
});

test("a no_auth_user of its own is for those who say nothing here, and only here", DEADLINE, async (t) => {
  const server = await WsServer.start(
    t,
    `no_auth_user: guest`,
    `authorization { users: [ { user: ann, password: a }, { user: guest, password: g } ] }`,
  );
  assert.equal(await isLetIn(server, {}), true);
  assert.equal(await isLetIn(server, { user: "ann", pass: "wrong" }), false);
  const plain = await server.attacked.connect();
  assert.equal(await plain.waitClosed(), true);
});

test("who may come by WebSocket alone, and who may not", DEADLINE, async (t) => {
  const server = await WsServer.start(
    t,
    "",
    `authorization { users: [
       { user: web, password: p, allowed_connection_types: [WEBSOCKET] }
       { user: plain, password: p, allowed_connection_types: [STANDARD] } ] }`,
  );
  assert.equal(await isLetIn(server, { user: "web", pass: "p" }), true);
  assert.equal(await isLetIn(server, { user: "plain", pass: "p" }), false);
  assert.equal(await (await server.attacked.connect({ user: "web", pass: "p" })).waitClosed(), true);
});

test("cookies stand for what CONNECT leaves open", DEADLINE, async (t) => {
  const users = await WsServer.start(
    t,
    `user_cookie: u, pass_cookie: p`,
    `authorization { users: [ { user: ann, password: a }, { user: bob, password: b } ] }`,
  );
  assert.equal(await isLetIn(users, {}, "x=1; u=ann; p=a"), true);
  assert.equal(await isLetIn(users, { user: "bob", pass: "b" }, "u=ann; p=a"), true);
  assert.equal(await isLetIn(users, { user: "bob" }, "u=ann; p=a"), false);
  assert.equal(await isLetIn(users, {}, "U=ann; p=a"), false);
  const token = await WsServer.start(t, `token_cookie: s`, `authorization { token: secret }`);
  assert.equal(await isLetIn(token, {}, 's="secret"'), true);
  assert.equal(await isLetIn(token, {}, "s=wrong"), false);
  assert.ok(token.log.every((line) => !line.includes("secret")));
});

test("a cookie carries the JWT of a user", DEADLINE, async (t) => {
  const world = new OperatorWorld();
  const server = await WsServer.start(t, `jwt_cookie: jwt`, await world.config());
  const jwt = await world.userJwt({ bearer_token: true, allowed_connection_types: ["WEBSOCKET"] });
  assert.equal(await isLetIn(server, {}, `jwt=${jwt}`), true);
  assert.equal(await isLetIn(server, {}), false);
});

test("frames for browsers are short, and Safari gets compressed messages whole", DEADLINE, async (t) => {
  const server = await WsServer.start(t, "compression: true");
  const noise = randomBytes(30_000).toString("base64");
  const receive = async (agent: string, more: Record<string, string>): Promise<WsPeer> => {
    const peer = await server.enter({ headers: { "User-Agent": agent, ...more } });
    peer.sendData(`SUB a 1\r\nPUB a ${noise.length}\r\n${noise}\r\n`);
    assert.ok(await peer.barrier());
    assert.ok(peer.text.includes(`MSG a 1 ${noise.length}\r\n${noise}\r\n`));
    return peer;
  };
  const longest = ({ frames }: WsPeer): number => Math.max(...frames.map(({ payload }) => payload.length));
  const isCut = ({ frames }: WsPeer): boolean => frames.some(({ isFinal }) => !isFinal);
  const chrome = await receive(CHROME, {});
  assert.ok(longest(chrome) <= 4096 && !isCut(chrome));
  const chromeCompressed = await receive(CHROME, OFFER);
  assert.ok(longest(chromeCompressed) <= 4096 && isCut(chromeCompressed));
  const safari = await receive(SAFARI, OFFER);
  assert.ok(longest(safari) > 4096 && !isCut(safari));
  const program = await receive("nats.go", {});
  assert.ok(longest(program) > 4096 && !isCut(program));
});

test("what is short, or for strangers, is not compressed", DEADLINE, async (t) => {
  const server = await WsServer.start(t, "compression: true");
  const peer = await server.enter({ headers: OFFER });
  assert.equal(peer.frames[0].isCompressed, true, "INFO, where nobody is a stranger");
  peer.sendData(`SUB a 1\r\nPUB a 2\r\nhi\r\n`);
  await peer.barrier();
  const last = peer.frames.at(-1);
  assert.deepEqual([last?.opcode, last?.isCompressed], [OPCODES.binary, false]);
  const guarded = await WsServer.start(t, "compression: true", "authorization { token: t }");
  const stranger = await guarded.enter({ headers: OFFER }, { auth_token: "t" });
  assert.equal(stranger.frames[0].isCompressed, false);
});

test("a peer that reads slowly gets everything, in order", DEADLINE, async (t) => {
  for (const block of ["", "compression: true"]) {
    const server = await WsServer.start(t, block, "max_traced_msg_len: 10");
    const slow = await server.enter({ headers: OFFER });
    slow.sendData("SUB a 1\r\n");
    await slow.barrier();
    slow.pause();
    const publisher = await server.enter();
    const count = 4_000;
    for (let i = 0; i < count; i++) publisher.sendData(`PUB a 4000\r\n${String(i).padStart(4_000)}\r\n`);
    assert.ok(await publisher.barrier());
    slow.resume();
    const bytes = count * `MSG a 1 4000\r\n${"x".repeat(4_000)}\r\n`.length;
    assert.ok(await slow.waitUntil(() => slow.text.length >= bytes, 20_000));
    const numbers = [...slow.text.matchAll(/MSG a 1 4000\r\n +(\d+)\r\n/g)].map(([, number]) =>
      Number(number),
    );
    assert.deepEqual(
      numbers,
      Array.from({ length: count }, (_, i) => i),
    );
  }
});

test("one connection too many is told so", DEADLINE, async (t) => {
  const server = await WsServer.start(t, "", "max_connections: 1");
  await server.enter();
  const second = await server.open();
  await second.waitUntil(() => second.isOver);
  assert.match(second.text, /-ERR 'maximum connections exceeded'/);
  assert.deepEqual(second.closeFrame, { code: 1008, reason: "Maximum Connections Exceeded" });
});

test("what ends a connection is said in the close frame", DEADLINE, async (t) => {
  const server = await WsServer.start(t, "", "max_payload: 100, ping_interval: 1");
  for (const [said, code] of [
    ["FOO\r\n", 1002],
    ["PUB a 101\r\n", 1009],
    [`PUB ${"a".repeat(5_000)} 1\r\n`, 1008],
  ] as const) {
    const peer = await server.enter();
    peer.sendData(said);
    await peer.waitUntil(() => peer.isOver);
    assert.equal(peer.closeFrame?.code, code, said);
  }
});

test("a shutdown says that the server goes away", DEADLINE, async (t) => {
  const server = await WsServer.start(t);
  const peer = await server.enter();
  await server.server.shutdown();
  await peer.waitUntil(() => peer.isOver);
  assert.deepEqual(peer.closeFrame, { code: 1001, reason: "Server Shutdown" });
});

test("in lame duck mode nobody new is taken, and who is there is told", DEADLINE, async (t) => {
  const server = await WsServer.start(t, "", "");
  const { port } = server;
  const peer = await server.enter();
  void server.server.lameDuck();
  assert.ok(await peer.waitUntil(() => peer.text.includes('"ldm":true')));
  await assert.rejects(WsPeer.dial(port));
});

test("it is pinged by an interval of its own", DEADLINE, async (t) => {
  const server = await WsServer.start(t, `ping_interval: "50ms"`, `ping_interval: "1h", ping_max: 1`);
  const peer = await server.enter();
  // Nobody answers.
  await peer.waitUntil(() => peer.isOver);
  assert.deepEqual(peer.closeFrame, { code: 1001, reason: "Stale Connection" });
});

test("a reload reads the certificates again, and changes nothing else of the block", DEADLINE, async (t) => {
  const folder = tempFolder(t);
  const block = (tls: string, more = ""): string => `${tls}\n${more}`;
  const first = tlsBlock(folder, "first");
  const server = await WsServer.start(t, first);
  const next = (text: string): ReturnType<typeof resolveOptions> => {
    const loaded = loadConfig(`websocket { listen: "127.0.0.1:-1"\n${text} }`, {
      file: "conf",
      readFile: (path) => readFileSync(path, "utf8"),
      env: () => undefined,
    });
    assert.deepEqual(loaded.errors, []);
    return resolveOptions({ ...loaded.options, host: "127.0.0.1", port: 0 });
  };
  const before = await client(t, server.url);
  await server.server.reload(next(block(tlsBlock(folder, "second"))));
  assert.equal(before.isClosed(), false);
  const shown = await commonName(server.port);
  assert.equal(shown, "second");
  for (const more of [
    "same_origin: true",
    "compression: true",
    `authorization { token: secret }`,
    `headers { A: b }`,
  ]) {
    await assert.rejects(
      server.server.reload(next(block(first, more))),
      (error) => error instanceof Error && /reload not supported for Websocket$/m.test(error.message),
      more,
    );
  }
  const pinned = tlsBlock(folder, "first", `, pinned_certs: ["${"a".repeat(64)}"]`);
  for (const other of ["no_tls: true", pinned]) {
    await assert.rejects(server.server.reload(next(other)), /reload not supported for Websocket$/m);
  }
  assert.equal(await commonName(server.port), "second");
});

/** The name in the certificate that is shown on `port`. */
async function commonName(port: number): Promise<string> {
  const { connect } = await import("node:tls");
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

test("a reload that takes a user away ends its connections", DEADLINE, async (t) => {
  const config = (users: string): string => `authorization { users: [ ${users} ] }`;
  const server = await WsServer.start(t, "", config("{user: ann, password: a}, {user: bob, password: b}"));
  const ann = await server.enter({}, { user: "ann", pass: "a" });
  const bob = await server.enter({}, { user: "bob", pass: "b" });
  const { options } = server.server;
  const users = options.authorization.users.filter(({ user }) => user === "bob");
  await server.server.reload({ ...options, authorization: { ...options.authorization, users } });
  await ann.waitUntil(() => ann.isOver);
  assert.equal(ann.closeFrame?.code, 1008);
  assert.equal(await bob.barrier(), true);
  assert.equal(await isLetIn(server, { user: "ann", pass: "a" }), false);
});

test("a certificate says who somebody is", DEADLINE, async (t) => {
  const folder = tempFolder(t);
  writeFileSync(join(folder, "ca.pem"), CA.pem);
  const tls = tlsBlock(folder, "a", `, ca_file: "${join(folder, "ca.pem")}", verify_and_map: true`);
  const server = await WsServer.start(
    t,
    tls,
    `http: "127.0.0.1:-1", authorization { users: [ { user: "CN=ann" } ] }`,
  );
  const me = makeCertificate({ subject: [[["CN", "ann"]]], ca: CA });
  const peer = server.keep(await securePeer(server.port, { cert: me.pem, key: me.keyPem }));
  peer.sendData(`${connectLine()}PING\r\n`);
  assert.ok(await peer.waitUntil(() => peer.text.includes("PONG")), peer.text);
  assert.match(await server.attacked.monitor("/connz?auth=1"), /"authorized_user": "CN=ann"/);
  const nameOnly = await server.attacked.connect({ user: "CN=ann", pass: "" });
  assert.ok(
    await isTurnedAway(nameOnly),
    "a user that a certificate stands for needs it on the other port, too",
  );
  const stranger = server.keep(await securePeer(server.port, {}));
  assert.equal(stranger.status, 0);
  assert.ok(
    server.log.some((line) => /websocket: http: TLS handshake error from 127\.0\.0\.1:\d+: tls: /.test(line)),
  );
});

/** A peer that shows a certificate, or none. */
async function securePeer(port: number, shown: { cert?: string; key?: string }): Promise<WsPeer> {
  const { connect } = await import("node:tls");
  const socket = connect({ port, host: "127.0.0.1", ca: CA.pem, ...shown });
  await once(socket, "secureConnect");
  return WsPeer.over(socket, port);
}

test("the ports file names it", DEADLINE, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "caddis-ws-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const server = await ServerProcess.start({
    command: OUR_SERVER,
    config: `websocket { listen: "127.0.0.1:-1", no_tls: true }`,
    args: ["--ports_file_dir", folder],
  });
  try {
    const [file] = readdirSync(folder);
    const ports = JSON.parse(readFileSync(join(folder, file), "utf8")) as { websocket: string[] };
    assert.match(ports.websocket.join(), /^ws:\/\/127\.0\.0\.1:\d+$/);
  } finally {
    await server.stop();
  }
});

test("an address that is taken ends the start", DEADLINE, async (t) => {
  const server = await WsServer.start(t);
  await assert.rejects(
    WsServer.start(t, "", "").then(async (other) => {
      const { options } = other.server;
      const { Server } = await import("../packages/caddis/src/server/server.ts");
      const { nodePorts } = await import("../packages/caddis/src/server/node-ports.ts");
      const { SILENT_LOG } = await import("../packages/caddis/src/io/log.ts");
      const websocket = { ...options.websocket, port: server.port };
      return new Server({ ...options, port: 0, websocket }, nodePorts(SILENT_LOG), {}).start();
    }),
    /Unable to listen for websocket connections: listen tcp 127\.0\.0\.1:\d+: bind: address already in use/,
  );
});
