import assert from "node:assert/strict";
import { readdirSync, readFileSync, renameSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Program, testFolder, untilFiles } from "./support/program.ts";
import { OUR_SERVER } from "./support/server-process.ts";

const LOCAL = ["-a", "127.0.0.1", "-p", "-1"];

/** False while there is no such file: a log that is being rotated may go in the very moment it is opened. */
function contains(path: string, text: string): boolean {
  try {
    return readFileSync(path, "utf8").includes(text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

test("with a log file nothing is on stderr, and after the end the last line is in the file", async (t) => {
  const folder = await testFolder(t);
  const program = new Program(t, OUR_SERVER, [...LOCAL, "-l", "a.log", "--syslog"], folder);
  const path = join(folder, "a.log");
  await untilFiles(folder, () => contains(path, "Server is ready\n"));
  program.signal("SIGTERM");
  assert.deepEqual(await program.ended, { code: 0, stdout: "", stderr: "" });
  assert.match(readFileSync(path, "utf8"), /\[INF\] Server Exiting\.\.\n$/);
});

test("SIGUSR1 writes on in a new file after the old one was moved away", async (t) => {
  const folder = await testFolder(t);
  const program = new Program(t, OUR_SERVER, [...LOCAL, "-l", "a.log"], folder);
  const path = join(folder, "a.log");
  await untilFiles(folder, () => contains(path, "Server is ready\n"));
  renameSync(path, join(folder, "old.log"));
  program.signal("SIGUSR1");
  await untilFiles(folder, () => contains(path, "File log re-opened\n"));
  assert.match(readFileSync(join(folder, "old.log"), "utf8"), /Trapped "user defined signal 1" signal\n$/);
  program.signal("SIGTERM");
  await program.ended;
  assert.match(readFileSync(path, "utf8"), /^[^\n]*\[INF\] File log re-opened\n[^\n]*Trapped "terminated"/);
});

test("a log file over its size is rotated, and only as many files as configured stay", async (t) => {
  const folder = await testFolder(t);
  await writeFile(join(folder, "a.conf"), "logfile: a.log\nlogfile_size_limit: 300\nlogfile_max_num: 3\n");
  const program = new Program(t, OUR_SERVER, [...LOCAL, "-c", "a.conf"], folder);
  await untilFiles(folder, () =>
    readdirSync(folder).some((name) => contains(join(folder, name), "Server is ready\n")),
  );
  for (let round = 0; round < 4; round++) {
    const before = readdirSync(folder);
    program.signal("SIGHUP");
    await untilFiles(folder, () => readdirSync(folder).some((name) => !before.includes(name)));
  }
  program.signal("SIGTERM");
  assert.equal((await program.ended).code, 0);
  const logs = readdirSync(folder).filter((name) => name.startsWith("a.log"));
  assert.equal(logs.length, 3, logs.join());
  const text = readFileSync(join(folder, "a.log"), "utf8");
  assert.match(text, /^[^\n]*\[INF\] Rotated log, backup saved as "a\.log\.\d{4}(\.\d\d){5}\.\d{9}"\n/);
  assert.match(text, /\[INF\] Purged log file "a\.log\.\d{4}(\.\d\d){5}\.\d{9}"\n/);
});

test("a message from outside cannot forge a line", async (t) => {
  const folder = await testFolder(t);
  const name = "x\n[1] [INF] forged\x1b[2J";
  const program = new Program(t, OUR_SERVER, [...LOCAL, "-T=false", "-P", `/nowhere/${name}`], folder);
  const { stderr } = await program.ended;
  assert.match(
    stderr,
    /\[FTL\] Could not write pidfile: open \/nowhere\/x\\n\[1\] \[INF\] forged\\x1b\[2J: /,
  );
});
