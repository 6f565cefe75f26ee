/** The security advisories of 2026 about nats-server (https://advisories.nats.io) that concern monitoring: see `advisories.test.ts`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AttackedServer, isTurnedAway } from "./support/attacked-server.ts";
import { OUR_SERVER, ServerProcess } from "./support/server-process.ts";

const DEADLINE = { timeout: 20_000 };

test(
  "2026-05 (CVE-2026-33216): monitoring shows no password, token or bearer JWT, whatever field they came in",
  DEADLINE,
  async (t) => {
    const secret = "hunter2hunter2";
    const server = await AttackedServer.start(
      t,
      `http: "127.0.0.1:-1"
     authorization { users: [ { user: ann, password: ${secret} } ] }`,
    );
    const client = await server.enter({
      user: "ann",
      pass: secret,
      auth_token: secret,
      sig: secret,
      jwt: secret,
    });
    client.send("SUB a.b 1\r\n");
    await client.barrier();
    await isTurnedAway(await server.connect({ user: "ann", pass: `${secret}x`, auth_token: secret }));
    for (const path of [
      "/varz",
      "/connz?auth=1&subs=detail&state=all",
      "/subsz?subs=1",
      "/accountz?acc=$G",
      "/healthz",
    ]) {
      const shown = await server.monitor(path);
      assert.ok(shown.length > 2, `${path} answers`);
      assert.ok(!shown.includes(secret), `${path} shows a secret`);
    }
    assert.ok(
      server.log.lines.some((line) => line.includes("CONNECT")),
      "traces are written",
    );
    assert.deepEqual(
      server.log.lines.filter((line) => line.includes(secret)),
      [],
    );
  },
);

test("2026-05: a token is not shown as the user that it stands for", DEADLINE, async (t) => {
  const server = await AttackedServer.start(
    t,
    `http: "127.0.0.1:-1", authorization { token: hunter2hunter2 }`,
  );
  await server.enter({ auth_token: "hunter2hunter2" });
  const shown = await server.monitor("/connz?auth=1");
  assert.match(shown, /"authorized_user": "\[REDACTED\]"/);
  assert.ok(!shown.includes("hunter2hunter2"));
  const open = await AttackedServer.start(t, `http: "127.0.0.1:-1"`);
  await open.enter({ auth_token: "hunter2hunter2" });
  assert.ok(
    !(await open.monitor("/connz?auth=1")).includes("hunter2hunter2"),
    "where nobody asks for it neither",
  );
});

test(
  "2026-14 (CVE-2026-33247): no secret of the command line is to be had from monitoring",
  DEADLINE,
  async (t) => {
    const secret = "hunter2hunter2";
    const args = ["--user", "ann", "--pass", secret, "-m", "-1", "-D", "-V"];
    const server = await ServerProcess.start({ command: OUR_SERVER, args });
    t.after(() => server.stop());
    const monitor = /Starting http monitor on (\S+)/.exec(server.log)?.[1];
    assert.ok(monitor !== undefined, server.log);
    for (const path of ["/debug/vars", "/expvarz", "/varz", "/stacksz", "/debug/pprof/cmdline", "/"]) {
      const shown = await (await fetch(`http://${monitor}${path}`)).text();
      assert.ok(!shown.includes(secret), `${path} shows it`);
    }
    assert.ok(!server.log.includes(secret), "nor does the log say it");
  },
);

/** Numbers at which sums and products of a page's bounds run over. */
const EXTREMES = [
  "9223372036854775807",
  "-9223372036854775808",
  "18446744073709551616",
  "-1",
  "1e308",
  "NaN",
  "2147483647",
];

test("2026-28: pages of connections have bounds, whatever offset and limit say", DEADLINE, async (t) => {
  const server = await AttackedServer.start(t, `http: "127.0.0.1:-1"`);
  const client = await server.enter();
  client.send("SUB answers.* 1\r\n");
  for (const value of EXTREMES) {
    await server.monitor(`/connz?offset=${value}&limit=${value}&cid=${value}&subs=1`);
    await server.monitor(`/subsz?offset=${value}&limit=${value}&subs=1`);
    const body = `{"offset":${value},"limit":${value},"cid":${value},"subscriptions":true}`;
    for (const subject of ["$SYS.REQ.ACCOUNT.PING.CONNZ", "$SYS.REQ.SERVER.PING.CONNZ"]) {
      client.send(`PUB ${subject} answers.x ${body.length}\r\n${body}\r\n`);
    }
    assert.ok(await client.barrier(), value);
  }
  const { connections } = JSON.parse(await server.monitor("/connz")) as { connections: readonly object[] };
  assert.equal(connections.length, 1, "monitoring still answers");
});
