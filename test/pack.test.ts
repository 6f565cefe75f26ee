import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { CADDIS_VERSION } from "../packages/caddis/src/base/version.ts";

/**
 * The package as others get it: built and packed in a folder of its own, installed from the tarball in an
 * empty one, without a network.
 */

/** What whoever installs it gets along. */
const DEPENDENCIES = ["@noble/ciphers", "@node-rs/bcrypt", "prom-client", "ws"];

const ROOT = join(import.meta.dirname, "..");
const PACKAGE = join(ROOT, "packages/caddis");
/** A last resort for a command that hangs. */
const COMMAND_DEADLINE_MS = 120_000;

interface Outcome {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command with this Node and the workspace's tools first on the path. */
async function run(folder: string, command: string, ...args: string[]): Promise<Outcome> {
  const tools = join(ROOT, "node_modules/.bin");
  const child = spawn(command, args, {
    cwd: folder,
    env: { ...process.env, PATH: [tools, process.env["PATH"]].join(delimiter), NODE_OPTIONS: "" },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: COMMAND_DEADLINE_MS,
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const [code]: unknown[] = await once(child, "close");
  return { code, stdout, stderr };
}

/** As `run`, for commands that must succeed. */
async function mustRun(folder: string, command: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(folder, command, ...args);
  assert.equal(code, 0, `${command} ${args.join(" ")}\n${stdout}${stderr}`);
  return stdout;
}

/** What a consumer of the library writes; compiled in the strictest way, without Node's types. */
const CONSUMER = `
import { ConfigError, createServer, type CaddisServer, type ConnectionInfo, type ServerOptions } from "caddis";
import { createTestServer, virtualClock } from "caddis/testing";

const options: ServerOptions = {
  host: "127.0.0.1",
  port: 0,
  max_payload: "8MB",
  ping_interval: "30s",
  authorization: { user: "ana", password: "secret", timeout: "1s" },
  mappings: { "a.*": [{ destination: "b.{{wildcard(1)}}", weight: "50%" }] },
};
// @ts-expect-error There is no such option.
export const misspelt: ServerOptions = { prot: 4222 };
// @ts-expect-error That is the program's.
export const programs: ServerOptions = { pid_file: "/tmp/x" };
// @ts-expect-error A number is no duration.
export const wrong: ServerOptions = { ping_interval: 30 };

export async function main(): Promise<string> {
  const seen: ConnectionInfo[] = [];
  await using server: CaddisServer = await createServer(options, { onConnect: (info) => void seen.push(info) });
  const connection = server.openInProcess({ onData: (bytes: Uint8Array) => void bytes.length, onClose() {} });
  connection.end();
  const clock = virtualClock();
  await using testServer = await createTestServer({}, { clock, seed: 7 });
  await testServer.clock.advance(1_000);
  try {
    await createServer({ port: 99_999 });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.join();
  }
  return server.url;
}
`;

const CLIENT_CONSUMER = `
import { createServer } from "caddis";
import { connectInProcess, type InProcessOptions } from "caddis/in-process";
import type { NatsConnection } from "@nats-io/nats-core";

const options: InProcessOptions = { name: "inside", maxReconnectAttempts: 3 };
// @ts-expect-error There is no address inside a process.
export const wrong: InProcessOptions = { servers: "nats://localhost" };

export async function main(): Promise<void> {
  await using server = await createServer();
  const nc: NatsConnection = await connectInProcess(() => server, options);
  await nc.close();
}
`;

const STRICT = {
  target: "es2024",
  lib: ["es2024"],
  module: "nodenext",
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noEmit: true,
  types: [],
};

describe("the packed package", { concurrency: false }, () => {
  let folder = "";
  let tarball = "";
  let files: string[] = [];
  /** Where it is installed. */
  let home = "";

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "caddis-pack-"));
    const source = join(folder, "package");
    await mkdir(source);
    for (const file of ["package.json", "README.md", "LICENSE"])
      await cp(join(PACKAGE, file), join(source, file));
    await mustRun(PACKAGE, "tsc", "-p", "tsconfig.build.json", "--outDir", join(source, "dist"));
    const packed = await mustRun(
      source,
      "npm",
      "pack",
      "--ignore-scripts",
      "--json",
      "--pack-destination",
      folder,
    );
    const [info]: { filename: string; files: { path: string }[] }[] = JSON.parse(packed);
    files = info.files.map(({ path }) => path);
    tarball = join(folder, info.filename);
    home = join(folder, "home");
    await mkdir(home);
    await writeFile(join(home, "package.json"), '{ "private": true, "type": "module" }');
    await mustRun(home, "npm", "install", "--offline", "--no-audit", "--no-fund", tarball);
  });

  after(() => rm(folder, { recursive: true, force: true }));

  /** Lets the installed package see the official client, as if it had been installed beside it. */
  async function addClient(): Promise<void> {
    await symlink(join(ROOT, "node_modules/@nats-io"), join(home, "node_modules/@nats-io"), "dir").catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== "EEXIST") throw error;
      },
    );
  }

  test("holds the compiled code with its types, and nothing else", () => {
    const strangers = files.filter(
      (path) =>
        !/^dist\/[a-z0-9/-]+\.(js|d\.ts)$/.test(path) &&
        !["package.json", "README.md", "LICENSE"].includes(path),
    );
    assert.deepEqual(strangers, []);
    for (const path of [
      "dist/cli/bin.js",
      "dist/server/index.js",
      "dist/server/index.d.ts",
      "README.md",
      "LICENSE",
    ]) {
      assert.ok(files.includes(path), path);
    }
    assert.deepEqual(
      files
        .filter((path) => path.endsWith(".js"))
        .filter((path) => !files.includes(path.replace(/js$/, "d.ts"))),
      [],
    );
  });

  test("carries the version that the code says it has", async () => {
    const manifest: { version: string; dependencies?: object } = JSON.parse(
      await readFile(join(home, "node_modules/caddis/package.json"), "utf8"),
    );
    assert.equal(manifest.version, CADDIS_VERSION);
    assert.deepEqual(Object.keys(manifest.dependencies ?? {}).sort(), DEPENDENCIES);
  });

  test("is what publint and attw call a good package", async () => {
    await mustRun(home, "publint", "run", tarball, "--strict");
    await mustRun(home, "attw", tarball, "--profile", "esm-only");
  });

  test("brings the caddis command", async () => {
    const { code, stdout, stderr } = await run(home, "node_modules/.bin/caddis", "-v");
    assert.equal(code, 0, stderr);
    assert.ok((stdout + stderr).includes(CADDIS_VERSION), stdout + stderr);
    const child = spawn(join(home, "node_modules/.bin/caddis"), ["-a", "127.0.0.1", "-p", "-1"], {
      env: { ...process.env, PATH: [join(ROOT, "node_modules/.bin"), process.env["PATH"]].join(delimiter) },
      stdio: ["ignore", "ignore", "pipe"],
      timeout: COMMAND_DEADLINE_MS,
    });
    let log = "";
    for await (const chunk of child.stderr) {
      log += String(chunk);
      if (log.includes("Server is ready")) child.kill("SIGTERM");
    }
    assert.match(log, /Listening for client connections on 127\.0\.0\.1:\d+/);
    assert.match(log, /Server Exiting/);
  });

  test("is typed: a strict program compiles against it, without Node's types or the client's", async () => {
    const consumer = join(home, "consumer");
    await mkdir(consumer);
    await writeFile(join(consumer, "main.ts"), CONSUMER);
    await writeFile(
      join(consumer, "tsconfig.json"),
      JSON.stringify({ compilerOptions: STRICT, files: ["main.ts"] }),
    );
    await mustRun(consumer, "tsc", "-p", ".");
  });

  test("is typed for the official client, too", async () => {
    await addClient();
    const consumer = join(home, "client-consumer");
    await mkdir(consumer);
    await writeFile(join(consumer, "main.ts"), CLIENT_CONSUMER);
    // The client's own declarations need the web's types and do not check as strictly.
    const compilerOptions = { ...STRICT, lib: ["es2024", "dom"], skipLibCheck: true };
    await writeFile(join(consumer, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["main.ts"] }));
    await mustRun(consumer, "tsc", "-p", ".");
  });

  test("the examples of its README run, and leave by themselves", async () => {
    await addClient();
    const readme = await readFile(join(home, "node_modules/caddis/README.md"), "utf8");
    const examples = [...readme.matchAll(/^```js example\n(.*?)^```$/gms)].map(([, code]) => code);
    assert.equal(examples.length, 2);
    const outputs: string[] = [];
    for (const [i, example] of examples.entries()) {
      const file = join(home, `example-${i}.js`);
      await writeFile(file, example);
      outputs.push(await mustRun(home, process.execPath, file));
      assert.ok(
        example.split("\n").filter((line) => line !== "").length <= 10,
        "an example has ten lines at most",
      );
    }
    assert.match(outputs[0], /^hello world\nother programs connect to nats:\/\/127\.0\.0\.1:\d+\n$/);
    assert.equal(outputs[1], "alive\n");
  });
});
