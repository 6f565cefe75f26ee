/**
 * Monitoring side by side with the reference server: the same clients do the same, the same questions are
 * asked, and the answers are the same: keys and their order, kinds of values, and every value that is not
 * a matter of time, machine or runtime.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RawClient } from "./support/raw-client.ts";
import { findReferenceServer, OUR_SERVER, ServerProcess } from "./support/server-process.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z$/;
const UPTIME = /^(\d+y)?(\d+d)?(\d+h)?(\d+m)?\d+s$/;
const ROUND_TRIP = /^\d+(\.\d+)?(ns|µs|ms|s)$/;

/** What differs from run to run, and how it looks all the same. */
const VOLATILE: Readonly<Record<string, RegExp>> = {
  server_id: /^N[A-Z2-7]{55}$/,
  now: TIME,
  start: TIME,
  last_activity: TIME,
  stop: TIME,
  config_load_time: TIME,
  uptime: UPTIME,
  idle: UPTIME,
  rtt: ROUND_TRIP,
  port: /^\d{3,5}$/,
  // What was said last may or may not have left yet.
  pending_bytes: /^\d{1,3}$/,
  go: /^(go|node v)\d+\.\d+/,
  mem: /^\d{6,}$/,
  cpu: /^\d+(\.\d)?$/,
  cores: /^\d+$/,
  gomaxprocs: /^\d+$/,
  // The reference's own services subscribe too, and it keeps other answers in its cache.
  subscriptions_of_server: /^\d+$/,
  num_subscriptions: /^\d+$/,
  num_cache: /^\d+$/,
  num_inserts: /^\d+$/,
  num_removes: /^\d+$/,
  num_matches: /^\d+$/,
  cache_hit_rate: /^(0|1|0\.\d+)$/,
  max_fanout: /^\d+$/,
  avg_fanout: /^\d+(\.\d+)?$/,
};

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | null>>;
  readonly text: string;
}

/** One server with its clients. */
class Side {
  readonly server: ServerProcess;
  readonly #monitorUrl: string;
  /** Added to the number of the first client, 1 on ours. */
  #cidOffset = 0;
  readonly #clients: RawClient[] = [];

  private constructor(server: ServerProcess) {
    this.server = server;
    const port = /Starting http monitor on .*:(\d+)/.exec(server.log)?.[1];
    this.#monitorUrl = `http://127.0.0.1:${port}`;
  }

  static async start(command: string, config: string): Promise<Side> {
    return new Side(await ServerProcess.start({ command, args: ["-m", "-1"], config }));
  }

  /** Connects, says `text` and waits until the server has worked it off; null text says nothing. */
  async connect(text: string | null): Promise<RawClient> {
    const client = await RawClient.connect(this.server.port);
    this.#clients.push(client);
    const info = (await client.nextLine()) ?? "";
    const cid = Number(/"client_id":(\d+)/.exec(info)?.[1]);
    if (this.#clients.length === 1) this.#cidOffset = cid - 1;
    if (text !== null) {
      client.send(text);
      await client.barrier();
    }
    return client;
  }

  async ask(target: string): Promise<Answer> {
    const cid = /(?<=\bcid=)\d+/.exec(target)?.[0];
    const theirs =
      cid === undefined ? target : target.replace(`cid=${cid}`, `cid=${Number(cid) + this.#cidOffset}`);
    const response = await fetch(this.#monitorUrl + theirs, { redirect: "manual" });
    const names = ["access-control-allow-origin", "content-type", "x-content-type-options"];
    return {
      status: response.status,
      headers: Object.fromEntries(names.map((name) => [name, response.headers.get(name)])),
      text: await response.text(),
    };
  }

  /** Asks until the answer says what the last client's deeds lead to. */
  async askUntil(target: string, fits: (text: string) => boolean): Promise<void> {
    for (let tries = 0; tries < 200; tries++) if (fits((await this.ask(target)).text)) return;
    assert.fail(`${target} does not come to say what it should`);
  }

  /** The answer without what may differ; JSON as a text, which shows the order of keys too. */
  async askForComparison(target: string): Promise<Answer> {
    const answer = await this.ask(target);
    if (answer.headers["content-type"] !== "application/json" || !answer.text.includes("\n")) return answer;
    return { ...answer, text: JSON.stringify(this.#comparable(JSON.parse(answer.text), ""), null, 1) };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.finish()));
    await this.server.stop();
  }

  #comparable(value: unknown, key: string): unknown {
    if (Array.isArray(value)) {
      const entries = value.map((entry: unknown) => this.#comparable(entry, ""));
      return key.startsWith("subscriptions_list") ? this.#ownSubscriptions(entries) : entries;
    }
    if (typeof value !== "object" || value === null) return this.#comparableScalar(value, key);
    const fields = value as Record<string, unknown>;
    const isServer = "routes" in fields;
    const entries = Object.entries(fields)
      .filter(([name]) => name !== "caddis")
      .map(([name, field]) => [
        name,
        this.#comparable(field, isServer && name === "subscriptions" ? "subscriptions_of_server" : name),
      ]);
    const comparable = Object.fromEntries(entries) as Record<string, unknown>;
    // The reference counts its own subscriptions among the listed ones.
    if ("num_inserts" in comparable && comparable["total"] !== 0) comparable["total"] = "n";
    return comparable;
  }

  #comparableScalar(value: unknown, key: string): unknown {
    if (key === "cid") return Number(value) - this.#cidOffset;
    const form = VOLATILE[key];
    // Nothing is nothing on both sides: no server, no round trip yet.
    if (form === undefined || value === "" || (key === "rtt" && value === "0s")) return value;
    assert.match(String(value), form, key);
    return `<${typeof value} ${key}>`;
  }

  /** Those of clients, in one order: the reference has its own among them, and lists them in any order. */
  #ownSubscriptions(entries: unknown[]): unknown[] {
    return entries
      .map((entry) => JSON.stringify(entry))
      .filter((entry) => !entry.includes('"$SYS.'))
      .sort((a, b) => (a < b ? -1 : 1))
      .map((entry): unknown => JSON.parse(entry));
  }
}

/** The deeds, so that every count differs from connection to connection. */
async function play(side: Side): Promise<void> {
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

/** Asks both and compares. */
async function compare(sides: readonly Side[], targets: readonly string[]): Promise<void> {
  for (const target of targets) {
    const [ours, theirs] = await Promise.all(sides.map((side) => side.askForComparison(target)));
    assert.deepEqual(ours, theirs, target);
  }
}

async function onBoth(config: string, act: (sides: readonly Side[]) => Promise<void>): Promise<void> {
  const starts = await Promise.allSettled(
    [OUR_SERVER, reference ?? ""].map((command) => Side.start(command, config)),
  );
  const sides = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
  try {
    for (const start of starts) if (start.status === "rejected") throw start.reason;
    await act(sides);
  } finally {
    await Promise.all(sides.map((side) => side.stop()));
  }
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

const ELSEWHERE = ["/nothing", "/varz/", "/VARZ", "/healthz/x", "/%76arz?x=1"];
const MOVED = ["//healthz", "/a/../healthz", "/./healthz?details=1"];

test("answers are those of the reference", { skip }, async () => {
  await onBoth(CONFIG, async (sides) => {
    await Promise.all(sides.map(play));
    await compare(sides, [
      "/varz",
      ...CONNZ,
      "/varz",
      ...SUBSZ.filter((target) => target.includes("acc=$G")),
      "/varz",
    ]);
    await compare(sides, [...SUBSZ, ...HEALTHZ, ...ELSEWHERE]);
    // We count what could not be read, the reference does not: nothing that shows counts comes after these.
    await compare(sides, CONNZ_ERRORS);
    // How a redirect is worded is nobody's business.
    for (const target of MOVED) {
      const [ours, theirs] = await Promise.all(sides.map((side) => side.ask(target)));
      assert.equal(ours.status, theirs.status, target);
    }
  });
});

test("a server with nothing configured describes itself as the reference does", { skip }, async () => {
  await onBoth("server_name: n1\n", async (sides) => {
    await compare(sides, ["/varz", "/connz", "/connz?state=closed", "/healthz"]);
    const token = 'CONNECT {"verbose":false,"auth_token":"t"}\r\n';
    await Promise.all(sides.map((side) => side.connect(token)));
    await Promise.all(sides.map((side) => side.connect('CONNECT {"verbose":false,"user":"bob"}\r\n')));
    await compare(sides, ["/connz?auth=1", "/connz?user=bob", "/connz?user=[REDACTED]"]);
  });
});

test("a base path moves everything", { skip }, async () => {
  await onBoth('server_name: n1\nhttp_base_path: "nats/"\n', async (sides) => {
    await compare(sides, ["/nats/varz", "/nats/healthz", "/healthz", "/nats/", "/natsvarz", "/nats/varz/"]);
    for (const target of ["/nats", "/"]) {
      const [ours, theirs] = await Promise.all(sides.map((side) => side.ask(target)));
      assert.deepEqual([ours.status, ours.headers], [theirs.status, theirs.headers], target);
    }
  });
});

test("without a system account", { skip }, async () => {
  await onBoth("server_name: n1\nno_system_account: true\n", async (sides) => {
    await compare(sides, ["/varz", "/connz?acc=$SYS", "/subsz?acc=$SYS"]);
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
    await compare(sides, [
      "/healthz",
      "/healthz?details=1",
      "/healthz?js-server-only=1",
      "/healthz?stream=S",
      "/connz",
    ]);
    for (const { server } of sides) await server.stop("SIGKILL");
  });
});
