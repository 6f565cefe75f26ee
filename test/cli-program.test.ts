import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { readFile, symlink, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { once } from "node:events";
import { basename, join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { CADDIS_VERSION, COMPATIBLE_VERSION } from "../packages/caddis/src/base/version.ts";
import { calledAs, Program, testFolder, untilFiles } from "./support/program.ts";
import { OUR_SERVER } from "./support/server-process.ts";

const READY = /Server is ready/;
const LOCAL = ["-a", "127.0.0.1", "-p", "-1"];

/** A running server in a folder of its own. */
async function start(
  t: TestContext,
  args: readonly string[] = [],
  command = OUR_SERVER,
): Promise<{ program: Program; folder: string }> {
  const folder = await testFolder(t);
  const program = new Program(t, command, [...LOCAL, ...args], folder);
  await program.until(READY);
  return { program, folder };
}

/** The port in the log of a running server. */
function portOf(program: Program): number {
  return Number(/Listening for client connections on [^\n]*:(\d+)\n/.exec(program.stderr)?.[1]);
}

function messages(log: string): string[] {
  return log
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/^\[\d+\] (?:\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d\.\d{6} )?/, ""));
}

describe("log of a start and an end", () => {
  test("the lines of nats-server in its order, and our version", async (t) => {
    const { program } = await start(t, ["-n", "here"]);
    program.signal("SIGINT");
    const { code, stdout, stderr } = await program.ended;
    const id = /ID: {7}(N[A-Z2-7]{55})\n/.exec(stderr)?.[1];
    assert.deepEqual(messages(stderr), [
      "[INF] Starting caddis",
      `[INF]   Version:  ${COMPATIBLE_VERSION}`,
      `[INF]   Caddis:   ${CADDIS_VERSION}`,
      "[INF]   Git:      [not set]",
      "[INF]   Name:     here",
      `[INF]   ID:       ${id}`,
      `[INF] Listening for client connections on 127.0.0.1:${portOf(program)}`,
      "[INF] Server is ready",
      '[INF] Trapped "interrupt" signal',
      "[INF] Initiating Shutdown...",
      "[INF] Server Exiting..",
    ]);
    for (const line of stderr.trimEnd().split("\n")) {
      assert.match(
        line,
        new RegExp(`^\\[${program.pid}\\] \\d{4}/\\d\\d/\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d{6} \\[INF\\] `),
      );
    }
    assert.deepEqual([code, stdout], [0, ""]);
  });

  test("the configuration file and its digest are named", async (t) => {
    const folder = await testFolder(t);
    await writeFile(join(folder, "a.conf"), "debug: false\n");
    const program = new Program(t, OUR_SERVER, [...LOCAL, "-c", "a.conf"], folder);
    await program.until(READY);
    assert.match(program.stderr, /\[INF\] Using configuration file: a\.conf \(sha256:[0-9a-f]{64}\)\n/);
  });

  test("time in UTC and no time", async (t) => {
    const folder = await testFolder(t);
    const zone = { TZ: "Asia/Tokyo" };
    const utc = new Program(t, OUR_SERVER, [...LOCAL, "--logtime_utc"], folder, zone);
    const local = new Program(t, OUR_SERVER, LOCAL, folder, zone);
    const none = new Program(t, OUR_SERVER, [...LOCAL, "-T=false"], folder, zone);
    await Promise.all([utc, local, none].map((program) => program.until(READY)));
    const timeOf = (program: Program): number => {
      const stamp = /^\[\d+\] (\S+ \S+)\.\d+ \[INF\]/.exec(program.stderr)?.[1] ?? "";
      return Date.parse(`${stamp.replaceAll("/", "-").replace(" ", "T")}Z`);
    };
    const hoursAhead = (timeOf(local) - timeOf(utc)) / 3_600_000;
    assert.equal(Math.round(hoursAhead), 9);
    assert.match(none.stderr, new RegExp(`^\\[${none.pid}\\] \\[INF\\] Starting caddis\\n`));
  });

  test("JSON lines", async (t) => {
    const { program } = await start(t, ["--log_format", "json", "-D"]);
    program.signal("SIGTERM");
    const lines = (await program.ended).stderr.trimEnd().split("\n");
    const entries = lines.map((line): unknown => JSON.parse(line));
    for (const entry of entries) {
      assert.ok(typeof entry === "object" && entry !== null);
      assert.deepEqual(Object.keys(entry), ["time", "level", "pid", "code", "msg"]);
      assert.ok("pid" in entry && entry.pid === program.pid);
    }
    const ends = entries.at(-1);
    assert.ok(typeof ends === "object" && ends !== null && "msg" in ends && ends.msg === "Server Exiting..");
  });
});

describe("signals", () => {
  for (const [signal, name] of [
    ["SIGINT", "interrupt"],
    ["SIGTERM", "terminated"],
  ] as const) {
    test(`${signal} ends the server with exit code 0`, async (t) => {
      const { program } = await start(t);
      program.signal(signal);
      const { code, stderr } = await program.ended;
      assert.equal(code, 0);
      assert.deepEqual(messages(stderr).slice(-3), [
        `[INF] Trapped "${name}" signal`,
        "[INF] Initiating Shutdown...",
        "[INF] Server Exiting..",
      ]);
    });
  }

  test("SIGUSR1 without a log file and SIGHUP are answered with a line, and the server goes on", async (t) => {
    const { program } = await start(t);
    program.signal("SIGUSR1");
    await program.until(
      /Trapped "user defined signal 1" signal\n[^\n]*\[INF\] File log re-open ignored, not a file logger\n/,
    );
    program.signal("SIGHUP");
    await program.until(
      /Trapped "hangup" signal\n[^\n]*\[ERR\] Failed to reload server configuration: [^\n]+\n/,
    );
    const socket = connect(portOf(program), "127.0.0.1");
    const [first]: unknown[] = await once(socket.setEncoding("utf8"), "data");
    socket.destroy();
    assert.match(String(first), /^INFO /);
  });

  test("SIGUSR2 without clients ends the server", async (t) => {
    const { program } = await start(t);
    program.signal("SIGUSR2");
    const { code, stderr } = await program.ended;
    assert.equal(code, 0);
    assert.deepEqual(messages(stderr).slice(-4), [
      '[INF] Trapped "user defined signal 2" signal',
      "[INF] Entering lame duck mode, stop accepting new clients",
      "[INF] Initiating Shutdown...",
      "[INF] Server Exiting..",
    ]);
  });

  test("in lame duck mode SIGTERM and SIGUSR2 change nothing, and SIGINT ends it", async (t) => {
    const folder = await testFolder(t);
    await writeFile(join(folder, "a.conf"), "lame_duck_grace_period: 100s\n");
    const { program } = await start(t, ["-c", join(folder, "a.conf")]);
    const socket = connect(portOf(program), "127.0.0.1");
    t.after(() => socket.destroy());
    socket.write("CONNECT {}\r\nPING\r\n");
    await once(socket, "data");
    program.signal("SIGUSR2");
    await program.until(/Entering lame duck mode/);
    program.signal("SIGTERM");
    await program.until(/Trapped "terminated" signal/);
    program.signal("SIGUSR2");
    await program.until(/(?:Trapped "user defined signal 2" signal[^]*){2}/);
    program.signal("SIGUSR1");
    await program.until(/re-open ignored/);
    assert.doesNotMatch(program.stderr, /Initiating Shutdown/);
    program.signal("SIGINT");
    const { code, stderr } = await program.ended;
    assert.equal(code, 0);
    assert.deepEqual(messages(stderr).slice(-3), [
      '[INF] Trapped "interrupt" signal',
      "[INF] Initiating Shutdown...",
      "[INF] Server Exiting..",
    ]);
  });

  test("--signal reaches a server by id and by pid file, with or without a line end in it", async (t) => {
    const { program, folder } = await start(t, ["-P", "a.pid"]);
    const byId = new Program(t, OUR_SERVER, [`-sl=reload=${program.pid}`], folder);
    assert.deepEqual(await byId.ended, { code: 0, stdout: "", stderr: "" });
    await program.until(/Trapped "hangup" signal/);
    await writeFile(join(folder, "b.pid"), `${program.pid}\n`);
    const byLine = new Program(t, OUR_SERVER, ["--signal", "reopen=b.pid"], folder);
    assert.equal((await byLine.ended).code, 0);
    await program.until(/Trapped "user defined signal 1" signal/);
    const byFile = new Program(t, OUR_SERVER, ["-sl=ldm=a.pid"], folder);
    assert.equal((await byFile.ended).code, 0);
    assert.equal((await program.ended).code, 0);
  });

  test("--signal finds a server by the name it was called by", async (t) => {
    // A name of this test's own: no other server on this machine gets the signal.
    const name = `cds-${process.pid}`;
    const folder = await testFolder(t);
    const { program } = await start(t, [], await calledAs(folder, name));
    const sender = new Program(t, join(folder, name), ["--signal", "quit"], folder);
    assert.deepEqual(await sender.ended, { code: 0, stdout: "", stderr: "" });
    assert.equal((await program.ended).code, 0);
    const again = new Program(t, join(folder, name), ["--signal", "quit"], folder);
    assert.deepEqual(await again.ended, {
      code: 1,
      stdout: "",
      stderr: `${name}: no ${name} processes running\n`,
    });
  });
});

describe("pid file and ports file", () => {
  test("are there when the server is ready and gone when it has ended", async (t) => {
    const folder = await testFolder(t);
    const program = new Program(t, OUR_SERVER, [...LOCAL, "-P", "a.pid", "--ports_file_dir", "."], folder);
    const ports = join(folder, `caddis_${program.pid}.ports`);
    const complete = (): boolean => existsSync(ports) && readFileSync(ports, "utf8").endsWith("}");
    await untilFiles(folder, complete);
    await program.until(READY);
    const pidFile = join(folder, "a.pid");
    assert.equal(readFileSync(pidFile, "utf8"), String(program.pid));
    assert.equal(statSync(pidFile).mode & 0o777, 0o600);
    assert.equal(readFileSync(ports, "utf8"), `{"nats":["nats://127.0.0.1:${portOf(program)}"]}`);
    program.signal("SIGTERM");
    await program.ended;
    assert.deepEqual([existsSync(ports), existsSync(pidFile)], [false, false]);
  });

  test("a pid file that another server has taken over stays", async (t) => {
    const { program, folder } = await start(t, ["-P", "a.pid"]);
    await writeFile(join(folder, "a.pid"), "1");
    program.signal("SIGTERM");
    await program.ended;
    assert.equal(await readFile(join(folder, "a.pid"), "utf8"), "1");
  });

  test("through a symlink called nats-server the server goes by that name", async (t) => {
    const folder = await testFolder(t);
    const link = await calledAs(folder, "nats-server");
    const second = join(folder, "second");
    await symlink(basename(link), second);
    const program = new Program(t, link, [...LOCAL, "--ports_file_dir", folder], folder);
    const ports = join(folder, `nats-server_${program.pid}.ports`);
    await untilFiles(folder, () => existsSync(ports));
    await program.until(READY);
    assert.match(program.stderr, /^[^\n]*\[INF\] Starting nats-server\n/);
    if (process.platform === "linux") {
      assert.equal(await readFile(`/proc/${program.pid}/comm`, "utf8"), "nats-server\n");
    }
    const twice = new Program(t, second, ["foo"], folder);
    assert.deepEqual(await twice.ended, {
      code: 1,
      stdout: "",
      stderr: 'second: unrecognized command: "foo"\n',
    });
  });

  test("a pid file that cannot be written is fatal, a ports file is not", async (t) => {
    const folder = await testFolder(t);
    const fatal = new Program(t, OUR_SERVER, [...LOCAL, "-P", "/nowhere/a.pid"], folder);
    const { code, stderr } = await fatal.ended;
    assert.deepEqual(
      [code, messages(stderr).filter((line) => line.startsWith("[FTL]"))],
      [1, ["[FTL] Could not write pidfile: open /nowhere/a.pid: no such file or directory"]],
    );
    const { program } = await start(t, ["--ports_file_dir", "/nowhere"]);
    const path = `/nowhere/caddis_${program.pid}.ports`;
    await program.until(/\[ERR\] Error writing ports file/);
    program.signal("SIGTERM");
    const complaints = messages((await program.ended).stderr).filter((line) => line.startsWith("[ERR]"));
    assert.deepEqual(complaints, [
      `[ERR] Error writing ports file (${path}): open ${path}: no such file or directory`,
      `[ERR] Error cleaning up ports file ${path}: remove ${path}: no such file or directory`,
    ]);
  });
});

describe("what keeps a server from starting", () => {
  test("an address in use", async (t) => {
    const { program, folder } = await start(t);
    const port = portOf(program);
    const late = new Program(t, OUR_SERVER, ["-a", "127.0.0.1", "-p", String(port), "-P", "a.pid"], folder);
    const { code, stderr } = await late.ended;
    assert.equal(code, 1);
    assert.match(
      messages(stderr).at(-1) ?? "",
      new RegExp(`^\\[FTL\\] Error listening on port: 127\\.0\\.0\\.1:${port}, `),
    );
    assert.equal(existsSync(join(folder, "a.pid")), false);
  });

  test("a log file that cannot be opened", async (t) => {
    const program = new Program(t, OUR_SERVER, [...LOCAL, "-l", "/nowhere/a.log"], await testFolder(t));
    assert.deepEqual(await program.ended, {
      code: 1,
      stdout: "",
      stderr: "caddis: error opening file: open /nowhere/a.log: no such file or directory\n",
    });
  });

  test("a syslog nobody listens on", async (t) => {
    const folder = await testFolder(t);
    const program = new Program(t, OUR_SERVER, [...LOCAL, "-r", `unix://${folder}/s.sock`], folder);
    const { code, stderr } = await program.ended;
    assert.equal(code, 1);
    assert.match(stderr, /^caddis: error connecting to syslog: [^\n]*s\.sock: no such file or directory\n$/);
  });
});

describe("configuration", () => {
  async function outcomeOf(
    t: TestContext,
    args: readonly string[],
    config: string,
  ): Promise<[number | null, string]> {
    const folder = await testFolder(t);
    await writeFile(join(folder, "a.conf"), config);
    const { code, stderr } = await new Program(t, OUR_SERVER, [...args, "-c", "a.conf"], folder).ended;
    return [code, stderr];
  }

  test("-t: a good file, and one with an error, a warning or a part not built", async (t) => {
    const [code, text] = await outcomeOf(t, ["-t"], "port: 1\n");
    assert.equal(code, 0);
    assert.match(text, /^caddis: configuration file a\.conf is valid \(sha256:[0-9a-f]{64}\)\n$/);
    assert.deepEqual(await outcomeOf(t, ["-t"], "foo: 1\n"), [
      1,
      'caddis: a.conf:1:0: unknown field "foo"\n',
    ]);
    const [warned, warning] = await outcomeOf(t, ["-t"], "ping_interval: 5\n");
    assert.equal(warned, 1);
    assert.match(warning, /^caddis: a\.conf:1:0: [^\n]*ping_interval/);
    const [refused, reason] = await outcomeOf(t, ["-t"], "port: 1\nmqtt {port: 1}\n");
    assert.equal(refused, 1);
    assert.match(reason, /^caddis: a\.conf:2:[^\n]*mqtt[^\n]*not supported yet/);
  });

  test("a program that nobody could reach is refused, by a check as by a start", async (t) => {
    const reason =
      'caddis: "dont_listen" is for servers inside a process: no client could reach the program\n';
    for (const args of [[], ["-t"]]) {
      assert.deepEqual(await outcomeOf(t, args, "dont_listen: true\n"), [1, reason]);
    }
    const [code] = await outcomeOf(t, ["-t"], "dont_listen: false\n");
    assert.equal(code, 0);
  });

  test("errors of file and flags come together, before anything starts", async (t) => {
    const [code, text] = await outcomeOf(t, ["--profile", "1"], "foo: 1\n");
    assert.equal(code, 1);
    assert.equal(
      text,
      'caddis: a.conf:1:0: unknown field "foo"\n--profile is not supported yet: profiling\n',
    );
  });

  test("a start mentions warnings on stderr and goes on", async (t) => {
    const folder = await testFolder(t);
    await writeFile(join(folder, "a.conf"), "ping_interval: 5\nmax_payload: 9MB\n");
    const program = new Program(t, OUR_SERVER, [...LOCAL, "-c", "a.conf"], folder);
    await program.until(READY);
    assert.match(program.stderr, /^a\.conf:1:0: [^\n]*ping_interval[^\n]*\n\[\d+\]/);
    assert.match(program.stderr, /\[WRN\] Maximum payloads over 8\.00 MB/);
  });

  test("flags go before the file, whatever their order", async (t) => {
    const folder = await testFolder(t);
    await writeFile(
      join(folder, "a.conf"),
      "port: 1\nhost: 10.255.255.1\nserver_name: file\ndebug: true\nlogtime: true\n",
    );
    const flags = ["-p", "-1", "-a", "127.0.0.1", "-D=false", "-T=false"];
    for (const args of [
      [...flags, "-c", "a.conf"],
      ["-c", "a.conf", ...flags],
    ]) {
      const program = new Program(t, OUR_SERVER, args, folder);
      await program.until(READY);
      const log = messages(program.stderr);
      assert.ok(program.stderr.startsWith(`[${program.pid}] [INF] `));
      assert.ok(log.includes("[INF]   Name:     file"));
      assert.ok(!log.some((line) => line.startsWith("[DBG]")));
      assert.ok(log.includes(`[INF] Listening for client connections on 127.0.0.1:${portOf(program)}`));
    }
  });

  test("secrets given as flags cannot be read off a list of processes", async (t) => {
    if (process.platform !== "linux") return t.skip("needs /proc");
    const { program } = await start(t, ["--user", "scott", "--pass=tiger"]);
    const shown = await readFile(`/proc/${program.pid}/cmdline`, "latin1");
    assert.match(shown, /^caddis -a 127\.0\.0\.1 -p -1 --user \[REDACTED\] --pass=\[REDACTED\]/);
    assert.doesNotMatch(shown, /scott|tiger/);
  });
});
