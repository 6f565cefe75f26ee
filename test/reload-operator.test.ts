/** Reloads in operator mode: where account JWTs come from, and what is in their folder. */
import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { encodeAccount, encodeOperator, encodeUser } from "@nats-io/jwt";
import { createAccount, createOperator, createUser } from "@nats-io/nkeys";
import { testFolder } from "./support/program.ts";
import { type ReloadClient, ReloadServer } from "./support/reload-scene.ts";
import { OUR_SERVER } from "./support/server-process.ts";

const LIMIT = { timeout: 30_000 };
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

/** An operator whose accounts lie in two folders. */
class Scene {
  readonly operator = createOperator();
  readonly system = createAccount();
  readonly account = createAccount();
  readonly folders: readonly string[];
  #operatorJwt = "";

  private constructor(folder: string) {
    this.folders = ["one", "two"].map((name) => join(folder, name));
  }

  static async make(t: TestContext): Promise<Scene> {
    const scene = new Scene(await testFolder(t));
    const system_account = scene.system.getPublicKey();
    scene.#operatorJwt = await encodeOperator("O", scene.operator, { system_account });
    for (const folder of scene.folders) {
      await mkdir(folder);
      await scene.put(folder, "system");
      await scene.put(folder, "account");
    }
    return scene;
  }

  /** Puts an account's JWT into a folder. */
  async put(folder: string, which: "system" | "account", limits: object = {}): Promise<void> {
    const keys = this[which];
    const claims = { limits: { ...UNLIMITED, ...limits } };
    const jwt = await encodeAccount(which, keys, claims, { signer: this.operator });
    await writeFile(join(folder, `${keys.getPublicKey()}.jwt`), jwt);
  }

  config(folder: string, more = ""): string {
    return `operator: ${this.#operatorJwt}\nresolver: { type: full, dir: "${folder}", interval: "1m" }\n${more}`;
  }

  async bearer(): Promise<ReloadClient> {
    const jwt = await encodeUser("u", createUser(), this.account, { bearer_token: true });
    return { connect: { jwt } };
  }
}

test("a folder is looked through again, and what is new there reaches who is connected", LIMIT, async (t) => {
  const scene = await Scene.make(t);
  const [folder] = scene.folders;
  const server = await ReloadServer.start(t, OUR_SERVER, scene.config(folder));
  const client = await server.connect(await scene.bearer());
  assert.equal(await server.reload(scene.config(folder)), true);
  assert.equal(await client.barrier(), true);
  await scene.put(folder, "account", { disallow_bearer: true });
  assert.equal(await server.reload(scene.config(folder)), true);
  assert.equal(await client.barrier(), false);
  assert.deepEqual(client.lines, ["-ERR 'Authorization Violation'"]);
  await client.finish();
});

test("another folder takes the place of the first, for who is connected too", LIMIT, async (t) => {
  const scene = await Scene.make(t);
  const [one, two] = scene.folders;
  const server = await ReloadServer.start(t, OUR_SERVER, scene.config(one));
  const client = await server.connect(await scene.bearer());
  assert.equal(await server.reload(scene.config(two)), true);
  assert.equal(await client.barrier(), true);
  await scene.put(two, "account", { disallow_bearer: true });
  await rm(one, { recursive: true });
  assert.equal(await server.reload(scene.config(two)), true);
  assert.equal(await client.barrier(), false);
  await client.finish();
});

test("a resolver that can't be had changes nothing", LIMIT, async (t) => {
  const scene = await Scene.make(t);
  const [one] = scene.folders;
  const server = await ReloadServer.start(t, OUR_SERVER, scene.config(one));
  const bearer = await scene.bearer();
  const client = await server.connect(bearer);
  const refused = [
    scene.config(`${one}/${scene.account.getPublicKey()}.jwt/below`),
    scene.config(one, "resolver_preload: { x: y }"),
    scene.config(one).replace(/^resolver:.*$/m, 'resolver: URL("http://127.0.0.1:1/jwt/")'),
  ];
  for (const config of refused) assert.equal(await server.reload(config), false, config);
  assert.equal(await client.barrier(), true);
  const other = await server.connect(bearer);
  assert.equal(await other.barrier(), true);
  await Promise.all([client.finish(), other.finish()]);
});

test("requests about accounts are answered once, by the resolver of today", LIMIT, async (t) => {
  const scene = await Scene.make(t);
  const [one, two] = scene.folders;
  const server = await ReloadServer.start(t, OUR_SERVER, scene.config(one));
  const jwt = await encodeUser("u", createUser(), scene.system, { bearer_token: true });
  const client = await server.connect({ connect: { jwt }, subs: ["inbox"] });
  await rm(join(two, `${scene.account.getPublicKey()}.jwt`));
  assert.equal(await server.reload(scene.config(two)), true);
  client.send("PUB $SYS.REQ.CLAIMS.LIST inbox 0\r\n\r\n");
  await client.waitUntil(() => client.lines.length >= 2);
  await client.barrier();
  const answers = client.lines.filter((line) => line.startsWith("{"));
  assert.equal(answers.length, 1);
  assert.deepEqual((JSON.parse(answers[0]) as { data: unknown }).data, [scene.system.getPublicKey()]);
  await client.finish();
});
