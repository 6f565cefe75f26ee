/** JetStream as a part of a server: who has it, what options and reloads do to it, where it keeps things. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import {
  AckPolicy,
  jetstream,
  jetstreamManager,
  type JetStreamManager,
  StorageType,
} from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import {
  type CaddisServer,
  ConfigError,
  createServer,
  type ServerOptions,
} from "../packages/caddis/src/server/index.ts";
import { createTestServer, MemoryDisk } from "../packages/caddis/src/server/testing.ts";

const storage = StorageType.Memory;

async function start(t: TestContext, options: ServerOptions): Promise<CaddisServer> {
  const server = await createServer(options);
  t.after(() => server.shutdown());
  return server;
}

async function dial(t: TestContext, server: CaddisServer, user?: string): Promise<NatsConnection> {
  const nc = await connect({ servers: server.url, ...(user === undefined ? {} : { user, pass: "p" }) });
  t.after(() => nc.close());
  return nc;
}

function managerOf(nc: NatsConnection, domain?: string): Promise<JetStreamManager> {
  return jetstreamManager(nc, { checkAPI: false, ...(domain === undefined ? {} : { domain }) });
}

function testFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "caddis-js-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Why a server does not start with these options; empty: it does. */
async function refusalOf(options: ServerOptions): Promise<string> {
  try {
    const server = await createServer(options);
    await server.shutdown();
    return "";
  } catch (error) {
    return String(error);
  }
}

/** Which of the users may use JetStream; text: why not. */
async function askAll(
  t: TestContext,
  server: CaddisServer,
  users: readonly string[],
): Promise<Record<string, string>> {
  const answers: Record<string, string> = {};
  for (const user of users) {
    const manager = await managerOf(await dial(t, server, user));
    answers[user] = await manager.getAccountInfo().then(
      ({ limits }) => `max_memory ${limits.max_memory}`,
      (error: Error) => error.message,
    );
  }
  return answers;
}

function account(user: string, jetstream?: "enabled" | { max_memory: number }): object {
  return { users: [{ user, password: "p" }], ...(jetstream === undefined ? {} : { jetstream }) };
}

function domainOf(nc: NatsConnection): unknown {
  return Reflect.get(nc.info ?? {}, "domain");
}

const NOT_ENABLED = "JetStream not enabled for account";

test("INFO says that it is there, and its domain; without it neither", async (t) => {
  const nc = await dial(t, await start(t, { jetstream: { domain: "hub" } }));
  assert.deepEqual([nc.info?.jetstream, domainOf(nc)], [true, "hub"]);
  const bare = await dial(t, await start(t, {}));
  assert.deepEqual([bare.info?.jetstream, domainOf(bare)], [undefined, undefined]);
});

test("its API and stores can be reached by the domain", async (t) => {
  const nc = await dial(t, await start(t, { jetstream: { domain: "hub" } }));
  const manager = await managerOf(nc, "hub");
  assert.equal((await manager.getAccountInfo()).domain, "hub");
  await manager.streams.add({ name: "KV_x", subjects: ["$KV.x.>"], storage });
  await nc.request("$JS.hub.API.$KV.x.key", "value");
  assert.equal((await manager.streams.info("KV_x")).state.messages, 1);
});

describe("who has it", () => {
  test("everybody, where there are no accounts", async (t) => {
    const manager = await managerOf(await dial(t, await start(t, { jetstream: true })));
    assert.equal((await manager.getAccountInfo()).limits.max_memory, -1);
  });

  test("the accounts that say so, where there are some; others are told", async (t) => {
    const server = await start(t, {
      jetstream: "enabled",
      accounts: { A: account("a", "enabled"), B: account("b", { max_memory: 5 }), C: account("c") },
      no_auth_user: "c",
    });
    assert.deepEqual(await askAll(t, server, ["a", "b", "c"]), {
      a: "max_memory -1",
      b: "max_memory 5",
      c: NOT_ENABLED,
    });
  });

  test("nobody where it is off, and nobody answers", async (t) => {
    const server = await start(t, { accounts: { A: account("a", "enabled") } });
    const { a } = await askAll(t, server, ["a"]);
    assert.match(a, /not enabled/i);
  });

  test("not the account of the servers", async () => {
    assert.match(
      await refusalOf({ jetstream: true, accounts: { SYS: account("s", "enabled") }, system_account: "SYS" }),
      /Not allowed to enable JetStream on the system account/,
    );
  });

  test("not an account that asks another one", async (t) => {
    const api = "$JS.API.>";
    const server = await start(t, {
      jetstream: true,
      accounts: {
        A: { ...account("a", "enabled"), exports: [{ service: api }] },
        B: { ...account("b"), imports: [{ service: { account: "A", subject: api } }] },
      },
    });
    assert.deepEqual(await askAll(t, server, ["b"]), { b: "max_memory -1" });
  });
});

describe("a reload", () => {
  const accounts = (
    jetstream?: "enabled" | { max_memory: number },
  ): NonNullable<ServerOptions["accounts"]> => ({
    A: account("a", jetstream),
    B: account("b", "enabled"),
  });

  test("gives it to an account, changes how much it may use, and takes it away", async (t) => {
    const server = await start(t, { jetstream: true, accounts: accounts() });
    const options = (jetstream?: "enabled" | { max_memory: number }): ServerOptions => ({
      jetstream: true,
      accounts: accounts(jetstream),
    });
    for (const [jetstream, expected] of [
      ["enabled", "max_memory -1"],
      [{ max_memory: 7 }, "max_memory 7"],
      [undefined, NOT_ENABLED],
      [{ max_memory: 9 }, "max_memory 9"],
    ] as const) {
      await server.reload(options(jetstream));
      assert.deepEqual(await askAll(t, server, ["a", "b"]), { a: expected, b: "max_memory -1" });
    }
  });

  test("switches it on and off", async (t) => {
    const server = await start(t, {});
    const manager = await managerOf(await dial(t, server));
    for (let round = 0; round < 2; round++) {
      await assert.rejects(manager.getAccountInfo(), /not enabled/i);
      await server.reload({ jetstream: true });
      await manager.getAccountInfo();
      assert.equal((await dial(t, server)).info?.jetstream, true);
      await server.reload({});
    }
  });

  test("lets storage grow, and nothing else that is in use", async (t) => {
    const folder = testFolder(t);
    const block = { store_dir: folder, max_memory_store: "10M", max_file_store: "1G" };
    const server = await start(t, { jetstream: block, http_port: -1 });
    const shown = async (): Promise<unknown> => {
      const response = await fetch(`${server.monitoringUrl}/jsz`);
      const { config, limits } = (await response.json()) as Record<
        "config" | "limits",
        Record<string, unknown>
      >;
      return [config["max_memory"], config["max_storage"], limits["max_ack_pending"]];
    };
    const same = { http_port: -1 };
    await server.reload({
      ...same,
      jetstream: { ...block, max_memory_store: "20M", limits: { max_ack_pending: 5 } },
    });
    assert.deepEqual(await shown(), [20 * 2 ** 20, 2 ** 30, 5]);
    for (const [jetstream, reason] of [
      [{ ...block, max_memory_store: "5M" }, /decreasing jetstream max memory and store/],
      [{ ...block, max_file_store: -1, max_memory_store: "20M" }, /jetstream max memory and max store/],
      [{ ...block, max_memory_store: "20M", domain: "x" }, /JetStreamDomain$/],
      [{ ...block, max_memory_store: "20M", store_dir: `${folder}/x` }, /jetstream storage directory/],
      [{ ...block, max_memory_store: "20M", sync_interval: "5m" }, /SyncInterval$/],
      [{ ...block, max_memory_store: "20M", encryption_key: "s3cret" }, /JetStreamKey$/],
    ] as const) {
      await assert.rejects(server.reload({ ...same, jetstream }), (error: Error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, reason);
        assert.doesNotMatch(error.message, /s3cret/);
        return true;
      });
    }
    assert.deepEqual(await shown(), [20 * 2 ** 20, 2 ** 30, 5]);
  });
});

describe("the folder", () => {
  test("is one server's at a time", async (t) => {
    const store_dir = testFolder(t);
    const first = await start(t, { jetstream: true, store_dir });
    assert.match(
      await refusalOf({ jetstream: true, store_dir }),
      /Can't start JetStream: folder .* is in use by another server \(process \d+\)/,
    );
    await first.shutdown();
    const second = await start(t, { jetstream: true, store_dir });
    assert.equal(second.isRunning, true);
  });

  test("has to be one", async () => {
    assert.match(
      await refusalOf({ jetstream: true, store_dir: "/dev/null" }),
      /Can't start JetStream: (?:storage directory is not a directory|could not create storage directory)/,
    );
  });

  test("is nowhere where none is given: what is embedded keeps things in memory", async (t) => {
    const before = new Set(readdirSync(tmpdir()));
    const server = await start(t, { jetstream: true });
    const other = await start(t, { jetstream: true });
    await (await managerOf(await dial(t, server))).streams.add({ name: "S", storage });
    assert.equal((await (await managerOf(await dial(t, other))).streams.names().next()).length, 0);
    assert.equal(before.has("nats"), readdirSync(tmpdir()).includes("nats"));
  });
});

describe("what accounts are promised", () => {
  const block = { max_memory_store: 100, max_file_store: 100 };

  test("is there, or the server does not start", async () => {
    const accounts = { A: account("a", { max_memory: 80 }), B: account("b", { max_memory: 50 }) };
    assert.match(
      await refusalOf({ jetstream: block, accounts }),
      /Can't start JetStream: Error enabling jetstream on configured accounts: insufficient memory resources available \(10028\)/,
    );
  });

  test("stays as it was where a reload promises more", async (t) => {
    const options = (a: number, b: number): ServerOptions => ({
      jetstream: block,
      accounts: { A: account("a", { max_memory: a }), B: account("b", { max_memory: b }) },
    });
    const server = await start(t, options(80, 20));
    await server.reload(options(80, 30));
    assert.deepEqual(await askAll(t, server, ["a", "b"]), { a: "max_memory 80", b: "max_memory 20" });
    await server.reload(options(70, 30));
    assert.deepEqual(await askAll(t, server, ["a", "b"]), { a: "max_memory 70", b: "max_memory 30" });
  });
});

test("/explainz says how it stands with a stream and its consumers", async (t) => {
  const server = await start(t, { jetstream: true, http_port: -1 });
  const manager = await managerOf(await dial(t, server));
  await manager.streams.add({ name: "S", subjects: ["s"], storage });
  await manager.consumers.add("S", { durable_name: "c", ack_policy: AckPolicy.Explicit });
  const ask = async (query: string): Promise<string> => {
    const response = await fetch(`${server.monitoringUrl}/explainz?${query}`);
    return `${response.status} ${await response.text()}`;
  };
  assert.match(await ask("stream=S"), /^200 [^]*Stream S of account \$G: 0 messages/);
  assert.match(await ask("stream=S&consumer=c"), /^200 [^]*No pull request is waiting/);
  assert.match(await ask("stream=T"), /^404 there is no such stream in account \$G/);
  assert.match(await ask("stream=S&consumer=d"), /^404 there is no such consumer/);
  assert.match(await ask("stream=S&acc=A"), /^404/);
  assert.match(await ask("consumer=c"), /^400 consumer goes with stream/);
});

test("/metrics says how durable it is, how long syncs take, and what is wrong", async (t) => {
  const scrape = async (options: ServerOptions): Promise<string> => {
    const server = await start(t, { ...options, http_port: -1 });
    await fetch(`${server.monitoringUrl}/metrics`);
    if (options.jetstream !== undefined) {
      const manager = await managerOf(await dial(t, server));
      await manager.streams.add({ name: "S", subjects: ["s"] });
    }
    return (await fetch(`${server.monitoringUrl}/metrics`)).text();
  };
  const synced = await scrape({ jetstream: true });
  assert.match(synced, /^caddis_jetstream_synced_acknowledgements\{[^}]*\} 1$/m);
  assert.match(synced, /^caddis_jetstream_faulty_streams\{[^}]*fault="damaged"[^}]*\} 0$/m);
  assert.match(synced, /^caddis_jetstream_sync_seconds_count\{[^}]*\} [1-9]\d*$/m);
  const relaxed = await scrape({ jetstream: { sync_interval: "1500ms" } });
  assert.match(relaxed, /^caddis_jetstream_synced_acknowledgements\{[^}]*\} 0$/m);
  assert.match(relaxed, /^caddis_jetstream_sync_interval_seconds\{[^}]*\} 1.5$/m);
  const off = await scrape({});
  assert.match(off, /^jetstream_server_jetstream_disabled\{[^}]*\} 1$/m);
  assert.doesNotMatch(off, /caddis_jetstream/);
});

test("a test server's disk outlives it, and another one goes on with what is on it", async () => {
  const disk = new MemoryDisk();
  const restart = async (act: (nc: NatsConnection) => Promise<void>): Promise<void> => {
    await using server = await createTestServer({ jetstream: true }, { disk });
    const nc = await connect({ servers: server.url });
    await act(nc);
    await nc.close();
  };
  await restart(async (nc) => {
    const manager = await managerOf(nc);
    await manager.streams.add({ name: "S", subjects: ["s"] });
    await manager.consumers.add("S", { durable_name: "c", ack_policy: AckPolicy.Explicit });
    const client = jetstream(nc);
    for (const text of ["one", "two"]) await client.publish("s", text);
    const message = await (await client.consumers.get("S", "c")).next();
    assert.equal(await message?.ackAck(), true);
  });
  await restart(async (nc) => {
    const manager = await managerOf(nc);
    const { state } = await manager.streams.info("S");
    assert.deepEqual([state.messages, state.last_seq], [2, 2]);
    const message = await (await jetstream(nc).consumers.get("S", "c")).next();
    assert.equal(message?.string(), "two");
    await jetstream(nc).publish("s", "three");
  });
  await restart(async (nc) => {
    assert.equal((await (await managerOf(nc)).streams.info("S")).state.last_seq, 3);
  });
});
