/** What happens when the system allows few open files: clients that came in time are served, and the log says why others are not. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { Program, testFolder } from "./support/program.ts";
import { RawClient } from "./support/raw-client.ts";
import { OUR_SERVER } from "./support/server-process.ts";

const skip = existsSync("/proc/self/limits") ? false : "this system does not tell how many files may be open";

/** Our launcher under a limit of open files. */
function limited(files: number, args: string): [command: string, args: string[]] {
  return ["sh", ["-c", `ulimit -n ${files}; exec "$0" ${args}`, OUR_SERVER]];
}

test("connections beyond the limit are refused and told, others stay", { skip }, async (t) => {
  for (const files of [32, 64]) {
    const [command, args] = limited(files, "-a 127.0.0.1 -p -1 -m -1");
    const program = new Program(t, command, args, await testFolder(t));
    await program.until(/Server is ready/);
    const port = Number(/client connections on 127\.0\.0\.1:(\d+)/.exec(program.stderr)?.[1]);
    const clients: RawClient[] = [];
    t.after(() => clients.forEach((client) => client.drop()));
    const open = async (): Promise<boolean> => {
      const client = await RawClient.connect(port);
      clients.push(client);
      client.send('CONNECT {"verbose":false}\r\n');
      return client.barrier();
    };
    let served = 0;
    while (await open()) served++;
    assert.ok(served > 0, `some are served with ${files} files`);
    for (let i = 0; i < files; i++) assert.equal(await open(), false);
    await program.until(
      /\[ERR\] Client Accept Error\(accept tcp 127\.0\.0\.1:\d+: accept4: too many open files\), connections refused: \d+\n/,
    );
    // The rest of a flood is one line, not one for each.
    const lines = program.stderr.split("\n").filter((line) => line.includes("Accept Error"));
    assert.ok(lines.length < files / 2, `${lines.length} lines`);
    for (const client of clients.slice(0, served)) assert.ok(await client.barrier());
    const http = /http monitor on (127\.0\.0\.1:\d+)/.exec(program.stderr)?.[1];
    const health = await fetch(`http://${http}/healthz`, { headers: { connection: "close" } });
    assert.equal(health.status, 200);
    // A place that becomes free is given away.
    clients[0].drop();
    while (!(await open())) await new Promise(setImmediate);
    program.signal("SIGTERM");
    const { code, stderr } = await program.ended;
    assert.equal(code, 0);
    assert.doesNotMatch(stderr, /\n {4}at /);
  }
});

test("with too few for Node itself the launcher says what is needed", { skip }, async (t) => {
  const [command, args] = limited(20, "-v");
  const { code, stdout, stderr } = await new Program(t, command, args, await testFolder(t)).ended;
  assert.deepEqual([code, stdout], [1, ""]);
  assert.equal(stderr, "caddis needs at least 32 open files; `ulimit -Hn` allows 20\n");
});
