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

test("a stream that can open no file takes nothing for now, says why, and goes on", { skip }, async (t) => {
  const files = 64;
  const folder = await testFolder(t);
  const [command, args] = limited(files, `-a 127.0.0.1 -p -1 -js -sd ${folder}`);
  const program = new Program(t, command, args, folder);
  await program.until(/Server is ready/);
  const port = Number(/client connections on 127\.0\.0\.1:(\d+)/.exec(program.stderr)?.[1]);
  const client = await RawClient.connect(port);
  t.after(() => client.drop());
  client.send('CONNECT {"verbose":false}\r\nSUB answers.* 1\r\n');
  const ask = async (subject: string, stream: number, payload: string): Promise<void> => {
    client.send(`PUB ${subject} answers.${stream} ${payload.length}\r\n${payload}\r\n`);
    assert.ok(await client.barrier());
  };
  /** The streams that have given an answer like `pattern`. */
  const answered = (pattern: RegExp): number[] =>
    client.lines.flatMap((line, index) => {
      const stream = /^MSG answers\.(\d+) /.exec(line)?.[1];
      return stream !== undefined && pattern.test(client.lines[index + 1] ?? "") ? [Number(stream)] : [];
    });
  for (let i = 0; i < files; i++) {
    await ask(`$JS.API.STREAM.CREATE.S${i}`, i, `{"name":"S${i}","subjects":["s.${i}"]}`);
  }
  assert.ok(await client.waitUntil(() => answered(/"did_create":true/).length === files));
  // Each stream that is written to has a file open. What is published before it is known that none can be opened waits.
  const refused = /"code":503,"err_code":10077,.*too many open files/;
  for (let i = 0; answered(refused).length === 0; i = (i + 1) % files) await ask(`s.${i}`, i, "x");
  const [stream] = answered(refused);
  assert.ok(!answered(/"seq":1[,}]/).includes(stream), "it has acknowledged nothing");
  for (let i = 0; i < files; i++) if (i !== stream) await ask(`$JS.API.STREAM.DELETE.S${i}`, i, "");
  assert.ok(await client.waitUntil(() => answered(/"seq":1[,}]/).includes(stream)), "what waited is stored");
  program.signal("SIGTERM");
  assert.equal((await program.ended).code, 0);
});

test("with too few for Node itself the launcher says what is needed", { skip }, async (t) => {
  const [command, args] = limited(20, "-v");
  const { code, stdout, stderr } = await new Program(t, command, args, await testFolder(t)).ended;
  assert.deepEqual([code, stdout], [1, ""]);
  assert.equal(stderr, "caddis needs at least 32 open files; `ulimit -Hn` allows 20\n");
});
