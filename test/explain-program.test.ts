/** `explain` on the command line, and what only the program knows: its configuration file and its descriptors. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { OUR_SERVER } from "./support/server-process.ts";
import { type Outcome, Program, testFolder } from "./support/program.ts";

const CONFIG = 'listen: "127.0.0.1:-1", http: "127.0.0.1:-1", max_connections: 50\n';

class Scene {
  readonly t: TestContext;
  readonly folder: string;
  readonly file: string;
  readonly program: Program;
  readonly url: string;
  readonly port: number;

  private constructor(t: TestContext, folder: string, file: string, program: Program) {
    this.t = t;
    this.folder = folder;
    this.file = file;
    this.program = program;
    this.url = `http://127.0.0.1:${/monitor on 127\.0\.0\.1:(\d+)/.exec(program.stderr)?.[1]}`;
    this.port = Number(/client connections on 127\.0\.0\.1:(\d+)/.exec(program.stderr)?.[1]);
  }

  static async start(t: TestContext): Promise<Scene> {
    const folder = await testFolder(t);
    const file = join(folder, "a.conf");
    await writeFile(file, CONFIG);
    const program = new Program(t, OUR_SERVER, ["-c", file], folder);
    await program.until(/Server is ready/);
    return new Scene(t, folder, file, program);
  }

  explain(...args: readonly string[]): Promise<Outcome> {
    return new Program(this.t, OUR_SERVER, ["explain", "--server", this.url, ...args], this.folder).ended;
  }
}

describe("explain on the command line", () => {
  test("a quiet server, then one with another file, then one with a broken file", async (t) => {
    const scene = await Scene.start(t);
    assert.deepEqual(await scene.explain(), { code: 0, stdout: "Nothing to complain about.\n", stderr: "" });

    await writeFile(scene.file, CONFIG.replace("50", "60"));
    const changed = await scene.explain();
    assert.match(changed.stdout, /^1 finding:\n501 warning: .*in force sha256:\w+, in the file sha256:\w+/);
    assert.equal(changed.code, 0);

    scene.program.signal("SIGHUP");
    await scene.program.until(/Reloaded server configuration/);
    assert.equal((await scene.explain()).stdout, "Nothing to complain about.\n");

    await writeFile(scene.file, "max_connections: [\n");
    const broken = await scene.explain("--json");
    assert.equal(broken.code, 1);
    const { findings } = JSON.parse(broken.stdout) as { findings: { number: number }[] };
    assert.deepEqual(
      findings.map(({ number }) => number),
      [502],
    );
  });

  test("a connection", async (t) => {
    const scene = await Scene.start(t);
    const socket = connect(scene.port, "127.0.0.1");
    t.after(() => socket.destroy());
    socket.write('CONNECT {"verbose":false,"protocol":1,"headers":true,"name":"x\\u009b31my"}\r\nPING\r\n');
    let text = "";
    while (!text.includes("PONG")) text += String((await once(socket, "data"))[0]);
    const { code, stdout } = await scene.explain("connection", "1");
    assert.equal(code, 0);
    assert.match(stdout, /^Connection 1 \(tcp, from 127\.0\.0\.1:\d+\): calls itself/);
    assert.ok(!stdout.includes("\x9b"), "a name does not drive the terminal");
    assert.match(stdout, /It may publish everything\./);
  });

  test("no answer", async (t) => {
    const scene = await Scene.start(t);
    const unknown = await scene.explain("connection", "77");
    assert.deepEqual([unknown.code, unknown.stdout], [2, ""]);
    assert.match(unknown.stderr, /no connection 77 is known/);
    const misused = await scene.explain("connection");
    assert.equal(misused.code, 2);
    assert.match(misused.stderr, /see caddis explain --help/);
    const help = await scene.explain("--help");
    assert.equal(help.code, 0);
    assert.match(help.stdout, /Usage: caddis explain/);
  });

  test("an answer that is none", async (t) => {
    const scene = await Scene.start(t);
    const other = createServer((_request, response) => response.end('{"summary":"<script>"}'));
    other.listen(0, "127.0.0.1");
    await once(other, "listening");
    t.after(() => other.close());
    const address = other.address();
    assert.ok(typeof address === "object" && address !== null);
    const { code, stderr } = await scene.explain("-s", `http://user:pass@127.0.0.1:${address.port}`);
    assert.equal(code, 2);
    assert.match(stderr, /not that of \/explainz/);
    assert.ok(!stderr.includes("pass@"));
  });
});
