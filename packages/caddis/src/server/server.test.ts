import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveOptions } from "../config/load.ts";
import type { OptionsInput } from "../config/options.ts";
import type { Http } from "../io/http.ts";
import { type Log, SILENT_LOG } from "../io/log.ts";
import type { Listener, Net, UnattachedPipe } from "../io/pipe.ts";
import { SeededRandom } from "../io/seeded-random.ts";
import { nodeSecurity } from "../io/node/security.ts";
import { VirtualClock } from "../io/virtual-clock.ts";
import { Server } from "./server.ts";

const PORT = 4_999;

/** A network whose listeners come up, or fail to, when the test says so. */
class HeldNet implements Net {
  readonly opening = Promise.withResolvers<void>();
  onAcceptError: (error: Error) => void = () => {};
  opened = 0;
  closed = 0;

  async listen(
    host: string,
    _port: number,
    _onPipe: (pipe: UnattachedPipe) => void,
    onAcceptError: (error: Error) => void,
  ): Promise<Listener> {
    this.onAcceptError = onAcceptError;
    await this.opening.promise;
    this.opened++;
    const close = async (): Promise<void> => void this.closed++;
    return { host, addresses: [host], port: PORT, close };
  }
}

const NO_HTTP: Http = { listen: () => Promise.reject(new Error("no monitoring here")) };

class World {
  readonly clock = new VirtualClock((run) => setImmediate(run));
  readonly net = new HeldNet();
  readonly lines: string[] = [];
  readonly server: Server;

  constructor(options: OptionsInput = {}) {
    const note = (message: string): void => void this.lines.push(message);
    const log: Log = { ...SILENT_LOG, info: note, warn: note, error: note };
    const ignore = (): void => {};
    this.server = new Server(
      resolveOptions({ host: "127.0.0.1", ...options }),
      {
        clock: this.clock,
        random: new SeededRandom(1),
        log,
        net: this.net,
        http: NO_HTTP,
        websocket: { listen: () => Promise.reject(new Error("no WebSocket here")) },
        compression: { gzip: (bytes) => Promise.resolve(bytes) },
        resources: {
          coreCount: 1,
          residentBytes: () => 0,
          cpuPercent: () => 0,
          heap: () => ({ usedBytes: 0, totalBytes: 0, limitBytes: 0 }),
          activity: () => [],
        },
        security: nodeSecurity(),
        runtime: "test",
      },
      { onConnect: ignore, onDisconnect: ignore, onAuthError: () => {}, onSlowConsumer: ignore },
    );
  }

  async start(): Promise<void> {
    this.net.opening.resolve();
    await this.server.start();
  }

  /** Connects from inside and says hello; tells what comes. */
  async connect(): Promise<{ text: string }> {
    const heard = { text: "" };
    const pipe = this.server.connectInProcess();
    pipe.attach({
      onData: ({ buf }, length) => (heard.text += buf.latin1Slice(0, length)),
      onWritten() {},
      onClosed() {},
    });
    const hello = Buffer.from('CONNECT {"verbose":false,"protocol":1}\r\nPING\r\n');
    pipe.write(hello, hello.length);
    await this.clock.settled();
    return heard;
  }
}

test("a shutdown in the same turn as lame duck mode wins, and both are told when it is done", async () => {
  const world = new World();
  await world.start();
  const heard = await world.connect();
  const lameDuck = world.server.lameDuck();
  const shutdown = world.server.shutdown();
  await world.clock.settled();
  await Promise.all([lameDuck, shutdown, world.server.closed]);
  assert.equal(world.server.state, "stopped");
  assert.doesNotMatch(heard.text, /"ldm"/);
  assert.doesNotMatch(world.lines.join("\n"), /Closing existing clients/);
});

test("a shutdown while it starts: it closes what opens late, and start says so once it is down", async () => {
  const world = new World();
  const started = world.server.start();
  const down = world.server.shutdown();
  assert.equal(world.server.state, "stopping");
  world.net.opening.resolve();
  await assert.rejects(started, /shut down while it started/);
  assert.equal(world.server.state, "stopped");
  await Promise.all([down, world.server.closed]);
  assert.deepEqual([world.net.opened, world.net.closed], [1, 1]);
  assert.doesNotMatch(world.lines.join("\n"), /Server is ready/);
  assert.equal(world.lines.at(-1), "Server Exiting..");
});

test("a start that fails leaves it down, with or without a shutdown meanwhile", async () => {
  for (const isShutDown of [false, true]) {
    const world = new World();
    const started = world.server.start();
    const down = isShutDown ? world.server.shutdown() : Promise.resolve();
    world.net.opening.reject(new Error("taken"));
    await assert.rejects(started, /^Error: Error listening on port: 127\.0\.0\.1:4222, "taken"$/);
    await Promise.all([down, world.server.closed]);
    assert.equal(world.server.state, "stopped");
  }
});

test("monitoring that cannot start keeps the rest from starting", async () => {
  const world = new World({ http_port: 8222 });
  await assert.rejects(world.start(), /Can't start monitoring: .*no monitoring here/);
  assert.equal(world.net.opened, 0);
  assert.equal(world.server.state, "stopped");
});

test("lame duck mode before it runs changes nothing", async () => {
  const world = new World();
  const started = world.server.start();
  void world.server.lameDuck();
  world.net.opening.resolve();
  await started;
  assert.equal(world.server.state, "running");
  await world.server.shutdown();
});

test("connections that could not be accepted are told", async () => {
  const world = new World();
  await world.start();
  world.net.onAcceptError(new Error("too many open files"));
  assert.match(world.lines.at(-1) ?? "", /^Client Accept Error\(too many open files\)/);
  await world.server.shutdown();
});

test("clients are told the advertised address, and the port listened on where it names none", async () => {
  for (const [advertised, host, port] of [
    ["h:-1", "h", PORT],
    ["h", "h", PORT],
    ["[::1]:443", "::1", 443],
    ["", "127.0.0.1", PORT],
  ] as const) {
    const world = new World({ client_advertise: advertised });
    await world.start();
    const { text } = await world.connect();
    assert.ok(text.includes(`"host":"${host}","port":${port},`), text);
    assert.equal(world.server.listeningPort, PORT);
    await world.server.shutdown();
  }
});
