/**
 * The `nats` command line as operators use it: its verbs about servers work, and say of ours what they say of the
 * reference. It is built by the suite in `clients/cli`; without it, or the reference, this is skipped.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { cacheFolder } from "./clients/support/programs.ts";
import { findReferenceServer, OUR_SERVER, ServerProcess } from "./support/server-process.ts";

/** One command takes no longer; reached only when something hangs. */
const COMMAND_DEADLINE_MS = 30_000;

const CONFIG = `
server_name: n1
server_tags: [blue]
accounts {
  SYS { users: [{user: sys, password: s}] }
  A { users: [{user: a, password: a}], jetstream: { max_mem: 1000000, max_store: 1000000 } }
}
system_account: SYS
jetstream { store_dir: js, domain: hub }
`;

const reference = findReferenceServer();

/** Where the command is; null: nowhere. */
async function findCommand(): Promise<string | null> {
  const folders = [await cacheFolder("cli"), ...(process.env["PATH"] ?? "").split(delimiter)];
  return folders.map((folder) => join(folder, "nats")).find((path) => existsSync(path)) ?? null;
}

/** A command of `nats`, by whom, and what its output must say; null: that it failed. `<id>` stands for the server's id. */
interface Case {
  readonly user: "sys" | "a";
  readonly args: readonly string[];
  readonly says: RegExp | null;
}

function asOperator(args: string, says: RegExp | null): Case {
  return { user: "sys", args: args.split(" "), says };
}

function asUser(args: string, says: RegExp | null): Case {
  return { user: "a", args: args.split(" "), says };
}

const CASES: readonly Case[] = [
  asOperator("server list", /n1.*2\.\d+\.\d+/),
  asOperator("server list --json", /"name": "n1"/),
  asOperator("server ping", /n1/),
  asOperator("server info", /Server information for n1/),
  asOperator("server info n1", /Maximum Payload: 1\.0 MiB/),
  asOperator("server report connections", /worker .*│ A /),
  asOperator("server report connections --account A", /worker/),
  asOperator("server report connections --state closed", /Client Closed/),
  asOperator("server report accounts", /A .*│ 1 /),
  asOperator("server report accounts A", /worker/),
  asOperator("server report gateways", /Super Cluster Report[\s\S]*n1/),
  asOperator("server report routes", /Cluster|no route/i),
  asOperator("server report leafnodes", /Leafnode|no leaf/i),
  asOperator("server report health", /n1.*ok/),
  asOperator("server report cpu", /n1/),
  asOperator("server report mem", /n1/),
  asOperator("server request subscriptions --detail", /"subject":"foo\.\*"/),
  asOperator("server request variables", /"server_name":"n1"/),
  asOperator(
    "server request connections --sort subs --subscriptions",
    /"subscriptions_list_detail":\[\{"subject":"foo\.\*"/,
  ),
  asOperator("server request connections --filter-account A --filter-subject foo.bar", /"name":"worker"/),
  asOperator("server request routes", /"num_routes":0/),
  asOperator("server request gateways", /"outbound_gateways":\{\}/),
  asOperator("server request leafnodes", /"leafnodes":0/),
  asOperator("server request accounts", /"system_account":"SYS"/),
  asOperator("server request accounts --account A", /"account_name":"A"/),
  asOperator("server request jetstream", /"max_memory":\d+.*"domain":"hub"/),
  asOperator(
    "server request jetstream --all",
    /"account_details":\[\{"name":"A".*"stream_detail":\[\{"name":"S"/,
  ),
  asOperator("server report jetstream", /n1 .*│ hub .*│ 1 .*│ 1 /),
  asOperator("server report jetstream --account A", /n1 /),
  asOperator("server info n1", /JetStream:[^]*Domain: hub/),
  asOperator("server request jetstream-health", /"status":"ok"/),
  asOperator("server request kick 99999 <id>", /"description": "no such client or leafnode id"/),
  asOperator("server check connection", /^OK Connection/),
  asOperator("server check server --name n1", /^OK n1/),
  asOperator("server account info A", /Account information for account A/),
  asOperator("server config reload <id> --force", /Configuration Load Time/),
  asUser("account info", /Account: A[^]*Storage: 0 B of 977 KiB/),
  asUser("server check jetstream", /^OK JetStream/),
  asUser("stream info S", /Information for Stream S/),
  asUser("account report connections", /worker/),
  asUser("account report statistics", /127\.0\.0\.1/),
  asUser("server list", null),
];

describe("the nats command line on servers", () => {
  let reason = "";
  let command = "";
  let home = "";
  before(async () => {
    command = (await findCommand()) ?? "";
    if (command === "") reason = "no `nats`: the tests in clients/cli build it";
    // Where the command keeps its contexts: not those of whoever runs the tests.
    home = await mkdtemp(join(tmpdir(), "caddis-nats-"));
  });
  after(() => rm(home, { recursive: true, force: true }));

  for (const [title, launcher] of [
    ["ours", OUR_SERVER],
    ["the reference", reference],
  ] as const) {
    describe(title, () => {
      let server: ServerProcess | undefined;
      let worker: NatsConnection | undefined;
      const serverId = (): string => worker?.info?.server_id ?? "";
      before(async () => {
        if (reason !== "" || launcher === null) return;
        server = await ServerProcess.start({ command: launcher, config: CONFIG });
        const address = `127.0.0.1:${server.port}`;
        worker = await connect({ servers: address, user: "a", pass: "a", name: "worker" });
        worker.subscribe("foo.*");
        const manager = await jetstreamManager(worker);
        await manager.streams.add({ name: "S", subjects: ["s"] });
        await manager.consumers.add("S", { durable_name: "c" });
        await worker.flush();
      });
      after(async () => {
        await worker?.close();
        await server?.stop();
      });

      for (const { user, args, says } of CASES) {
        test(`${args.join(" ")} (${user})`, async (t) => {
          if (server === undefined) return t.skip(reason || "no nats-server on PATH");
          const { code, output } = await run(server.port, user, args, serverId());
          if (says === null) assert.notEqual(code, 0, output);
          else {
            assert.equal(code, 0, output);
            assert.match(output, says);
          }
        });
      }

      test("server request kick", async (t) => {
        if (server === undefined) return t.skip(reason || "no nats-server on PATH");
        const address = `127.0.0.1:${server.port}`;
        const victim = await connect({ servers: address, user: "a", pass: "a", reconnect: false });
        const cid = victim.info?.client_id ?? 0;
        const { code, output } = await run(
          server.port,
          "sys",
          ["server", "request", "kick", `${cid}`, "<id>"],
          serverId(),
        );
        assert.equal(code, 0, output);
        await victim.closed();
      });
    });
  }

  function run(
    port: number,
    user: string,
    args: readonly string[],
    serverId: string,
  ): Promise<{ readonly code: number; readonly output: string }> {
    const env = { ...process.env, HOME: home, XDG_CONFIG_HOME: home, NATS_URL: `nats://127.0.0.1:${port}` };
    const login = [`--user=${user}`, `--password=${user === "sys" ? "s" : user}`, "--timeout=2s"];
    const words = [...login, ...args].map((word) => word.replace("<id>", serverId));
    return new Promise((resolve) => {
      const options = { env, timeout: COMMAND_DEADLINE_MS, cwd: home };
      execFile(command, words, options, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        resolve({ code, output: stdout + stderr });
      });
    });
  }
});
