/** A system account side by side with another one: the same questions, and the answers without what may differ. */
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { connect, headers as makeHeaders, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { unpackS2 } from "../../packages/caddis/src/base/s2-frame.ts";
import { ServerProcess } from "./server-process.ts";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z$/;
const COUNT = /^\d+$/;

/** What differs from run to run or from server to server, and how it looks all the same. */
const VOLATILE: Readonly<Record<string, RegExp>> = {
  now: TIME,
  time: TIME,
  timestamp: TIME,
  start: TIME,
  stop: TIME,
  last_activity: TIME,
  update_time: TIME,
  created: TIME,
  first_ts: TIME,
  last_ts: TIME,
  ts: TIME,
  store_dir: /\/jetstream$/,
  config_load_time: TIME,
  uptime: /^(\d+m)?\d+s$/,
  idle: /^(\d+m)?\d+s$/,
  rtt: /^\d+(\.\d+)?(ns|µs|ms|s)$/,
  port: /^\d{3,5}$/,
  seq: /^[1-9]\d*$/,
  go: /^(go|node v)\d+\.\d+/,
  mem: /^\d{6,}$/,
  cpu: /^\d+(\.\d)?$/,
  // The reference's own services subscribe in other numbers, and it keeps other answers in its cache.
  num_subscriptions: COUNT,
  num_cache: COUNT,
  num_inserts: COUNT,
  num_removes: COUNT,
  num_matches: COUNT,
  cache_hit_rate: /^(0|1|0\.\d+)$/,
  max_fanout: COUNT,
  avg_fanout: /^\d+(\.\d+)?$/,
};

/** Answers are not of one length on both sides, and so are not the bytes that went out. */
const BYTES_OUT: ReadonlySet<string> = new Set(["out_bytes", "out_client_bytes", "pending_bytes"]);

/** Lists that the reference writes in any order. */
const UNORDERED: ReadonlySet<string> = new Set([
  "accounts",
  "account_statz",
  "account_details",
  "stream_detail",
  "exports",
  "imports",
]);

/** What is asked, with which body, and which packing of the answer. `<id>` stands for the server's id. */
export type Question = readonly [subject: string, body?: string, accept?: string];

/** An answer that has not come after so many round trips does not come any more. */
const FLUSHES_MAX = 1_000;

/** Where answers to the question that ends a turn go. */
const END = "end.of.turn";

/** One server with an operator in its system account, and clients. */
export class SystemSide {
  readonly server: ServerProcess;
  readonly operator: NatsConnection;
  readonly serverId: string;
  /** The number of the connection that asks. */
  asker: number;
  readonly #clients: NatsConnection[] = [];
  readonly #answers: Msg[] = [];
  readonly #ends: AsyncIterator<Msg>;

  private constructor(server: ServerProcess, operator: NatsConnection) {
    this.server = server;
    this.operator = operator;
    this.serverId = operator.info?.server_id ?? "";
    this.asker = operator.info?.client_id ?? 0;
    this.#clients.push(operator);
    operator.subscribe("answers", { callback: (_error, message) => void this.#answers.push(message) });
    this.#ends = operator.subscribe(END)[Symbol.asyncIterator]();
  }

  static async start(command: string, config: string): Promise<SystemSide> {
    const server = await ServerProcess.start({ command, config });
    return new SystemSide(server, await dial(server, "sys"));
  }

  /** Connects as a user whose password is the name. */
  async connect(user: string): Promise<NatsConnection> {
    const client = await dial(this.server, user);
    this.#clients.push(client);
    return client;
  }

  /** The `index`th of the clients, the operator being the first. */
  cid(index: number): number {
    return this.#clients[index]?.info?.client_id ?? 0;
  }

  /**
   * What is answered to one question, for comparison. Answers are over when the one to a later question has come, and
   * there are as many as are `expected`: packing takes its time. In the reference statistics have a queue of their own.
   */
  async ask(question: Question, expected = 0): Promise<unknown[]> {
    const [subject, body = "", accept] = question;
    const to = subject.replace("<id>", this.serverId);
    const last = /STATSZ$|PING$/.test(to) ? "$SYS.REQ.SERVER.PING" : "$SYS.REQ.SERVER.PING.IDZ";
    const options = accept === undefined ? {} : { headers: accepting(accept) };
    this.#answers.length = 0;
    this.operator.publish(to, body, { reply: "answers", ...options });
    this.operator.publish(last, "", { reply: END });
    await this.#ends.next();
    for (let tries = 0; this.#answers.length < expected && tries < FLUSHES_MAX; tries++) {
      await this.operator.flush();
    }
    return this.#answers.map((answer) => this.#shown(answer));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.server.stop();
  }

  #shown(answer: Msg): unknown {
    if (answer.headers?.code === 503) return "no responders";
    const encoding = answer.headers?.get("Content-Encoding") ?? "";
    const text = unpacked(answer.data, encoding);
    const json: unknown = text === "" ? "" : JSON.parse(text);
    return encoding === "" ? this.comparable(json, "") : { encoding, json: this.comparable(json, "") };
  }

  /** A value of JSON without what may differ; `key` is its name. */
  comparable(value: unknown, key: string): unknown {
    if (Array.isArray(value)) {
      const entries = value.map((entry: unknown) => this.comparable(entry, ""));
      if (key.startsWith("subscriptions_list")) return ordered(entries.filter(isClients));
      return UNORDERED.has(key) ? ordered(entries) : entries;
    }
    if (typeof value !== "object" || value === null) return this.#comparableScalar(value, key);
    const members = Object.entries(value as Record<string, unknown>).filter(
      ([name, member]) => name !== "caddis" && !isServersList(name, member),
    );
    const counts = "in_msgs" in value && (value as { cid?: number }).cid === this.asker;
    // So it does for the whole server.
    if (/^received(?:_from_clients)?$/.test(key) && "msgs" in value)
      return { msgs: "<number>", bytes: "<number>" };
    return Object.fromEntries(
      members.map(([name, member]) => [
        name,
        // A request counts before or after it is answered.
        counts && /^(?:in|out)_/.test(name) ? "<number>" : this.comparable(member, qualified(name, value)),
      ]),
    );
  }

  #comparableScalar(value: unknown, key: string): unknown {
    if (value === this.serverId) return "<server id>";
    if (key === "cid") return `<client ${this.#clients.findIndex(({ info }) => info?.client_id === value)}>`;
    if (BYTES_OUT.has(key)) return `<${typeof value}>`;
    const form = VOLATILE[key];
    if (form === undefined) return value;
    assert.match(String(value), form, key);
    return `<${typeof value} ${key}>`;
  }
}

/** Of a whole server or account, where the servers' own subscriptions and answers count too. */
function qualified(name: string, surroundings: object): string {
  const isWhole =
    "routes" in surroundings || "is_system" in surroundings || "active_accounts" in surroundings;
  if (name === "subscriptions" && (isWhole || "complete" in surroundings)) return "num_subscriptions";
  if (name === "bytes" && "msgs" in surroundings) return "out_bytes";
  if (name === "total" && "num_inserts" in surroundings) return "num_subscriptions";
  return isWhole && /^(?:in|out)(?:_client)?_msgs$/.test(name) ? "num_matches" : name;
}

/** What is left of it is nothing on both sides. */
function isServersList(name: string, member: unknown): boolean {
  return name === "subscriptions_list" && Array.isArray(member) && !member.some(isClients);
}

/** The servers' own subscriptions are not compared, nor the one that answers to one question may overtake on its way. */
function isClients(entry: unknown): boolean {
  const text = JSON.stringify(entry);
  return !text.includes('"$SYS.') && !text.includes(END);
}

function ordered(entries: readonly unknown[]): unknown[] {
  const byText = new Map(entries.map((entry) => [JSON.stringify(entry), entry]));
  return [...byText.keys()].sort().map((text) => byText.get(text));
}

function unpacked(data: Uint8Array, encoding: string): string {
  const bytes = encoding === "gzip" ? gunzipSync(data) : encoding === "snappy" ? unpackSnappy(data) : data;
  return Buffer.from(bytes).toString("utf8");
}

/** S2 is Snappy under another name, as far as reading goes. */
function unpackSnappy(data: Uint8Array): Uint8Array {
  assert.equal(Buffer.from(data.subarray(4, 10)).toString("latin1"), "sNaPpY");
  const renamed = Buffer.concat([data.subarray(0, 4), Buffer.from("S2sTwO"), data.subarray(10)]);
  const bytes = unpackS2(renamed, 1 << 20);
  assert.ok(bytes !== null, "a readable stream");
  return bytes;
}

function accepting(encoding: string): ReturnType<typeof makeHeaders> {
  const headers = makeHeaders();
  headers.set("Accept-Encoding", encoding);
  return headers;
}

function dial(server: ServerProcess, user: string): Promise<NatsConnection> {
  return connect({ servers: `127.0.0.1:${server.port}`, user, pass: user, name: user, reconnect: false });
}
