import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { delimiter, join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { calledAs, fakeProgram, Program, testFolder, type Outcome } from "./support/program.ts";
import { OUR_SERVER } from "./support/server-process.ts";

const BIN = join(import.meta.dirname, "../packages/caddis/src/cli/bin.ts");

/** The launcher in a checkout without installed packages, with `node` on PATH being a script. */
async function launch(t: TestContext, nodeScript: string | null, ...args: string[]): Promise<Outcome> {
  const folder = await testFolder(t);
  await mkdir(join(folder, "bin"));
  await mkdir(join(folder, "path"));
  const launcher = join(folder, "bin", "caddis");
  await copyFile(OUR_SERVER, launcher);
  if (nodeScript !== null) await fakeProgram(join(folder, "path"), "node", nodeScript);
  await symlink("/bin/sh", join(folder, "path", "sh"));
  return new Program(t, launcher, args, folder, { PATH: join(folder, "path") }).ended;
}

describe("bin/caddis without a Node of its own", () => {
  for (const version of ["v20.19.2", "v24.19.9", "v8.0.0"]) {
    test(`says what is needed when PATH has ${version}`, async (t) => {
      const { code, stdout, stderr } = await launch(t, `echo ${version}`);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(
        stderr,
        new RegExp(`^caddis needs Node\\.js 24\\.20 or newer \\(found: ${version}\\)[^\\n]*\\n$`),
      );
    });
  }

  test("says so, too, when there is no Node at all", async (t) => {
    const { code, stderr } = await launch(t, null);
    assert.equal(code, 1);
    assert.match(stderr, /^caddis needs Node\.js 24\.20 or newer \(found: none\)[^\n]*\n$/);
  });

  for (const version of ["v24.20.0", "v25.0.0", "v100.1.2"]) {
    test(`runs with ${version} from PATH, arguments untouched`, async (t) => {
      const script = `if [ "$1" = --version ]; then echo ${version}; else printf '<%s>' "$@"; fi`;
      const { code, stdout, stderr } = await launch(t, script, "-n", "a b", "", "*");
      assert.deepEqual([code, stderr], [0, ""]);
      assert.match(stdout, /^<--no-warnings><[^>]*\/packages\/caddis\/src\/cli\/bin\.ts><-n><a b><><\*>$/);
    });
  }
});

test("bin/caddis runs from any folder, through symlinks of any kind and from PATH", async (t) => {
  const folder = await testFolder(t);
  await mkdir(join(folder, "sub"));
  await calledAs(folder, "nats-server");
  await symlink("../nats-server", join(folder, "sub", "relative"));
  await symlink(join(folder, "sub", "relative"), join(folder, "twice"));
  const version = await new Program(t, join(folder, "nats-server"), ["-v"], "/").ended;
  assert.match(version.stdout, /^nats-server: v\d+\.\d+\.\d+\n$/);
  for (const [command, cwd] of [
    ["./relative", join(folder, "sub")],
    [join(folder, "twice"), folder],
    [OUR_SERVER, "/"],
  ]) {
    assert.equal((await new Program(t, command, ["-v"], cwd).ended).code, 0, command);
  }
  const found = await new Program(t, "sh", ["-c", "nats-server -v"], "/", {
    PATH: `${folder}:${process.env["PATH"]}`,
  }).ended;
  assert.equal(found.stdout, version.stdout);
  const bySh = await new Program(t, "sh", ["caddis", "-v"], join(OUR_SERVER, "..")).ended;
  assert.equal(bySh.code, 0);
});

test("the caddis command says what is needed on an older Node, and nothing else", async (t) => {
  const older = "data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'20.19.2'}})";
  const folder = await testFolder(t);
  const { code, stdout, stderr } = await new Program(
    t,
    process.execPath,
    ["--import", older, BIN, "-v"],
    folder,
  ).ended;
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^caddis needs Node\.js 24\.20 or newer; this is v[^\n]*\n$/);
});

test("the caddis command has Node's warnings in its log, not bare on stderr", async (t) => {
  const warning = "data:text/javascript,process.once('SIGTERM',()=>process.emitWarning('careful'))";
  const folder = await testFolder(t);
  const args = ["--import", warning, BIN, "-D", "-a", "127.0.0.1", "-p", "-1"];
  const program = new Program(t, process.execPath, args, folder);
  await program.until(/Server is ready/);
  program.signal("SIGTERM");
  const { code, stderr } = await program.ended;
  assert.equal(code, 0);
  const lines = stderr.split("\n").filter((line) => line.includes("careful"));
  assert.equal(lines.length, 1, stderr);
  assert.match(lines[0], /^\[\d+\] \S+ \S+ \[DBG\] Warning: careful$/);
});

test("the caddis command, published as JavaScript, can be parsed by an older Node", async (t) => {
  const older = await olderNode(t);
  if (older === null) return t.skip("no Node older than 24 on PATH");
  const folder = await testFolder(t);
  await writeFile(join(folder, "bin.mjs"), stripTypeScriptTypes(await readFile(BIN, "utf8")));
  const { code, stderr } = await new Program(t, older, ["bin.mjs"], folder).ended;
  assert.equal(code, 1);
  assert.match(stderr, /^caddis needs Node\.js 24\.20 or newer; this is v\d+\.\d+\.\d+\n$/);
});

async function olderNode(t: TestContext): Promise<string | null> {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, "node");
    if (folder === "" || !existsSync(path)) continue;
    const { stdout } = await new Program(t, path, ["--version"], "/").ended;
    if (Number(/^v(\d+)/.exec(stdout)?.[1]) < 24) return path;
  }
  return null;
}
