/** Tools that read monitoring, unchanged: nats-top and prometheus-nats-exporter, which decode it into Go's types. */
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { join } from "node:path";
import { after, before, describe, test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { RawClient } from "../../support/raw-client.ts";
import { ServerProcess } from "../../support/server-process.ts";
import { whyNot } from "../support/checks.ts";
import { cacheFolder, lastWords, sourceFolder, tool } from "../support/programs.ts";
import { eachServer } from "../support/targets.ts";

/** Fetching and building takes no longer; reached only when something hangs. */
const SUITE_DEADLINE_MS = 20 * 60_000;
const DEADLINE_MS = 20_000;
/** Ports for the exporter, which can't be given a free one: below those that systems hand out by themselves. */
const FIRST_PORT = 20_000;
const LAST_PORT = 29_999;
const ATTEMPTS = 10;

const PROGRAMS: Readonly<Record<"top" | "exporter", string>> = {
  top: "github.com/nats-io/nats-top",
  exporter: "github.com/nats-io/prometheus-nats-exporter",
};

/** Everything the exporter can be told to ask for. */
const EXPORTED =
  "-varz -connz -connz_detailed -routez -subz -jsz=all -leafz -gatewayz -healthz -accstatz -accountz".split(
    " ",
  );

/** The metrics that dashboards for the exporter are made of. */
const METRICS: readonly string[] = [
  ..."connections total_connections subscriptions in_msgs out_msgs in_bytes out_bytes mem cpu cores".split(
    " ",
  ),
  ..."slow_consumers max_connections max_payload max_pending ping_interval routes remotes leafnodes".split(
    " ",
  ),
  ..."auth_timeout http_port https_port tls_timeout write_deadline start".split(" "),
].map((name) => `gnatsd_varz_${name}`);

describe("tools that read monitoring", { timeout: SUITE_DEADLINE_MS }, () => {
  let reason = "";
  let folder = "";
  /** Names of metrics with their labels' names, by server. */
  const families = new Map<string, readonly string[]>();
  before(async () => {
    reason = whyNot(["go"], true) ?? "";
    if (reason !== "") return;
    const cwd = sourceFolder("monitoring");
    folder = await cacheFolder("monitoring");
    try {
      await tool("go", ["mod", "download"], { cwd });
    } catch (error) {
      reason = `cannot be fetched here: ${lastWords(error)}`;
      return;
    }
    for (const [name, path] of Object.entries(PROGRAMS)) {
      await tool("go", ["build", "-mod=readonly", "-o", join(folder, name), path], { cwd });
    }
  });

  eachServer(({ name, command }) => {
    let server: ServerProcess | undefined;
    let port = 0;
    const clients: RawClient[] = [];
    before(async () => {
      if (reason !== "") return;
      server = await ServerProcess.start({ command, args: ["-m", "-1"] });
      port = Number(/Starting http monitor on .*:(\d+)/.exec(server.log)?.[1]);
      for (const subscribed of ["SUB > 1\r\n", "SUB foo q 2\r\nPUB foo 3\r\nabc\r\n"]) {
        const client = await RawClient.connect(server.port);
        client.send(`CONNECT {"verbose":false,"name":"c${clients.length}","lang":"go"}\r\n${subscribed}`);
        await client.barrier();
        clients.push(client);
      }
    });
    after(async () => {
      await Promise.all(clients.map((client) => client.finish()));
      await server?.stop();
    });

    test("nats-top, by any order", { timeout: DEADLINE_MS }, async (t) => {
      if (reason !== "") return t.skip(reason);
      for (const order of ["cid", "subs", "bytes_to", "idle", "uptime"]) {
        const args = ["-s", "127.0.0.1", "-m", String(port), "-sort", order, "-o", "-"];
        const { stdout } = await promisify(execFile)(join(folder, "top"), args);
        assert.match(stdout, /^NATS server version 2\.15\.1 \(uptime: /);
        assert.match(stdout, /Connections Polled: 2\n/);
        assert.match(stdout, /In: +Msgs: 1 +Bytes: 3 /);
        assert.equal(stdout.match(/127\.0\.0\.1:\d+ .* go /g)?.length, 2, stdout);
      }
    });

    test("prometheus-nats-exporter, everything", { timeout: DEADLINE_MS }, async (t) => {
      if (reason !== "") return t.skip(reason);
      const metrics = await exported(t, join(folder, "exporter"), `http://127.0.0.1:${port}`);
      const value = (metric: string): number =>
        Number(new RegExp(`^${metric}\\{[^}]*\\} (\\S+)$`, "m").exec(metrics)?.[1]);
      for (const metric of METRICS) assert.ok(Number.isFinite(value(metric)), `${metric} in\n${metrics}`);
      assert.equal(value("gnatsd_varz_connections"), 2);
      assert.equal(value("gnatsd_varz_in_bytes"), 3);
      assert.equal(value("gnatsd_varz_max_payload"), 1024 * 1024);
      assert.equal(value("gnatsd_varz_ping_interval"), 120e9);
      assert.equal(value("gnatsd_connz_num_connections"), 2);
      assert.equal(value("gnatsd_healthz_status"), 0, "0 is well");
      families.set(name, familiesOf(metrics));
    });
  });

  test("the exporter finds the same metrics on both", (t) => {
    const [ours, theirs] = [families.get("caddis"), families.get("nats-server")];
    if (ours === undefined || theirs === undefined) return t.skip(reason || "no nats-server on PATH");
    assert.deepEqual(ours, theirs);
  });
});

/** What the exporter makes of a server. */
async function exported(t: TestContext, exporter: string, url: string): Promise<string> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1);
    const child = spawn(exporter, ["-a", "127.0.0.1", "-p", String(port), ...EXPORTED, url], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    t.after(() => child.kill("SIGKILL"));
    if (await isListening(child, port)) {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`);
      assert.equal(response.status, 200);
      return response.text();
    }
  }
  return assert.fail("no port for the exporter");
}

/** Whether it comes to answer on its port; it says so before it is sure. */
async function isListening(child: ChildProcess, port: number): Promise<boolean> {
  let hasEnded = false;
  child.once("exit", () => (hasEnded = true));
  child.stderr?.resume();
  for (;;) {
    try {
      await fetch(`http://127.0.0.1:${port}/`);
      return !hasEnded;
    } catch {
      if (hasEnded) return false;
      await new Promise(setImmediate);
    }
  }
}

/** Metrics of servers with the names of their labels, those of clients once. */
function familiesOf(metrics: string): readonly string[] {
  const found = new Set<string>();
  for (const [, name, labels] of metrics.matchAll(/^((?:gnatsd|jetstream)_\w+)\{([^}]*)\} \S+$/gm)) {
    found.add(`${name} ${Array.from(labels.matchAll(/(\w+)="/g), ([, label]) => label).join(",")}`);
  }
  return [...found].sort();
}
