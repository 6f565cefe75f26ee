/** JetStream of accounts by JWT: limits and tiers from their claims, as these come and change. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { encodeAccount, encodeOperator, encodeUser } from "@nats-io/jwt";
import { createAccount, createOperator, createUser } from "@nats-io/nkeys";
import { jetstreamManager, type JetStreamManager, StorageType } from "@nats-io/jetstream";
import { connect, jwtAuthenticator } from "@nats-io/transport-node";
import { type CaddisServer, createServer, type ServerOptions } from "../packages/caddis/src/server/index.ts";
import { createTestServer, MemoryDisk } from "../packages/caddis/src/server/testing.ts";

const UNLIMITED = {
  conn: -1,
  subs: -1,
  data: -1,
  payload: -1,
  imports: -1,
  exports: -1,
  wildcards: true,
  leaf: -1,
};

/** What claims say of JetStream. */
type Limits = Readonly<Record<string, unknown>>;

class Scene {
  readonly #operator = createOperator();
  readonly #system = createAccount();
  readonly #account = createAccount();
  /** Made once: it may not become another one. */
  #operatorJwt = "";

  async options(limits: Limits): Promise<ServerOptions> {
    const system_account = this.#system.getPublicKey();
    this.#operatorJwt ||= await encodeOperator("O", this.#operator, { system_account });
    const claims = { limits: { ...UNLIMITED, ...limits } };
    const jwtOf = (name: string, keys: ReturnType<typeof createAccount>, more: object): Promise<string> =>
      encodeAccount(name, keys, more, { signer: this.#operator });
    return {
      operator: this.#operatorJwt,
      resolver: "MEMORY",
      resolver_preload: {
        [system_account]: await jwtOf("SYS", this.#system, { limits: UNLIMITED }),
        [this.#account.getPublicKey()]: await jwtOf("A", this.#account, claims),
      },
      jetstream: true,
      http_port: -1,
    };
  }

  async manager(t: TestContext, server: CaddisServer): Promise<JetStreamManager> {
    const user = createUser();
    const jwt = await encodeUser("u", user, this.#account, {});
    const nc = await connect({ servers: server.url, authenticator: jwtAuthenticator(jwt, user.getSeed()) });
    t.after(() => nc.close());
    return jetstreamManager(nc, { checkAPI: false });
  }
}

test("limits come with the claims, and change with them", async (t) => {
  const scene = new Scene();
  const server = await createServer(await scene.options({}));
  t.after(() => server.shutdown());
  const manager = await scene.manager(t, server);
  await assert.rejects(manager.getAccountInfo(), /not enabled for account/);
  await server.reload(
    await scene.options({ mem_storage: 1_000_000, disk_storage: -1, streams: 1, consumer: 2 }),
  );
  const { limits } = await manager.getAccountInfo();
  assert.deepEqual(
    [limits.max_memory, limits.max_storage, limits.max_streams, limits.max_consumers],
    [1_000_000, -1, 1, 2],
  );
  await manager.streams.add({ name: "S", storage: StorageType.Memory });
  await assert.rejects(
    manager.streams.add({ name: "T", storage: StorageType.Memory }),
    /maximum number of streams/,
  );
  await server.reload(
    await scene.options({ mem_storage: 1_000_000, disk_storage: -1, streams: 2, consumer: 2 }),
  );
  await manager.streams.add({ name: "T", storage: StorageType.Memory });
});

test("an account that comes with its first user has it at once", async (t) => {
  const scene = new Scene();
  const server = await createServer(
    await scene.options({ tiered_limits: { R1: { mem_storage: 5, disk_storage: 6 } } }),
  );
  t.after(() => server.shutdown());
  const info = await (await scene.manager(t, server)).getAccountInfo();
  assert.deepEqual([info.tiers?.R1?.limits.max_memory, info.tiers?.R1?.limits.max_storage], [5, 6]);
  const response = await fetch(`${server.monitoringUrl}/jsz?accounts=1`);
  const { account_details: details } = (await response.json()) as { account_details: { name: string }[] };
  assert.deepEqual(
    details.map(({ name }) => name),
    ["A"],
  );
});

/** A disk on which nobody finds anything once it is shut, until its gate opens. */
class GatedDisk extends MemoryDisk {
  isShut = false;
  readonly gate = Promise.withResolvers<void>();
  /** Somebody looks. */
  readonly asked = Promise.withResolvers<void>();

  override async list(path: string): ReturnType<MemoryDisk["list"]> {
    if (this.isShut) {
      this.asked.resolve();
      await this.gate.promise;
    }
    return super.list(path);
  }
}

/** Turns in which a client would have come in by far. */
const TURNS = 200;

test("users come in once what their account has stored is known", async (t) => {
  const scene = new Scene();
  const disk = new GatedDisk();
  const server = await createTestServer(await scene.options({ mem_storage: -1, disk_storage: -1 }), { disk });
  t.after(() => server.shutdown());
  disk.isShut = true;
  let isIn = false;
  const coming = scene.manager(t, server).then((manager) => {
    isIn = true;
    return manager;
  });
  await disk.asked.promise;
  for (let turn = 0; turn < TURNS; turn++) await new Promise(setImmediate);
  assert.equal(isIn, false);
  disk.gate.resolve();
  const { limits } = await (await coming).getAccountInfo();
  assert.equal(limits.max_memory, -1);
});

test("an account that has stored something is there before its first user", async (t) => {
  const scene = new Scene();
  const disk = new MemoryDisk();
  const options = await scene.options({ mem_storage: -1, disk_storage: -1 });
  const first = await createTestServer(options, { disk });
  await (await scene.manager(t, first)).streams.add({ name: "S", subjects: ["s"] });
  await first.shutdown();
  const second = await createTestServer(options, { disk });
  t.after(() => second.shutdown());
  const response = await fetch(`${second.monitoringUrl}/jsz`);
  const { accounts, streams } = (await response.json()) as { accounts: number; streams: number };
  assert.deepEqual([accounts, streams], [1, 1]);
});
