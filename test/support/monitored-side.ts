/** Monitoring of two servers side by side: the same questions, and the answers without what may differ. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { RawClient } from "./raw-client.ts";
import { findReferenceServer, OUR_SERVER, ServerProcess } from "./server-process.ts";

const reference = findReferenceServer();

/** Why comparisons are left out; false: they are not. */
export const skipWithoutReference = reference === null ? "no nats-server on PATH" : false;

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
  update_time: TIME,
  created: TIME,
  first_ts: TIME,
  last_ts: TIME,
  ts: TIME,
  store_dir: /\/jetstream$/,
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

/** Lists that the reference writes in any order. */
const UNORDERED: ReadonlySet<string> = new Set([
  "accounts",
  "account_statz",
  "account_details",
  "stream_detail",
  "exports",
  "imports",
]);

function sortedByText(entries: readonly unknown[]): unknown[] {
  return entries
    .map((entry) => JSON.stringify(entry))
    .sort((a, b) => (a < b ? -1 : 1))
    .map((entry): unknown => JSON.parse(entry));
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | null>>;
  readonly text: string;
}

/** One server with its clients. */
export class MonitoredSide {
  readonly server: ServerProcess;
  /** Whether clients have consecutive numbers: not where the reference makes some of its own in between. */
  hasRunningNumbers = true;
  readonly #monitorUrl: string;
  /** Added to the number of the first client, 1 on ours. */
  #cidOffset = -1;
  readonly #clients: { finish(): Promise<void> }[] = [];

  private constructor(server: ServerProcess) {
    this.server = server;
    const port = /Starting http monitor on .*:(\d+)/.exec(server.log)?.[1];
    this.#monitorUrl = `http://127.0.0.1:${port}`;
  }

  static async start(command: string, config: string): Promise<MonitoredSide> {
    return new MonitoredSide(await ServerProcess.start({ command, args: ["-m", "-1"], config }));
  }

  /** Connects, says `text` and waits until the server has worked it off; null text says nothing. */
  async connect(text: string | ((nonce: string) => string) | null): Promise<RawClient> {
    const client = await RawClient.connect(this.server.port);
    this.#clients.push(client);
    const info = (await client.nextLine()) ?? "";
    this.#noteFirst(info);
    if (text !== null) {
      const nonce = /"nonce":"([^"]*)"/.exec(info)?.[1] ?? "";
      client.send(typeof text === "string" ? text : text(nonce));
      await client.barrier();
    }
    return client;
  }

  /** As `connect`, by way of TLS: after the server's greeting, or before it with `isFirst`. */
  async connectTls(options: ConnectionOptions, isFirst: boolean, text: string): Promise<void> {
    const socket = connect(this.server.port, "127.0.0.1");
    socket.on("error", () => undefined);
    if (!isFirst) this.#noteFirst(String(await once(socket, "data")));
    const secured = connectTls({ ...options, socket });
    this.#clients.push({
      finish: () => {
        secured.destroy();
        return Promise.resolve();
      },
    });
    secured.on("error", () => undefined);
    let received = "";
    await new Promise<void>((resolve) => {
      secured.once("close", resolve);
      secured.once("secureConnect", () => secured.write(`${text}PING\r\n`, "latin1"));
      secured.on("data", (chunk: Buffer) => {
        received += chunk.toString("latin1");
        if (received.includes("PONG\r\n")) resolve();
      });
    });
    if (isFirst) this.#noteFirst(received);
  }

  /** The reference has numbered clients of its own before. */
  #noteFirst(info: string): void {
    if (this.#clients.length <= 1 && this.#cidOffset < 0) {
      this.#cidOffset = Number(/"client_id":(\d+)/.exec(info)?.[1]) - 1;
    }
  }

  async ask(target: string, method = "GET"): Promise<Answer> {
    const cid = /(?<=\bcid=)\d+/.exec(target)?.[0];
    const theirs =
      cid === undefined ? target : target.replace(`cid=${cid}`, `cid=${Number(cid) + this.#cidOffset}`);
    const response = await fetch(this.#monitorUrl + theirs, { redirect: "manual", method });
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
      if (UNORDERED.has(key)) return sortedByText(entries);
      return key.startsWith("subscriptions_list") ? this.#ownSubscriptions(entries) : entries;
    }
    if (typeof value !== "object" || value === null) return this.#comparableScalar(value, key);
    const fields = value as Record<string, unknown>;
    // Where the servers' own subscriptions count too.
    const isServer = "routes" in fields || "is_system" in fields;
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
    if (key === "cid") return this.hasRunningNumbers ? Number(value) - this.#cidOffset : "<number cid>";
    const form = VOLATILE[key];
    // Nothing is nothing on both sides: no server, no round trip yet.
    if (form === undefined || value === "" || (key === "rtt" && value === "0s")) return value;
    assert.match(String(value), form, key);
    return `<${typeof value} ${key}>`;
  }

  /** Those of clients, in one order: the reference has its own among them, and lists them in any order. */
  #ownSubscriptions(entries: unknown[]): unknown[] {
    return sortedByText(entries.filter((entry) => !JSON.stringify(entry).includes('"$SYS.')));
  }
}

/** Asks both and compares. */
export async function compareAnswers(
  sides: readonly MonitoredSide[],
  targets: readonly string[],
): Promise<void> {
  for (const target of targets) {
    const [ours, theirs] = await Promise.all(sides.map((side) => side.askForComparison(target)));
    assert.deepEqual(ours, theirs, target);
  }
}

export async function onBoth(
  config: string,
  act: (sides: readonly MonitoredSide[]) => Promise<void>,
): Promise<void> {
  const starts = await Promise.allSettled(
    [OUR_SERVER, reference ?? ""].map((command) => MonitoredSide.start(command, config)),
  );
  const sides = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
  try {
    for (const start of starts) if (start.status === "rejected") throw start.reason;
    await act(sides);
  } finally {
    await Promise.all(sides.map((side) => side.stop()));
  }
}
