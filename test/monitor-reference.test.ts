/**
 * Monitoring side by side with the reference server: the same clients do the same, the same questions are
 * asked, and the answers are the same: keys and their order, kinds of values, and every value that is not
 * a matter of time, machine or runtime.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  compareAnswers,
  type MonitoredSide,
  onBoth,
  skipWithoutReference,
} from "./support/monitored-side.ts";

const skip = skipWithoutReference;

/** The deeds, so that every count differs from connection to connection. */
async function play(side: MonitoredSide): Promise<void> {
  const connect = (fields: string): string => `CONNECT {"verbose":false,"protocol":1${fields}}\r\n`;
  await side.connect(
    connect(',"name":"al<ce> & \xc3\xa9\xff","lang":"ts","version":"1.2","user":"u","pass":"p"') +
      "SUB foo.* 1\r\nSUB bar q 2\r\nUNSUB 2 5\r\nSUB caf\xc3\xa9.\xff 3\r\n",
  );
  // Before anybody listens to everything: the reference publishes an event about it.
  const bad = await side.connect(connect(',"user":"eve","pass":"wrong"'));
  await bad.finish();
  await side.connect(
    `${connect(',"user":"u","pass":"p"')}SUB > 9\r\nPUB foo.bar 3\r\nabc\r\nPUB bar 1\r\nx\r\n`,
  );
  await side.connect(`${connect(',"user":"u","pass":"p","lang":"go"')}PUB foo.x 10\r\n0123456789\r\n`);
  const gone = await side.connect(
    `${connect(',"user":"u","pass":"p"')}SUB d 1\r\nSUB d.* q 2\r\nPUB nobody 5\r\n12345\r\n`,
  );
  await gone.finish();
  const wild = await side.connect(`${connect(',"user":"u","pass":"p","name":"wild"')}NONSENSE\r\n`);
  await wild.finish();
  await side.connect(null);
  await side.askUntil("/connz?state=closed", (text) => text.includes('"num_connections": 3'));
}

const CONFIG = `
server_name: n1
server_tags: ["b:1", "A"]
server_metadata: {z: "1", a: "<x>"}
max_subscriptions: 90
max_closed_clients: 100
ping_interval: "50s"
ping_max: 3
write_deadline: "2s"
write_timeout: close
max_control_line: 2048
max_payload: 1000
max_pending: 5000
authorization { user: u, password: p, timeout: 20.5 }
`;

const CONNZ = [
  "",
  "?subs=1",
  "?subs=detail&limit=1",
  "?subs=Detail&state=all&auth=1",
  "?auth=true",
  "?auth=1&state=closed",
  "?subs=1&state=closed&auth=1",
  ...["cid", "start", "subs", "msgs_to", "msgs_from", "bytes_to", "bytes_from", "uptime"].map(
    (sort) => `?sort=${sort}&limit=2`,
  ),
  ...["cid", "start", "reason"].map((sort) => `?sort=${sort}&state=closed`),
  "?sort=bytes_from&state=all&limit=3",
  "?offset=1&limit=2",
  "?offset=50",
  "?offset=-1&limit=-1",
  "?cid=1",
  "?cid=5",
  "?cid=5&state=closed",
  "?cid=5&state=all",
  "?cid=3&state=ANY",
  "?cid=3&offset=1",
  "?cid=3&user=nobody",
  "?cid=999999",
  "?user=u",
  "?user=nobody&state=all",
  "?user=eve&state=closed&auth=1",
  "?acc=$G",
  "?acc=$SYS",
  "?acc=$SYS&state=all",
  "?acc=nobody",
  "?mqtt_client=m",
  "?filter_subject=%3E&acc=$G",
  "?filter_subject=nope&acc=$G",
  "?filter_subject=nope",
  "?limit=%zz&offset=1",
  "?limit=1;offset=3",
  "?limit=&auth=",
  "?limit=1&limit=2",
  "?callback=f&limit=1",
  "?nonsense=1&limit=1",
].map((query) => `/connz${query}`);

const CONNZ_ERRORS = [
  ...["foo", "stop", "reason", "stop&state=all", "reason&state=open", "CID"].map((sort) => `?sort=${sort}`),
  ...["x", "1.5", "+1", "0x1", "1_0", "99999999999999999999", "-", "%22"].map((limit) => `?limit=${limit}`),
  "?offset=x",
  "?cid=-1",
  "?cid=x",
  "?cid=99999999999999999999",
  "?auth=maybe",
  "?subs=2",
  "?state=foo",
  "?auth=x&limit=y",
  "?limit=y&state=x",
  "?sort=foo&state=bar",
].map((query) => `/connz${query}`);

const SUBSZ = [
  "?acc=$G",
  "?subs=1&acc=$G",
  "?subs=1&test=foo.bar",
  "?subs=1&test=bar&acc=$G",
  "?subs=1&test=no.such&acc=$SYS",
  "?test=foo.bar",
  "?subs=0&acc=nobody&limit=7",
  "?subs=1&acc=nobody",
  "?subs=1&acc=$G&offset=50",
  "?limit=-1&offset=-1",
  "?subs=x",
  "?subs=detail",
  "?limit=x",
  "?offset=y",
  "?test=foo.*",
  "?test=%3E",
  "?test=a..b",
  "?subs=1&test=%3E&acc=nobody",
].flatMap((query) => [`/subsz${query}`, `/subscriptionsz${query}`]);

const HEALTHZ = [
  "",
  ...["js-enabled", "js-enabled-only", "js-server-only", "js-meta-only", "details"].flatMap((name) => [
    `?${name}=true`,
    `?${name}=x`,
  ]),
  "?account=A",
  "?stream=S",
  "?consumer=C",
  "?stream=S&details=1",
  "?consumer=C&details=1",
  "?account=A&consumer=C",
  "?account=A&stream=S&consumer=C&details=1",
  "?js-server-only=1&js-enabled-only=1&details=1",
].map((query) => `/healthz${query}`);

/** Parts that are not configured. */
const PARTS = [
  ...["", "?subs=1", "?subs=detail", "?subs=x"].flatMap((query) => [
    `/routez${query}`,
    `/leafz${query}`,
    `/gatewayz${query}`,
  ]),
  "/leafz?acc=nobody",
  ...["?accs=1", "?accs=x", "?gw_name=g", "?acc_name=a&accs=0", "?subs=x&accs=y"].map(
    (query) => `/gatewayz${query}`,
  ),
  ...["", "?acc=nobody", "?limit=5&offset=7", "?offset=-1&limit=-1", "?leader-only=1", "?leader-only=x"].map(
    (query) => `/jsz${query}`,
  ),
  ...["accounts", "streams", "consumers", "direct-consumers", "config", "raft", "stream-leader-only"].flatMap(
    (name) => [`/jsz?${name}=1`, `/jsz?${name}=x`],
  ),
  "/jsz?limit=x",
  "/jsz?offset=x&accounts=y",
  "/raftz",
  "/raftz?acc=a&group=g",
  "/ipqueuesz",
  "/ipqueuesz?queues=nothing_like_it&all=1",
  "/ipqueuesz?all=x",
];

const ELSEWHERE = ["/nothing", "/varz/", "/VARZ", "/healthz/x", "/%76arz?x=1"];
const MOVED = ["//healthz", "/a/../healthz", "/./healthz?details=1"];

test("answers are those of the reference", { skip }, async () => {
  await onBoth(CONFIG, async (sides) => {
    await Promise.all(sides.map(play));
    await compareAnswers(sides, [
      "/varz",
      ...CONNZ,
      "/varz",
      ...SUBSZ.filter((target) => target.includes("acc=$G")),
      "/varz",
    ]);
    await compareAnswers(sides, [...SUBSZ, ...HEALTHZ, ...PARTS, ...ELSEWHERE, ...CONNZ_ERRORS]);
    // Requests are counted, those that could not be read among them, or not.
    await compareAnswers(sides, ["/accstatz?unused=x", "/accountz?acc=nobody", "/debug/vars/", "/varz"]);
    // How a redirect is worded is nobody's business.
    for (const target of MOVED) {
      const [ours, theirs] = await Promise.all(sides.map((side) => side.ask(target)));
      assert.equal(ours.status, theirs.status, target);
    }
  });
});

/** The names of a JSON object's fields, and what kind of thing each is. */
function kinds(json: unknown): unknown {
  if (typeof json !== "object" || json === null) return typeof json;
  if (Array.isArray(json)) return "list";
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, kinds(value)]));
}

test("what the runtime tells has the same form", { skip }, async () => {
  await onBoth("server_name: n1\n", async (sides) => {
    const variables = await Promise.all(sides.map((side) => side.ask("/debug/vars")));
    assert.deepEqual(variables[0].headers, variables[1].headers);
    const [ours, theirs] = variables.map(({ text }) => kinds(JSON.parse(text)));
    assert.deepEqual(ours, theirs);
    for (const { text } of variables)
      assert.match(text, /^\{\n"cmdline": \[.*\],\n"memstats": \{.*\}\n\}\n$/);
    const stacks = await Promise.all(sides.map((side) => side.ask("/stacksz")));
    assert.deepEqual(stacks[0].headers, stacks[1].headers);
    for (const { status, text } of stacks) {
      assert.equal(status, 200);
      assert.match(text, /^\w+ \d+ \[running\]:\n/);
    }
  });
});

test("methods make no difference", { skip }, async () => {
  await onBoth("server_name: n1\n", async (sides) => {
    for (const method of ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
      for (const target of ["/varz", "/healthz", "/jsz", "/raftz", "/connz?limit=x", "/nothing"]) {
        const [ours, theirs] = await Promise.all(sides.map((side) => side.ask(target, method)));
        assert.deepEqual([ours.status, ours.headers], [theirs.status, theirs.headers], `${method} ${target}`);
        assert.equal(ours.text === "", theirs.text === "", `${method} ${target}`);
      }
    }
  });
});

test("a server with nothing configured describes itself as the reference does", { skip }, async () => {
  await onBoth("server_name: n1\n", async (sides) => {
    await compareAnswers(sides, ["/varz", "/connz", "/connz?state=closed", "/healthz"]);
    const token = 'CONNECT {"verbose":false,"auth_token":"t"}\r\n';
    await Promise.all(sides.map((side) => side.connect(token)));
    await Promise.all(sides.map((side) => side.connect('CONNECT {"verbose":false,"user":"bob"}\r\n')));
    await compareAnswers(sides, ["/connz?auth=1", "/connz?user=bob", "/connz?user=[REDACTED]"]);
  });
});

test("a base path moves everything", { skip }, async () => {
  await onBoth('server_name: n1\nhttp_base_path: "nats/"\n', async (sides) => {
    await compareAnswers(sides, [
      "/nats/varz",
      "/nats/healthz",
      "/healthz",
      "/nats/",
      "/natsvarz",
      "/nats/varz/",
    ]);
    for (const target of ["/nats", "/"]) {
      const [ours, theirs] = await Promise.all(sides.map((side) => side.ask(target)));
      assert.deepEqual([ours.status, ours.headers], [theirs.status, theirs.headers], target);
    }
  });
});

test("without a system account", { skip }, async () => {
  await onBoth("server_name: n1\nno_system_account: true\n", async (sides) => {
    await compareAnswers(sides, ["/varz", "/connz?acc=$SYS", "/subsz?acc=$SYS"]);
  });
});

test("in lame duck mode a server is not healthy", { skip }, async () => {
  await onBoth("lame_duck_duration: 30s\nlame_duck_grace_period: 20s\n", async (sides) => {
    await Promise.all(
      sides.map(async (side) => {
        await side.connect('CONNECT {"verbose":false}\r\n');
        side.server.signal("SIGUSR2");
        await side.askUntil("/healthz", (text) => text.includes("error"));
      }),
    );
    await compareAnswers(sides, [
      "/healthz",
      "/healthz?details=1",
      "/healthz?js-server-only=1",
      "/healthz?stream=S",
      "/connz",
    ]);
    for (const { server } of sides) await server.stop("SIGKILL");
  });
});
