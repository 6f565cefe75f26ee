/**
 * The security advisories of 2026 about nats-server (https://advisories.nats.io) that concern WebSocket: what each of
 * them let an attacker do who is not let in must not work here.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { constants, deflateRawSync } from "node:zlib";
import { STRANGER_MESSAGE_BYTES_MAX } from "../packages/caddis/src/base/limits.ts";
import { connectLine } from "./support/attacked-server.ts";
import { makeCa, makeCertificate } from "./support/certificates.ts";
import { tempFolder, writePair } from "./support/tls-pipes.ts";
import { OPCODES } from "./support/ws-frames.ts";
import { WsPeer } from "./support/ws-peer.ts";
import { WsServer } from "./support/ws-server.ts";

const DEADLINE = { timeout: 20_000 };
const { binary, continuation } = OPCODES;
/** RSV1: compressed. */
const RSV1 = 0x40;
const OFFER = { headers: { "Sec-WebSocket-Extensions": "permessage-deflate" } };
const MEGABYTE = 1024 * 1024;
/** Everybody has to say who they are. */
const GUARDED = "authorization { user: ann, password: pw }";

function deflated(data: Buffer): Buffer {
  return deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

async function isTooBig(peer: WsPeer): Promise<boolean> {
  await peer.waitUntil(() => peer.isOver);
  return peer.closeFrame?.code === 1009;
}

test(
  "2026-02 (CVE-2026-27571): a compression bomb before CONNECT is stopped at the first limit",
  DEADLINE,
  async (t) => {
    const server = await WsServer.start(t, "compression: true", GUARDED);
    const before = process.memoryUsage.rss();
    for (const size of [STRANGER_MESSAGE_BYTES_MAX + 1, MEGABYTE, 64 * MEGABYTE]) {
      const bomb = deflated(Buffer.alloc(size, "x"));
      const peer = await server.open(OFFER);
      peer.sendFrame(binary, bomb, { reserved: RSV1 });
      assert.ok(await isTooBig(peer), `${bomb.length} bytes that become ${size}`);
    }
    assert.ok(process.memoryUsage.rss() - before < 256 * MEGABYTE, "the bombs were not inflated");
  },
);

test("2026-02: a bomb in many frames is stopped, too", DEADLINE, async (t) => {
  const server = await WsServer.start(t, "compression: true", GUARDED);
  const bomb = deflated(Buffer.alloc(4 * MEGABYTE, "x"));
  const peer = await server.open(OFFER);
  for (let start = 0; start < bomb.length; start += 16) {
    peer.sendFrame(start === 0 ? binary : continuation, bomb.subarray(start, start + 16), {
      reserved: start === 0 ? RSV1 : 0,
      isFinal: start + 16 >= bomb.length,
    });
  }
  assert.ok(await isTooBig(peer));
});

test("2026-02: who is let in may send what max_payload says, and no bomb either", DEADLINE, async (t) => {
  const server = await WsServer.start(t, "compression: true", GUARDED);
  const peer = await server.enter(OFFER, { user: "ann", pass: "pw" });
  const message = `SUB a 1\r\nPUB a ${MEGABYTE}\r\n${"x".repeat(MEGABYTE)}\r\n`;
  peer.sendFrame(binary, deflated(Buffer.from(message)), { reserved: RSV1 });
  assert.ok(await peer.barrier());
  assert.ok(peer.text.includes(`MSG a 1 ${MEGABYTE}\r\n`));
  peer.sendFrame(binary, deflated(Buffer.alloc(9 * MEGABYTE, "PONG\r\n")), { reserved: RSV1 });
  assert.ok(await isTooBig(peer));
});

test(
  "2026-03 (CVE-2026-27889): lengths that no frame has end the connection, and nothing else",
  DEADLINE,
  async (t) => {
    const server = await WsServer.start(t, "", GUARDED);
    for (const claims of [
      1n << 63n,
      (1n << 63n) + 1n,
      (1n << 64n) - 1n,
      (1n << 63n) - 1n,
      1n << 53n,
      1n << 31n,
    ]) {
      const peer = await server.open();
      peer.sendFrame(binary, "CONNECT", { claims });
      assert.ok(await isTooBig(peer), String(claims));
    }
    assert.ok((await server.enter({}, { user: "ann", pass: "pw" })).text.includes("PONG"));
  },
);

test(
  "2026-11 (CVE-2026-33219): before CONNECT neither a frame, nor many of them, nor empty ones fill the memory",
  DEADLINE,
  async (t) => {
    const server = await WsServer.start(t, "", GUARDED);
    const whole = await server.open();
    whole.sendFrame(binary, "", { claims: BigInt(STRANGER_MESSAGE_BYTES_MAX + 1) });
    assert.ok(await isTooBig(whole), "one frame");
    const many = await server.open();
    for (let i = 0; i < 5; i++) {
      many.sendFrame(i === 0 ? binary : continuation, Buffer.alloc(16 * 1024, " "), { isFinal: false });
    }
    assert.ok(await isTooBig(many), "many frames");
    const empty = await server.open();
    empty.sendFrame(binary, "", { isFinal: false });
    for (let i = 0; i < 20; i++) {
      const thousand = Array.from({ length: 1_000 }, () => continuationOfNothing());
      empty.send(Buffer.concat(thousand));
    }
    await empty.waitUntil(() => empty.isOver);
    assert.equal(empty.closeFrame?.code, 1008, "frames without end");
  },
);

test("2026-11: who says nothing is not waited for", DEADLINE, async (t) => {
  const server = await WsServer.start(
    t,
    `handshake_timeout: "100ms", authorization { timeout: 0.1 }`,
    GUARDED,
  );
  const silent = server.keep(await WsPeer.dial(server.port));
  assert.ok(await silent.waitUntil(() => silent.isClosed), "no request");
  const slow = server.keep(await WsPeer.dial(server.port));
  slow.send("GET / HTTP/1.1\r\nHost: x\r\n");
  assert.ok(await slow.waitUntil(() => slow.isClosed), "half a request");
  const mute = await server.open();
  assert.ok(await mute.waitUntil(() => mute.isOver), "no CONNECT");
  assert.equal(mute.closeFrame?.code, 1008);
  assert.ok(mute.text.includes("-ERR 'Authentication Timeout'"));
});

test("2026-11: a request with endless header fields is dropped", DEADLINE, async (t) => {
  const server = await WsServer.start(t);
  const peer = await server.open({ headers: { Cookie: "x".repeat(64 * 1024) } });
  assert.equal(peer.status, 431);
});

test("pings that nobody reads the answers of are no way to fill the memory", DEADLINE, async (t) => {
  const server = await WsServer.start(t);
  const peer = await server.enter();
  peer.pause();
  const [client] = server.server.broker.clients.values();
  const pings = Buffer.concat(
    Array.from({ length: 1_000 }, () => Buffer.from([0x89, 0xfd, 0, 0, 0, 0, ...Buffer.alloc(125)])),
  );
  for (let i = 0; i < 200 && client.state === "connected"; i++) {
    peer.send(pings);
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
  assert.notEqual(client.state, "connected");
});

test(
  "2026-27: a user that a certificate stands for has no password over WebSocket, either",
  DEADLINE,
  async (t) => {
    const folder = tempFolder(t);
    const ca = makeCa();
    const files = writePair(folder, "server", makeCertificate({ dns: ["localhost"], ca }));
    writeFileSync(join(folder, "ca.pem"), ca.pem);
    const server = await WsServer.start(
      t,
      "",
      `tls { cert_file: "${files.cert_file}", key_file: "${files.key_file}", ca_file: "${join(folder, "ca.pem")}", verify_and_map: true }
       authorization { users: [ { user: "CN=ann" } ] }`,
    );
    const peer = await server.open();
    peer.sendData(connectLine({ user: "CN=ann", pass: "" }));
    await peer.waitUntil(() => peer.isOver);
    assert.ok(peer.text.includes("-ERR 'Authorization Violation'"), peer.text);
  },
);

function continuationOfNothing(): Buffer {
  return Buffer.from([0x00, 0x80, 0, 0, 0, 0]);
}
