/** The README's commands and programs do what it says. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");

/** Fenced blocks of one language, in order. */
function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "gm"))].map((match) =>
    match[1].trim(),
  );
}

describe("README", () => {
  let folder = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "caddis-readme-"));
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test("its commands are the ones tested here", () => {
    assert.deepEqual(blocks("sh"), [
      "npm ci && npm start",
      "npm start -- -p 4222 -m 8222",
      "bin/caddis -c server.conf -D",
      "npm ci && npm test",
      "node session.mjs",
      "npm start -- -js -sd data -m 8222",
      "npm pack -w caddis",
    ]);
  });

  test("npm start takes flags, and the first session prints what it says", async () => {
    const [, command] = blocks("sh");
    // The same words, with ports of which this test can be sure that they are free.
    const args = command
      .split(" ")
      .slice(1)
      .map((word) => (/^\d+$/.test(word) ? "-1" : word));
    const server = spawn("npm", ["--silent", ...args, "-a", "127.0.0.1", "--ports_file_dir", folder], {
      cwd: root,
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
    });
    try {
      const log = await readUntil(server, "Server is ready");
      const port = /Listening for client connections on 127\.0\.0\.1:(\d+)/.exec(log)?.[1];
      assert.match(log, /Starting http monitor on /);
      assert.ok(port !== undefined, log);
      writeFileSync(join(folder, "session.mjs"), blocks("js")[0]);
      const session = spawnSync(process.execPath, ["session.mjs"], {
        cwd: folder,
        encoding: "utf8",
        env: { ...process.env, NATS_URL: `nats://127.0.0.1:${port}` },
      });
      assert.equal(session.stderr, "");
      assert.equal(session.stdout, "Hello, joe!\n");
    } finally {
      await stop(server);
    }
  });

  test("bin/caddis takes a config file and flags", async () => {
    writeFileSync(join(folder, "server.conf"), 'listen: "127.0.0.1:-1"\n');
    const [, , command] = blocks("sh");
    const [file, ...args] = command.split(" ");
    const server = spawn(join(root, file), args, {
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
    });
    try {
      const log = await readUntil(server, "Server is ready");
      assert.match(log, /Using configuration file: server\.conf \(sha256:[0-9a-f]{64}\)/);
      assert.match(log, /\[DBG\]/);
    } finally {
      await stop(server);
    }
  });

  test("npm start has JetStream where it is told to", async () => {
    const data = join(folder, "data");
    const args = blocks("sh")[5].split(" ").slice(1);
    const own = args.map((word) => ({ data, "8222": "-1" })[word] ?? word);
    const server = spawn("npm", ["--silent", ...own, "-a", "127.0.0.1", "-p", "-1"], {
      cwd: root,
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
    });
    try {
      const log = await readUntil(server, "Server is ready");
      assert.ok(log.includes(`Store Directory: "${join(data, "jetstream")}"`), log);
      assert.match(log, /acknowledged after sync/);
    } finally {
      await stop(server);
    }
  });

  test("npm pack makes a package of the name that the README gives", () => {
    const [name, ...args] = blocks("sh")[6].split(" ");
    const pack = spawnSync(name, [...args, "--ignore-scripts", "--dry-run", "--json"], {
      cwd: root,
      encoding: "utf8",
    });
    assert.equal(pack.status, 0, pack.stderr);
    assert.match(pack.stdout, /"filename": "caddis-0\.1\.0\.tgz"/);
    assert.match(readme, /npm install \.\/caddis-0\.1\.0\.tgz @nats-io\/nats-core/);
  });

  test("the embedding example runs", () => {
    const source = join(root, "packages/caddis/src/server");
    const program = blocks("ts")[0]
      .replace('"caddis"', JSON.stringify(join(source, "index.ts")))
      .replace('"caddis/in-process"', JSON.stringify(join(source, "in-process.ts")));
    writeFileSync(join(folder, "embed.mts"), program);
    const run = spawnSync(process.execPath, ["--no-warnings", "embed.mts"], {
      cwd: folder,
      encoding: "utf8",
    });
    assert.equal(run.stderr, "");
    assert.equal(run.stdout, "hello from inside\n");
  });

  test("the benchmark table is that of the baseline", () => {
    const check = spawnSync(
      process.execPath,
      ["--no-warnings", "scripts/generate-bench-table.ts", "--check"],
      {
        cwd: root,
        encoding: "utf8",
      },
    );
    assert.equal(check.status, 0, check.stderr);
  });
});

/** What the program wrote to stderr up to `text`; rejects with all of it when the program ends before. */
function readUntil(program: ChildProcess, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let log = "";
    program.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      log += chunk;
      if (log.includes(text)) resolve(log);
    });
    program.once("error", reject);
    program.once("exit", () => reject(new Error(`it ended:\n${log}`)));
  });
}

/** Ends the program and whatever it started. */
async function stop(program: ChildProcess): Promise<void> {
  if (program.pid === undefined || program.exitCode !== null) return;
  const ended = new Promise((resolve) => program.once("exit", resolve));
  process.kill(-program.pid, "SIGTERM");
  await ended;
}
