import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import type { Bytes } from "../../base/bytes.ts";
import type { PipeEvents, UnattachedPipe } from "../pipe.ts";
import { type ReadMode, tcpNet } from "./tcp.ts";

/** More than the kernel takes for a peer that does not read, on any machine we know. */
const FLOOD_BYTES = 32 * 1024 * 1024;

/** One side of a connection as the server has it. */
class Side implements PipeEvents {
  readonly pipe: UnattachedPipe;
  received = 0;
  reads = 0;
  written = 0;
  closed: { readonly error: Error | null } | null = null;
  onRead: (input: Bytes, length: number) => void = () => {};
  #changed = Promise.withResolvers<void>();

  constructor(pipe: UnattachedPipe) {
    this.pipe = pipe;
    pipe.attach(this);
  }

  onData(input: Bytes, length: number): void {
    assert.ok(this.closed === null, "nothing follows the end");
    assert.ok(length > 0 && length <= input.capacity);
    this.reads++;
    this.received += length;
    this.onRead(input, length);
    this.#notify();
  }
  onSecured(): void {
    assert.fail("nothing is encrypted here");
  }
  onWritten(): void {
    assert.ok(this.closed === null, "nothing follows the end");
    this.written++;
    this.#notify();
  }
  onClosed(error: Error | null): void {
    assert.ok(this.closed === null, "the end comes once");
    this.closed = { error };
    this.#notify();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#changed.promise;
  }

  #notify(): void {
    const changed = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    changed.resolve();
  }
}

interface Connection {
  readonly side: Side;
  readonly socket: Socket;
}

/** A listener, and a way to get both ends of a new connection to it. */
async function listen(t: TestContext, readMode: ReadMode): Promise<() => Promise<Connection>> {
  let accepted = Promise.withResolvers<Side>();
  const listener = await tcpNet(readMode).listen(
    "127.0.0.1",
    0,
    (pipe) => accepted.resolve(new Side(pipe)),
    assert.ifError,
  );
  t.after(() => listener.close());
  return async () => {
    accepted = Promise.withResolvers<Side>();
    const socket = connect({ port: listener.port, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("error", () => undefined);
    t.after(() => socket.destroy());
    await once(socket, "connect");
    return { side: await accepted.promise, socket };
  };
}

for (const readMode of ["shared", "events"] satisfies ReadMode[]) {
  const run = (what: string, body: (open: () => Promise<Connection>) => Promise<void>): void => {
    test(`${what} (${readMode} reads)`, { timeout: 20_000 }, async (t) => body(await listen(t, readMode)));
  };

  run("bytes arrive as they were sent, on many connections at once", async (open) => {
    const connections = [await open(), await open(), await open()];
    const texts = connections.map((_, i) => `${i}`.repeat(200_000));
    const got = connections.map(() => "");
    for (const [i, { side, socket }] of connections.entries()) {
      side.onRead = (input, length) => (got[i] += input.buf.latin1Slice(0, length));
      socket.write(texts[i]);
    }
    for (const [i, { side }] of connections.entries())
      await side.until(() => side.received === texts[i].length);
    assert.deepEqual(got, texts);
    const [{ side }] = connections;
    assert.equal(side.pipe.remoteHost, "127.0.0.1");
    assert.ok(side.pipe.remotePort > 0);
  });

  run("a paused pipe hands over nothing, until it is resumed", async (open) => {
    const { side, socket } = await open();
    const other = await open();
    side.onRead = () => {
      side.onRead = () => {};
      side.pipe.pause();
    };
    socket.write(Buffer.alloc(FLOOD_BYTES));
    await side.until(() => side.reads > 0);
    // The loop has many turns meanwhile.
    for (let i = 1; i <= 50; i++) {
      other.socket.write("x");
      await other.side.until(() => other.side.received === i);
    }
    assert.ok(side.reads <= 2, `${side.reads} reads, of which one may have been under way`);
    assert.ok(socket.writableLength > 0, "the peer is made to wait");
    side.pipe.resume();
    await side.until(() => side.received === FLOOD_BYTES);
  });

  run("a write that is not taken at once belongs to the pipe until it is done", async (open) => {
    const { side, socket } = await open();
    socket.pause();
    const big = Buffer.alloc(FLOOD_BYTES, "a");
    assert.ok(side.pipe.write(Buffer.from("small"), 5), "a small one is taken at once");
    assert.equal(side.pipe.write(big, big.length), false);
    assert.equal(side.written, 0);
    let got = 0;
    socket.on("data", (chunk: Buffer) => (got += chunk.length));
    socket.resume();
    await side.until(() => side.written === 1);
    assert.equal(side.pipe.writeAll([big, Buffer.from("behind"), big], [big.length, 3, 1]), false);
    await side.until(() => side.written === 2);
    side.pipe.end();
    await once(socket, "end");
    assert.equal(got, 5 + big.length + big.length + 3 + 1);
    socket.end();
    await side.until(() => side.closed !== null);
    assert.deepEqual(side.closed, { error: null });
  });

  run("a peer that hangs up has sent all it had, and is told nothing more", async (open) => {
    const { side, socket } = await open();
    socket.end("last words");
    await side.until(() => side.closed !== null);
    assert.equal(side.received, "last words".length);
    assert.deepEqual(side.closed, { error: null });
  });

  run(
    "a pipe that is destroyed or reset in the middle of a write reports its end, not the write",
    async (open) => {
      for (const how of ["destroy", "reset"]) {
        const { side, socket } = await open();
        socket.pause();
        const big = Buffer.alloc(FLOOD_BYTES);
        assert.equal(side.pipe.write(big, big.length), false);
        if (how === "destroy") side.pipe.destroy();
        else socket.resetAndDestroy();
        await side.until(() => side.closed !== null);
        assert.equal(side.written, 0, how);
      }
    },
  );
}

test("an address that is taken is refused with its reason", async (t) => {
  const net = tcpNet();
  const listener = await net.listen("127.0.0.1", 0, (pipe) => pipe.destroy(), assert.ifError);
  t.after(() => listener.close());
  await assert.rejects(
    net.listen("127.0.0.1", listener.port, () => {}, assert.ifError),
    /^Error: listen tcp 127\.0\.0\.1:\d+: bind: address already in use$/,
  );
});
