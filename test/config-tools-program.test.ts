/** The commands under `config`, `--dry-run` and `config_watch`, as people use them. */
import assert from "node:assert/strict";
import { mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { Program, testFolder, type Outcome } from "./support/program.ts";
import { findReferenceServer, OUR_SERVER } from "./support/server-process.ts";

const LIMIT = { timeout: 60_000 };

/** Runs the program in `folder` until it ends. */
function run(t: TestContext, folder: string, ...args: string[]): Promise<Outcome> {
  return new Program(t, OUR_SERVER, args, folder).ended;
}

/** A folder with these files. */
async function folderWith(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await testFolder(t);
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

describe("caddis config", LIMIT, () => {
  test("diff says what changes, by what, and from where", async (t) => {
    const folder = await folderWith(t, {
      "old.conf": "max_payload: 5\nauthorization { user: a, password: old-secret }",
      "new.conf": "max_payload: 6\ninclude inc.conf",
      "inc.conf": "\nauthorization { user: a, password: new-secret }\nmax_pending: 7",
    });
    const { code, stdout, stderr } = await run(t, folder, "config", "diff", "old.conf", "new.conf");
    assert.equal(code, 3, stderr);
    assert.equal(
      stdout,
      `A reload can change:
    max_payload: 5 -> 6
        from old.conf:1 to new.conf:1
    authorization.password: changed
        from old.conf:2 to inc.conf:2

A restart is needed for:
    max_pending: 67108864 -> 7
        from default to inc.conf:3
        config reload not supported for MaxPending: old=67108864, new=7

A reload would be refused as a whole, and nothing would change: restart the server.
`,
    );
  });

  test("diff ends with what there is to do", async (t) => {
    const folder = await folderWith(t, {
      "a.conf": "port: 5",
      "b.conf": "port: 5\ndebug: true",
      "c.conf": "prot: 1",
    });
    const codes = await Promise.all(
      [
        ["a.conf", "a.conf"],
        ["a.conf", "b.conf"],
        ["a.conf", "c.conf"],
        ["a.conf"],
        ["a.conf", "none.conf"],
      ].map(async (files) => (await run(t, folder, "config", "diff", ...files)).code),
    );
    assert.deepEqual(codes, [0, 1, 2, 2, 2]);
    const flagged = await run(t, folder, "config", "diff", "--json", "a.conf", "b.conf", "--", "-D");
    assert.deepEqual(JSON.parse(flagged.stdout), { changes: [], verdict: "same" });
  });

  test("show says what is in force, and from where", async (t) => {
    const folder = await folderWith(t, {
      "a.conf": 'listen: "127.0.0.1:5"\nauthorization { token: a-secret }',
    });
    const { stdout } = await run(
      t,
      folder,
      "config",
      "show",
      "a.conf",
      "--",
      "--pass",
      "b-secret",
      "--user",
      "u",
    );
    assert.match(stdout, /^port +5 +a\.conf:1$/m);
    assert.match(stdout, /^authorization\.password +\(set\) +--pass$/m);
    assert.doesNotMatch(stdout, /authorization\.token|secret/);
    const all = await run(t, folder, "config", "show", "--all", "--json", "a.conf");
    const shown = JSON.parse(all.stdout) as { option: string; value: string; from: string }[];
    assert.deepEqual(
      shown.find(({ option }) => option === "max_payload"),
      { option: "max_payload", value: "1048576", from: "default" },
    );
  });

  test("schema is one", async (t) => {
    const { code, stdout } = await run(t, await testFolder(t), "config", "schema");
    assert.equal(code, 0);
    assert.equal(
      (JSON.parse(stdout) as Record<string, unknown>)["$schema"],
      "http://json-schema.org/draft-07/schema#",
    );
  });

  for (const command of [OUR_SERVER, findReferenceServer()]) {
    test(`diff --running asks ${command === OUR_SERVER ? "ours" : "nats-server"}`, async (t) => {
      if (command === null) return t.skip("no nats-server on PATH");
      const base = 'listen: "127.0.0.1:-1"\nhttp: "127.0.0.1:-1"\nserver_tags: [a]\n';
      const more = 'max_payload: 100\nping_interval: "30s"\nmax_subs: 9\nauthorization { timeout: 3 }\n';
      const folder = await folderWith(t, {
        "a.conf": base + more,
        "b.conf": `${base}max_payload: 200\nmax_subs: 8\nmax_pending: 1000\nlogfile_max_num: 3`,
      });
      const server = new Program(t, command, ["-c", "a.conf"], folder);
      await server.until(/Server is ready/);
      const url = `http://${/http monitor on (\S+)/.exec(server.stderr)?.[1]}/`;
      const same = await run(t, folder, "config", "diff", "--running", url, "a.conf");
      assert.deepEqual([same.code, same.stderr], [0, ""]);
      assert.match(same.stdout, /^Nothing would change\.\nIt runs with a file of the same content\.\n$/);
      const other = await run(t, folder, "config", "diff", "--json", "--running", url, "b.conf");
      const { changes, untold } = JSON.parse(other.stdout) as {
        changes: { option: string; before: string }[];
        untold: string[];
      };
      assert.deepEqual(changes.map(({ option, before }) => `${option} ${before}`).sort(), [
        "authorization.timeout 3s",
        "max_payload 100",
        "max_pending 67108864",
        "max_subscriptions 9",
        "ping_interval 30s",
      ]);
      assert.deepEqual([other.code, untold], [3, ["logfile_max_num"]]);
    });
  }

  test("what answers at --running and is no server is told", async (t) => {
    const folder = await folderWith(t, { "a.conf": "port: 5" });
    const { code, stderr } = await run(
      t,
      folder,
      "config",
      "diff",
      "--running",
      "http://127.0.0.1:1",
      "a.conf",
    );
    assert.equal(code, 2);
    assert.match(stderr, /can't ask the running server: connect: connection refused/);
  });
});

describe("caddis --dry-run", LIMIT, () => {
  test("shows what would be run with, and starts nothing", async (t) => {
    const folder = await folderWith(t, { "a.conf": "max_payload: 5\npid_file: a.pid" });
    const { code, stdout, stderr } = await run(t, folder, "-c", "a.conf", "-m", "-1", "--dry-run");
    assert.equal(code, 0);
    assert.match(stdout, /^max_payload +5 +a\.conf:1\n[^]*^http_port +-1 +-m$/m);
    assert.match(stderr, /nothing was started or changed/);
  });

  test("fails where a start would", async (t) => {
    const folder = await folderWith(t, { "a.conf": "no_auth_user: a\nauthorization { token: t }" });
    const { code, stderr } = await run(t, folder, "-c", "a.conf", "--dry-run");
    assert.deepEqual([code, stderr.includes("no_auth_user")], [1, true]);
  });
});

describe("config_watch", LIMIT, () => {
  const ON = 'listen: "127.0.0.1:-1"\nconfig_watch: true\n';

  test("reloads when the file or one that it includes is another", async (t) => {
    const folder = await folderWith(t, { "a.conf": `${ON}max_payload: 5`, "b.conf": "max_payload: 7" });
    const server = new Program(t, OUR_SERVER, ["-c", "a.conf"], folder);
    await server.until(/Server is ready/);
    await writeFile(join(folder, "a.conf"), `${ON}max_payload: 6`);
    await server.until(/Reloaded: max_payload = 6/);
    await writeFile(join(folder, "a.conf"), `${ON}include b.conf`);
    await server.until(/Reloaded: max_payload = 7/);
    await writeFile(join(folder, "b.new"), "max_payload: 8");
    await rename(join(folder, "b.new"), join(folder, "b.conf"));
    await server.until(/Reloaded: max_payload = 8/);
    await writeFile(join(folder, "b.conf"), "max_payload: many");
    await server.until(/Failed to reload server configuration: .*max_payload/);
  });

  test("follows a volume of Kubernetes", async (t) => {
    const folder = await testFolder(t);
    for (const [name, payload] of [
      ["..1", 5],
      ["..2", 6],
    ] as const) {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, "a.conf"), `${ON}max_payload: ${payload}`);
    }
    await symlink("..1", join(folder, "..data"));
    await symlink("..data/a.conf", join(folder, "a.conf"));
    const server = new Program(t, OUR_SERVER, ["-c", "a.conf"], folder);
    await server.until(/Server is ready/);
    await symlink("..2", join(folder, "..new"));
    await rename(join(folder, "..new"), join(folder, "..data"));
    await server.until(/Reloaded: max_payload = 6/);
  });

  test("is off unless it is asked for, and a reload switches it", async (t) => {
    const folder = await folderWith(t, { "a.conf": 'listen: "127.0.0.1:-1"' });
    const server = new Program(t, OUR_SERVER, ["-c", "a.conf"], folder);
    await server.until(/Server is ready/);
    await writeFile(join(folder, "a.conf"), `${ON}max_payload: 5`);
    server.signal("SIGHUP");
    await server.until(/Reloaded server configuration/);
    assert.doesNotMatch(server.stderr, /has changed/);
    await writeFile(join(folder, "a.conf"), `${ON}max_payload: 6`);
    await server.until(/Reloaded: max_payload = 6/);
  });
});
