/** What ships for running the server: the systemd unit, the image and the manifest, checked against the server itself. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { parseAllDocuments } from "yaml";
import { CADDIS_VERSION } from "../packages/caddis/src/base/version.ts";
import { loadConfig, resolveOptions, startWarnings } from "../packages/caddis/src/config/load.ts";
import type { Options } from "../packages/caddis/src/config/options.ts";
import { calledAs, Program, testFolder } from "./support/program.ts";
import { OUR_SERVER } from "./support/server-process.ts";

const ROOT = join(import.meta.dirname, "..");
const LIMIT = { timeout: 60_000 };

function shipped(path: string): string {
  return readFileSync(join(ROOT, "packaging", path), "utf8");
}

/** The options of a configuration that has nothing wrong and nothing to warn of. */
function optionsOf(text: string, env: Readonly<Record<string, string>> = {}): Options {
  const source = {
    file: "caddis.conf",
    readFile: () => assert.fail("no includes"),
    env: (name: string) => env[name],
  };
  const { options, errors, warnings, unsupported } = loadConfig(text, source);
  assert.deepEqual([errors, warnings, unsupported], [[], [], []]);
  const resolved = resolveOptions(options);
  assert.deepEqual(startWarnings(resolved), []);
  return resolved;
}

describe("the systemd unit", LIMIT, () => {
  const unit = shipped("systemd/caddis.service");
  const settings = unit.split("\n").flatMap((line) => {
    const found = /^([A-Za-z]+)=(.*)$/.exec(line);
    return found === null ? [] : [{ name: found[1], value: found[2] }];
  });
  const setting = (name: string): string =>
    settings.findLast((one) => one.name === name)?.value ?? assert.fail(`no ${name}`);

  test("is one, as systemd sees it", async (t) => {
    if (spawnSync("systemd-analyze", ["--version"]).error !== undefined) {
      t.skip("no systemd-analyze on PATH");
      return;
    }
    const path = join(await testFolder(t), "caddis.service");
    await writeFile(path, unit.replace("/usr/local/bin/caddis", OUR_SERVER));
    const verified = spawnSync("systemd-analyze", ["verify", "--man=no", path], { encoding: "utf8" });
    assert.deepEqual([verified.status, verified.stderr], [0, ""]);
    // Tenths; 20 is what systemd calls OK, and far below that of a service without any of it.
    const args = ["security", "--offline=true", "--threshold=20", "--no-pager", path];
    const secured = spawnSync("systemd-analyze", args, { encoding: "utf8" });
    assert.equal(secured.status, 0, secured.stdout + secured.stderr);
  });

  test("lets V8 compile", () => {
    assert.ok(settings.length > 30);
    assert.ok(settings.every(({ name }) => name !== "MemoryDenyWriteExecute"));
  });

  test("waits for lame duck mode to end, and writes where it may", () => {
    const options = optionsOf(shipped("systemd/caddis.conf"));
    assert.match(setting("ExecStop"), /-USR2 \$MAINPID$/);
    assert.match(setting("ExecReload"), /-HUP \$MAINPID$/);
    assert.ok(
      Number(setting("TimeoutStopSec")) * 1_000 > options.lame_duck_duration + options.lame_duck_grace_period,
    );
    assert.equal(options.pid_file, `/run/${setting("RuntimeDirectory")}/caddis.pid`);
    assert.ok(setting("ExecStart").includes(" -c /etc/caddis/caddis.conf"));
    assert.equal(options.http_host, "127.0.0.1");
  });
});

interface Instruction {
  readonly name: string;
  readonly rest: string;
}

/** A Containerfile, with its continued lines joined. */
function instructionsOf(text: string): Instruction[] {
  const lines = text
    .replaceAll(/^\s*#.*\n/gm, "")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n");
  return lines
    .filter((line) => line !== "")
    .map((line) => {
      const [, name, rest] = /^([A-Z]+) (.+)$/.exec(line) ?? assert.fail(`${line} is no instruction`);
      return { name, rest };
    });
}

describe("the image", () => {
  const instructions = instructionsOf(shipped("container/Containerfile"));
  const all = (name: string): string[] =>
    instructions.filter((one) => one.name === name).map(({ rest }) => rest);
  const options = optionsOf(shipped("container/caddis.conf"));

  test("is built from what there is", () => {
    const stages = all("FROM").flatMap((rest) => / AS (\w+)$/.exec(rest)?.[1] ?? []);
    for (const rest of all("COPY")) {
      const from = /^--from=(\w+) /.exec(rest)?.[1];
      if (from !== undefined) assert.ok(stages.includes(from), rest);
      else for (const path of rest.split(" ").slice(0, -1)) assert.ok(existsSync(join(ROOT, path)), path);
    }
  });

  test("and from what the build is shown", () => {
    const shown = shipped("container/Containerfile.dockerignore")
      .split("\n")
      .flatMap((line) => (line.startsWith("!") ? [line.slice(1)] : []));
    const copied = all("COPY").filter((rest) => !rest.startsWith("--from"));
    for (const path of copied.flatMap((rest) => rest.split(" ").slice(0, -1))) {
      assert.ok(
        shown.some((one) => path === one || path.startsWith(`${one}/`)),
        path,
      );
    }
  });

  test("has a Node that is new enough", () => {
    const { engines } = JSON.parse(readFileSync(join(ROOT, "packages/caddis/package.json"), "utf8")) as {
      engines: { node: string };
    };
    const needed = Number(/^>=(\d+)\./.exec(engines.node)?.[1]);
    for (const image of all("FROM")) assert.ok(Number(/^node:(\d+)-/.exec(image)?.[1]) > needed, image);
  });

  test("runs as nobody special, on the ports that it says", () => {
    assert.deepEqual(all("USER"), ["1000:1000"]);
    assert.deepEqual(all("EXPOSE"), [`${options.port} ${options.http_port}`]);
    assert.deepEqual(JSON.parse(all("ENTRYPOINT")[0]), ["caddis"]);
    assert.deepEqual(JSON.parse(all("CMD")[0]), ["-c", "/etc/caddis/caddis.conf"]);
    assert.ok(all("COPY").includes("packaging/container/caddis.conf /etc/caddis/caddis.conf"));
  });

  test("tells whether it lives", LIMIT, async (t) => {
    const folder = await testFolder(t);
    const server = await startWith(t, folder, shipped("container/caddis.conf"));
    const [command, ...args] = JSON.parse(
      / CMD (\[.*\])$/.exec(all("HEALTHCHECK")[0])?.[1] ?? "",
    ) as string[];
    const check = async (port: string): Promise<unknown> => {
      const child = spawn(
        command,
        args.map((arg) => arg.replace(":8222", `:${port}`)),
        { stdio: "ignore" },
      );
      const [code]: unknown[] = await once(child, "close");
      return code;
    };
    assert.equal(await check(new URL(monitoringOf(server)).port), 0);
    assert.equal(await check("1"), 1);
  });
});

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

/** Of the manifest what is looked at here. */
interface Manifest {
  readonly ConfigMap: { readonly metadata: { readonly name: string }; readonly data: Record<string, string> };
  readonly Service: {
    readonly spec: { readonly selector: object; readonly ports: readonly { targetPort: string }[] };
  };
  readonly StatefulSet: {
    readonly spec: {
      readonly selector: { readonly matchLabels: object };
      readonly template: {
        readonly metadata: { readonly labels: object };
        readonly spec: {
          readonly terminationGracePeriodSeconds: number;
          readonly containers: readonly [Container];
          readonly volumes: readonly {
            readonly name: string;
            readonly configMap?: { readonly name: string };
          }[];
        };
      };
    };
  };
}

interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe: Probe;
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
  readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
  readonly volumeMounts: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly subPath?: string;
  }[];
}

describe("the Kubernetes manifest", LIMIT, () => {
  const documents = parseAllDocuments(shipped("kubernetes/caddis.yaml"), { strict: true, uniqueKeys: true });
  assert.deepEqual(
    documents.flatMap(({ errors, warnings }) => [...errors, ...warnings]),
    [],
  );
  const objects = documents.map((document) => document.toJS() as { kind: string });
  const manifest = Object.fromEntries(objects.map((object) => [object.kind, object])) as unknown as Manifest;
  const { selector, template } = manifest.StatefulSet.spec;
  const { containers, volumes, terminationGracePeriodSeconds } = template.spec;
  const [container] = containers;
  const config = manifest.ConfigMap.data["caddis.conf"];
  const options = optionsOf(config, { POD_NAME: "caddis-0" });

  test("hangs together", () => {
    const services = objects.filter(({ kind }) => kind === "Service") as unknown as Manifest["Service"][];
    assert.deepEqual(selector.matchLabels, template.metadata.labels);
    const ports = new Map(container.ports.map(({ name, containerPort }) => [name, containerPort]));
    for (const { spec } of services) {
      assert.deepEqual(spec.selector, template.metadata.labels);
      for (const { targetPort } of spec.ports) assert.ok(ports.has(targetPort), targetPort);
    }
    assert.deepEqual(
      [...ports],
      [
        ["client", options.port],
        ["monitor", options.http_port],
      ],
    );
    for (const { httpGet } of probesOf(container)) assert.equal(ports.get(httpGet.port), options.http_port);
    assert.deepEqual(
      container.volumeMounts.map(({ name }) => name),
      volumes.map(({ name }) => name),
    );
    const mounted = container.volumeMounts.find(({ name }) => name === "config");
    assert.deepEqual([mounted?.mountPath, mounted?.subPath], ["/etc/caddis", undefined]);
    assert.equal(
      volumes.find(({ name }) => name === "config")?.configMap?.name,
      manifest.ConfigMap.metadata.name,
    );
    assert.equal(container.image, `caddis:${CADDIS_VERSION}`);
    assert.equal(options.server_name, "caddis-0");
  });

  test("leaves time for lame duck mode", () => {
    const takesMs = options.lame_duck_duration + options.lame_duck_grace_period;
    assert.ok(terminationGracePeriodSeconds * 1_000 > takesMs);
    assert.deepEqual(container.lifecycle.preStop.exec.command, ["caddis", `-sl=ldm=${options.pid_file}`]);
  });

  test("probes and hook work on a server with that configuration", async (t) => {
    const folder = await testFolder(t);
    const server = await startWith(t, folder, config);
    const monitoring = monitoringOf(server);
    const statuses = async (): Promise<number[]> =>
      Promise.all(
        probesOf(container).map(async ({ httpGet }) => (await fetch(`${monitoring}${httpGet.path}`)).status),
      );
    assert.deepEqual(await statuses(), [200, 200, 200]);
    const client = connect(Number(/client connections on [^ ]+:(\d+)/.exec(server.stderr)?.[1]), "127.0.0.1");
    await once(client, "data");
    const [, ...args] = container.lifecycle.preStop.exec.command;
    const hook = new Program(
      t,
      OUR_SERVER,
      args.map((arg) => arg.replace("/run/caddis", folder)),
      folder,
    );
    assert.equal((await hook.ended).code, 0);
    await server.until(/Entering lame duck mode/);
    // As the kubelet does once the hook has returned; it must not cut it short.
    server.signal("SIGTERM");
    await server.until(/Trapped "terminated" signal/);
    assert.deepEqual(await statuses(), [200, 503, 200]);
    client.destroy();
    server.signal("SIGINT");
    assert.equal((await server.ended).code, 0);
  });

  test("so does the hook of Helm charts, by the name nats-server", async (t) => {
    const folder = await testFolder(t);
    const server = await startWith(t, folder, config);
    const name = await calledAs(folder, "nats-server");
    const hook = new Program(t, name, [`-sl=ldm=${join(folder, "caddis.pid")}`], folder);
    assert.equal((await hook.ended).code, 0);
    await server.until(/Entering lame duck mode/);
    assert.equal((await server.ended).code, 0);
  });
});

/** In the order startup, readiness, liveness. */
function probesOf({ startupProbe, readinessProbe, livenessProbe }: Container): Probe[] {
  return [startupProbe, readinessProbe, livenessProbe];
}

/** A server with a configuration that ships, on ports that are free and with its files in `folder`. */
async function startWith(t: TestContext, folder: string, config: string): Promise<Program> {
  const text = config
    .replace("0.0.0.0:4222", "127.0.0.1:-1")
    .replace("http: 8222", 'http: "127.0.0.1:-1"')
    .replaceAll("/run/caddis", folder);
  await writeFile(join(folder, "caddis.conf"), text);
  const server = new Program(t, OUR_SERVER, ["-c", "caddis.conf"], folder, { POD_NAME: "caddis-0" });
  await server.until(/Server is ready/);
  return server;
}

function monitoringOf(server: Program): string {
  return `http://${/http monitor on (\S+)/.exec(server.stderr)?.[1]}`;
}
