import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { test, type TestContext } from "node:test";
import type { TLSSocket } from "node:tls";
import * as fc from "fast-check";
import { makeCa, makeCertificate } from "./support/certificates.ts";
import {
  listenTls,
  tempFolder,
  tlsConfig,
  type TlsListener,
  type TlsSide,
  writePair,
} from "./support/tls-pipes.ts";

/** More than the kernel takes for a peer that does not read, on any machine we know. */
const FLOOD_BYTES = 32 * 1024 * 1024;

const CA = makeCa();
const SERVER = makeCertificate({ ca: CA, dns: ["localhost"] });
const INFO = "INFO {}\r\n";

function listen(
  t: TestContext,
  begin?: Parameters<typeof listenTls>[3],
  readMode?: Parameters<typeof listenTls>[4],
): Promise<TlsListener> {
  return listenTls(t, tlsConfig([writePair(tempFolder(t), "server", SERVER)]), {}, begin, readMode);
}

interface Connection {
  readonly side: TlsSide;
  readonly socket: TLSSocket;
}

async function open(
  listener: TlsListener,
  options: Parameters<TlsListener["connect"]>[0] = {},
): Promise<Connection> {
  const socket = listener.connect(options);
  const side = await listener.nextSide();
  await side.until(() => side.session !== null);
  return { side, socket };
}

const run = (what: string, body: (t: TestContext) => Promise<void>): void => {
  test(what, { timeout: 30_000 }, body);
};

/** The first record of a client that begins TLS. */
async function clientHello(listener: TlsListener): Promise<Buffer> {
  const sent = Promise.withResolvers<Buffer>();
  const wire = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _, done) => {
      sent.resolve(chunk);
      done();
    },
  });
  const client = listener.connect({ socket: wire });
  const hello = await sent.promise;
  client.destroy();
  return hello;
}

run("INFO goes out in the clear, and TLS begins behind it", async (t) => {
  const listener = await listen(t, (side, context) => {
    assert.ok(side.pipe.write(Buffer.from(INFO), INFO.length));
    side.pipe.secure(context, null);
  });
  const raw = await listener.tcp();
  const [info] = (await once(raw, "data")) as [Buffer];
  assert.equal(info.toString(), INFO);
  const socket = listener.connect({ socket: raw });
  const side = await listener.nextSide();
  side.onRead = () => side.pipe.write(Buffer.from("PONG"), 4);
  socket.write("PING");
  const [answer] = (await once(socket, "data")) as [Buffer];
  assert.equal(answer.toString(), "PONG");
});

run("where a socket can't be taken over, its data events do", async (t) => {
  const { side, socket } = await open(await listen(t, undefined, "events"));
  socket.write("PING");
  await side.until(() => side.received === 4);
  const received: Buffer[] = [];
  const starting = await listen(
    t,
    (side, context) => {
      side.onRead = (input, count) => {
        received.push(Buffer.from(input.buf.subarray(0, count)));
        if (side.session === null) side.pipe.secure(context, received[0]);
      };
    },
    "events",
  );
  const other = await open(starting);
  other.socket.write("PING");
  await other.side.until(() => received.length === 2);
  assert.equal(received[1].toString(), "PING");
});

run("what was read of the handshake already is handed over, however little it is", async (t) => {
  for (const length of [1, 5, 200]) {
    const held: Buffer[] = [];
    const listener = await listen(t, (side, context) => {
      side.onRead = (input, count) => {
        held.push(Buffer.from(input.buf.subarray(0, count)));
        if (side.session !== null || Buffer.concat(held).length < length) return;
        side.onRead = () => undefined;
        side.pipe.secure(context, Buffer.concat(held));
      };
    });
    const { side, socket } = await open(listener);
    const before = side.received;
    socket.write("hello");
    await side.until(() => side.received === before + 5);
  }
});

run("a handshake that comes byte by byte is done in the end", async (t) => {
  const listener = await listen(t);
  const raw = await listener.tcp();
  const wire = bytewise(raw);
  const socket = listener.connect({ socket: wire });
  const side = await listener.nextSide();
  await side.until(() => side.session !== null);
  socket.write("slow but sure");
  await side.until(() => side.received === 13);
});

/** `raw`, to which each byte is written in a turn of its own. */
function bytewise(raw: Socket): Duplex {
  raw.setNoDelay(true);
  const writeFrom = (chunk: Buffer, at: number, done: () => void): void => {
    if (at === chunk.length) return done();
    raw.write(chunk.subarray(at, at + 1), () => setImmediate(() => writeFrom(chunk, at + 1, done)));
  };
  const wire = new Duplex({
    read: () => raw.resume(),
    write: (chunk: Buffer, _, done) => writeFrom(chunk, 0, done),
  });
  raw.on("data", (chunk: Buffer) => wire.push(chunk));
  return wire;
}

run("what is not TLS ends the connection, and says so", async (t) => {
  const listener = await listen(t);
  const texts = [
    'CONNECT {"verbose":false}\r\nPING\r\n',
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "CONNECT x:1 HTTP/1.1\r\n\r\n",
    "\0".repeat(64),
    "\x16\x09\x01\x00\x05hello",
  ];
  for (const text of texts) {
    const raw = await listener.tcp();
    const side = await listener.nextSide();
    raw.write(text, "latin1");
    const reason = await side.reason();
    assert.equal(reason, "TLS handshake error: tls: first record does not look like a TLS handshake");
  }
});

run("whatever comes instead of a handshake, the end comes once", async (t) => {
  const listener = await listen(t);
  const hello = await clientHello(listener);
  const garbage = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 600 }),
    fc
      .uint8Array({ maxLength: 600 })
      .map((bytes) => Buffer.concat([Buffer.from([0x16, 3, 1, 0, 50]), bytes])),
    fc.tuple(fc.nat(hello.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, flip]) => {
      const bytes = Buffer.from(hello);
      bytes[at] ^= flip;
      return bytes;
    }),
  );
  await fc.assert(
    fc.asyncProperty(garbage, async (bytes) => {
      const raw = await listener.tcp();
      const side = await listener.nextSide();
      raw.end(bytes);
      raw.resume();
      const reason = await side.reason();
      assert.match(reason ?? "", /^TLS handshake error: \S/);
      assert.ok(!/[\n\r]|error:[0-9A-F]{8}/.test(reason ?? ""), `concise: ${reason}`);
      assert.equal(side.session, null);
    }),
    { numRuns: 100 },
  );
});

run("a peer that leaves or breaks off in the handshake ends it", async (t) => {
  const listener = await listen(t);
  const hello = await clientHello(listener);
  const [leaving, breaking] = [await listener.tcp(), await listener.tcp()];
  const [left, broken] = [await listener.nextSide(), await listener.nextSide()];
  leaving.end(hello.subarray(0, 40));
  assert.equal(await left.reason(), "TLS handshake error: EOF");
  const silent = await listener.tcp();
  const unheard = await listener.nextSide();
  silent.end();
  assert.equal(await unheard.reason(), "TLS handshake error: EOF");
  const fleeing = await listener.tcp();
  const fled = await listener.nextSide();
  fleeing.resetAndDestroy();
  assert.equal(await fled.reason(), "TLS handshake error: connection reset by peer");
  breaking.write(hello);
  await once(breaking, "data");
  breaking.resetAndDestroy();
  assert.equal(await broken.reason(), "TLS handshake error: connection reset by peer");
});

run("half a handshake and silence: who destroys the pipe gets its end, and nothing stays", async (t) => {
  const listener = await listen(t);
  const hello = await clientHello(listener);
  const handles = (): number =>
    process.getActiveResourcesInfo().filter((kind) => /TCP|TLS/.test(kind)).length;
  const before = handles();
  for (const part of [hello.subarray(0, 0), hello.subarray(0, 3), hello.subarray(0, 100), hello]) {
    const raw = await listener.tcp();
    const side = await listener.nextSide();
    if (part.length > 0) raw.write(part);
    if (part === hello) await once(raw, "data");
    side.pipe.destroy();
    assert.ok(side.closed === null, "not before destroy returns");
    assert.equal(await side.reason(), null, "who destroyed it knows why");
    raw.destroy();
    if (!raw.closed) await once(raw, "close");
  }
  while (handles() > before) await new Promise((resolve) => setImmediate(resolve));
});

run("an end during the handshake is an end at once", async (t) => {
  const listener = await listen(t);
  const raw = await listener.tcp();
  const side = await listener.nextSide();
  side.pipe.end();
  assert.equal(await side.reason(), null);
  raw.resume();
  if (!raw.readableEnded) await once(raw, "end");
});

run("a pipe that was paused during the handshake hands over nothing until it is resumed", async (t) => {
  const listener = await listen(t, (side, context) => {
    side.pipe.secure(context, null);
    side.pipe.pause();
  });
  const { side, socket } = await open(listener);
  const other = await open(await listen(t));
  socket.write("early");
  for (let i = 1; i <= 50; i++) {
    other.socket.write("x");
    await other.side.until(() => other.side.received === i);
  }
  assert.equal(side.received, 0);
  side.pipe.resume();
  await side.until(() => side.received === 5);
});

run("a resume during the handshake loses nothing of it", async (t) => {
  const listener = await listen(t, (side, context) => {
    side.onRead = (input, count) => {
      if (side.session !== null) return;
      side.pipe.pause();
      side.pipe.secure(context, Buffer.from(input.buf.subarray(0, count)));
      side.pipe.resume();
    };
  });
  const { side, socket } = await open(listener);
  const before = side.received;
  socket.write("x");
  await side.until(() => side.received === before + 1);
});

run("a paused pipe makes its peer wait", async (t) => {
  const { side, socket } = await open(await listen(t));
  const other = await open(await listen(t));
  side.onRead = () => {
    side.onRead = () => undefined;
    side.pipe.pause();
  };
  socket.write(Buffer.alloc(FLOOD_BYTES));
  await side.until(() => side.received > 0);
  for (let i = 1; i <= 50; i++) {
    other.socket.write("x");
    await other.side.until(() => other.side.received === i);
  }
  assert.ok(side.received <= 2 * 16_384, `${side.received} bytes, of which one read may have been under way`);
  assert.ok(socket.writableLength > 0, "the peer is made to wait");
  side.pipe.resume();
  await side.until(() => side.received === FLOOD_BYTES);
});

run("a write belongs to the pipe until it is done, and that waits for the peer", async (t) => {
  const { side, socket } = await open(await listen(t));
  const other = await open(await listen(t));
  socket.pause();
  const big = Buffer.alloc(FLOOD_BYTES, "a");
  assert.equal(side.pipe.write(big, big.length), false);
  for (let i = 1; i <= 50; i++) {
    other.socket.write("x");
    await other.side.until(() => other.side.received === i);
  }
  assert.equal(side.written, 0);
  let got = 0;
  socket.on("data", (chunk: Buffer) => (got += chunk.length));
  socket.resume();
  await side.until(() => side.written === 1);
  side.pipe.writeAll([big, Buffer.from("behind"), big], [big.length, 3, 1]);
  await side.until(() => side.written === 2);
  side.pipe.end();
  await once(socket, "end");
  assert.equal(got, 2 * big.length + 4);
  assert.equal(await side.reason(), null);
});

run("a pipe that is destroyed under a write says nothing of it", async (t) => {
  const { side, socket } = await open(await listen(t));
  socket.pause();
  const big = Buffer.alloc(FLOOD_BYTES);
  side.pipe.write(big, big.length);
  side.pipe.destroy();
  assert.equal(await side.reason(), null);
  assert.equal(side.written, 0);
});

run("an altered record ends the connection", async (t) => {
  const listener = await listen(t);
  const raw = await listener.tcp();
  const socket = listener.connect({ socket: raw });
  const side = await listener.nextSide();
  await side.until(() => side.session !== null);
  if (socket.getPeerX509Certificate() === undefined) await once(socket, "secureConnect");
  raw.write(Buffer.from("17030300200000000000000000000000000000000000000000000000000000000000000000", "hex"));
  assert.match((await side.reason()) ?? "", /bad record mac/);
});

run("a peer that hangs up has sent all it had", async (t) => {
  const { side, socket } = await open(await listen(t));
  socket.end("last words");
  assert.equal(await side.reason(), null);
  assert.equal(side.received, 10);
});

run("a client can't renegotiate", async (t) => {
  const { side, socket } = await open(await listen(t), { maxVersion: "TLSv1.2" });
  side.onRead = () => side.pipe.write(Buffer.from("x"), 1);
  socket.write("x");
  await once(socket, "data");
  const failed = once(socket, "error") as Promise<[Error]>;
  assert.ok(socket.renegotiate({}, () => assert.fail("it was renegotiated")));
  assert.match((await failed)[0].message, /no renegotiation/i);
  assert.notEqual(await Promise.race([side.reason(), Promise.resolve("open")]), undefined);
});

for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
  run(`${version}: what arrives is what was written, though buffers are used again`, async (t) => {
    const listener = await listen(t);
    const write = fc.array(fc.nat(100_000), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(write, { minLength: 1, maxLength: 25 }),
        fc.nat(255),
        async (writes, seed) => {
          const { side, socket } = await open(listener, { minVersion: version, maxVersion: version });
          const got = createHash("sha256");
          socket.on("data", (chunk: Buffer) => got.update(chunk));
          const sent = createHash("sha256");
          const slabs = [0, 1, 2, 3].map(() => Buffer.alloc(100_001));
          let value = seed;
          for (const [i, sizes] of writes.entries()) {
            const lengths = sizes.map((size) => size + 1);
            const bufs = slabs.slice(0, lengths.length);
            for (const [j, buf] of bufs.entries()) {
              buf.fill(value++ & 0xff);
              sent.update(buf.subarray(0, lengths[j]));
            }
            const isGone =
              lengths.length === 1 ? side.pipe.write(bufs[0], lengths[0]) : side.pipe.writeAll(bufs, lengths);
            if (!isGone) await side.until(() => side.written === i + 1);
            for (const buf of bufs) buf.fill(0xee);
          }
          side.pipe.end();
          await once(socket, "end");
          assert.equal(got.digest("hex"), sent.digest("hex"));
        },
      ),
      { numRuns: 15 },
    );
  });
}
