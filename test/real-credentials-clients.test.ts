/** The credentials of `real-credentials.test.ts` shown by clients of other languages: nats-py, and nats.go as `nats` has it. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { whyNot } from "./clients/support/checks.ts";
import { cacheFolder, lastWords, linesOf, sourceFolder, tool } from "./clients/support/programs.ts";
import { eachServer } from "./clients/support/targets.ts";
import { type Credentials, credentialScenes } from "./support/credential-scenes.ts";
import { ServerProcess } from "./support/server-process.ts";

const folder = mkdtempSync(join(tmpdir(), "caddis-credentials-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const scenes = await credentialScenes(folder);

/** Whether a client comes in with each of these credentials. */
type Attempts = (port: number, all: readonly Credentials[], signal: AbortSignal) => Promise<boolean[]>;

interface Language {
  readonly name: string;
  readonly needs: readonly string[];
  readonly slow: boolean;
  /** Fetches and builds what is not there yet. */
  readonly prepare: () => Promise<void>;
  readonly attempts: Attempts;
}

const PYTHON: Language = {
  name: "nats-py",
  needs: ["python3"],
  slow: false,
  async prepare() {
    const environment = await cacheFolder("python");
    const python = join(environment, "bin/python");
    if (!existsSync(python)) await tool("python3", ["-m", "venv", environment]);
    const pip = ["-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--require-hashes"];
    for (const file of ["requirements.txt", "credentials-requirements.txt"]) {
      await tool(python, [...pip, "-r", join(sourceFolder("python"), file)]);
    }
  },
  async attempts(port, all, signal) {
    const args = [
      "-B",
      join(sourceFolder("python"), "credentials.py"),
      `nats://localhost:${port}`,
      JSON.stringify(all),
    ];
    const results: boolean[] = [];
    for await (const line of linesOf(join(await cacheFolder("python"), "bin/python"), args, signal)) {
      if (line !== "") results.push(line === "in");
    }
    return results;
  },
};

/** What the command line of nats.go is told. */
function flagsOf({ user, pass, token, seedFile, credsFile, tls }: Credentials): string[] {
  const flags: [string, string | undefined][] = [
    ["--user", user ?? token],
    ["--password", pass],
    ["--nkey", seedFile],
    ["--creds", credsFile],
    ["--tlsca", tls?.caFile],
    ["--tlscert", tls?.certFile],
    ["--tlskey", tls?.keyFile],
  ];
  const given = flags.flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]));
  return tls?.isFirst === true ? [...given, "--tlsfirst"] : given;
}

const GO: Language = {
  name: "nats, the command line",
  needs: ["go"],
  slow: true,
  async prepare() {
    const cwd = sourceFolder("cli");
    const nats = join(await cacheFolder("cli"), "nats");
    await tool("go", ["mod", "download"], { cwd });
    await tool("go", ["build", "-mod=readonly", "-o", nats, "github.com/nats-io/natscli/nats"], { cwd });
  },
  async attempts(port, all) {
    const cache = await cacheFolder("cli");
    const env = { HOME: join(cache, "home"), XDG_CONFIG_HOME: join(cache, "home") };
    const results: boolean[] = [];
    for (const credentials of all) {
      const args = ["--server", `nats://localhost:${port}`, ...flagsOf(credentials), "pub", "a", "x"];
      results.push(
        await tool(join(cache, "nats"), args, { env }).then(
          () => true,
          () => false,
        ),
      );
    }
    return results;
  },
};

for (const { name, needs, slow, prepare, attempts } of [PYTHON, GO]) {
  describe(name, () => {
    let reason = whyNot(needs, slow) ?? "";
    before(async () => {
      if (reason !== "") return;
      try {
        await prepare();
      } catch (error) {
        reason = `cannot be fetched here: ${lastWords(error)}`;
      }
    });
    eachServer((target) => {
      for (const scene of scenes) {
        test(scene.name, async (t) => {
          if (reason !== "") {
            t.skip(reason);
            return;
          }
          const server = await ServerProcess.start({ command: target.command, config: scene.config });
          t.after(() => server.stop("SIGKILL"));
          const all = [...scene.good, ...scene.bad];
          const results = await attempts(
            server.port,
            all.map(([, credentials]) => credentials),
            t.signal,
          );
          const told = (came: readonly boolean[]): string[] =>
            all.map(([what], i) => `${what}: ${came[i] ? "in" : "out"}`);
          assert.deepEqual(told(results), told(all.map((_, i) => i < scene.good.length)));
        });
      }
    });
  });
}
