/**
 * The API as an account sees it, side by side with the reference server: what an account without JetStream is told, in
 * which order a request is looked at, what account and server allow, and what is counted and told in advisories.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Requester } from "./support/jetstream-requester.ts";
import { findReferenceServer, OUR_SERVER, ServerProcess } from "./support/server-process.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;

const SECOND = 1e9;

/** How often a server is asked for something before the events that come of it are given up. */
const LAST_TRIES = 1_000;

/** A message whose subject begins with `=`, or a request to the API; its body, and header fields. */
type Step = readonly [subject: string, body?: string | object, fields?: string];

/** What differs from one run to the next. */
const VOLATILE =
  /"(?:created|ts|first_ts|last_ts|time|timestamp|last_active|id|_nats\.ver)":"(?!0001)[^"]*"|"(?:pause_remaining|rtt)":\d+|Nats-Stream-Identity: \w+/g;
/** Of the client, in advisories: told well enough by the answers of the API. */
const IN_EVENTS = /"(?:start|id|host|cid|server)":(?:"[^"]*"|\d+)|"response":"(?:[^"\\]|\\.)*"/g;

/** The answers of a server, and the events that came meanwhile, in no particular order. */
async function play(command: string, scene: Scene): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "caddis-account-"));
  const limits = scene.server ?? "";
  const jetstream = `jetstream { store_dir: ${JSON.stringify(folder)}, max_mem: 64MB, max_file: 64MB ${limits} }`;
  const accounts = `accounts {
    A { users: [{user: a, password: p}], jetstream: ${scene.account} }
    SYS { users: [{user: s, password: p}] }
  }
  system_account: SYS`;
  const server = await ServerProcess.start({ command, config: `server_name: T, ${jetstream}\n${accounts}` });
  try {
    const requester = await Requester.connect(server.port, { user: "a", pass: "p" });
    if (scene.listens === true) requester.subscribe("$JS.EVENT.>");
    const lines: string[] = [];
    for (const [subject, body = "", fields = ""] of scene.steps) {
      const text = typeof body === "string" ? body : JSON.stringify(body);
      const target = subject.startsWith("=") ? subject.slice(1) : `$JS.API.${subject}`;
      const { headers, body: answer } = await requester.request(target, text, fields);
      lines.push(`${subject} ${text.slice(0, 200)} ${fields} -> ${headers}${answer}`.replace(VOLATILE, "V"));
    }
    const shown = (): string[] =>
      requester.messages.map(({ subject, body }) =>
        `${subject} ${body}`.replace(VOLATILE, "V").replace(IN_EVENTS, "V"),
      );
    // Events go their own way; the last answer's is among the last of them.
    for (let left = scene.listens === true ? LAST_TRIES : 0; left > 0; left--) {
      await requester.request("$JS.API.STREAM.INFO.LAST", "");
      if (shown().some((event) => event.includes("LAST"))) break;
    }
    const events = new Set(shown().filter((event) => !event.includes("LAST")));
    requester.close();
    return [...lines, ...[...events].sort()];
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Scene {
  readonly about: string;
  readonly account: string;
  /** More in the server's JetStream block. */
  readonly server?: string;
  readonly listens?: boolean;
  readonly steps: readonly Step[];
}

const LEVEL = "Nats-Required-Api-Level: 9";

const ENDPOINTS = [
  "INFO",
  "STREAM.NAMES",
  "STREAM.LIST",
  "STREAM.CREATE.S",
  "STREAM.UPDATE.S",
  "STREAM.INFO.S",
  "STREAM.DELETE.S",
  "STREAM.PURGE.S",
  "STREAM.MSG.GET.S",
  "STREAM.MSG.DELETE.S",
  "STREAM.SNAPSHOT.S",
  "STREAM.RESTORE.S",
  "CONSUMER.CREATE.S",
  "CONSUMER.CREATE.S.C",
  "CONSUMER.CREATE.S.C.f",
  "CONSUMER.DURABLE.CREATE.S.C",
  "CONSUMER.NAMES.S",
  "CONSUMER.LIST.S",
  "CONSUMER.INFO.S.C",
  "CONSUMER.DELETE.S.C",
  "CONSUMER.PAUSE.S.C",
  "CONSUMER.UNPIN.S.C",
  "STREAM.PEER.REMOVE.S",
  "STREAM.PEER.EVACUATE.S",
  "STREAM.CANCEL_MOVE.S",
  "STREAM.LEADER.STEPDOWN.S",
  "CONSUMER.PEER.REMOVE.S.C",
  "CONSUMER.LEADER.STEPDOWN.S.C",
];

/** Nothing of it comes so far that it changes anything. */
const REFUSED: readonly Step[] = [
  ...ENDPOINTS.flatMap((subject): Step[] => [
    [subject, "{"],
    [subject, "x"],
    [subject, { a: 1 }],
    [subject, "", LEVEL],
    [subject, { name: "S" }, LEVEL],
  ]),
  ["CONSUMER.UNPIN.S.C", { group: "g" }],
  ["CONSUMER.UNPIN.S.C", { group: "a b" }],
  ["CONSUMER.UNPIN.S.C"],
];

function stream(name: string, config: object = {}): Step {
  return [`STREAM.CREATE.${name}`, { name, storage: "memory", ...config }];
}

function update(name: string, config: object): Step {
  return [`STREAM.UPDATE.${name}`, { name, storage: "memory", ...config }];
}

function consumer(on: string, name: string, config: object = {}, more: object = {}): Step {
  const whole = { durable_name: name, ack_policy: "explicit", ...config };
  return [`CONSUMER.CREATE.${on}.${name}`, { stream_name: on, config: whole, ...more }];
}

const SCENES: readonly Scene[] = [
  { about: "an account without JetStream", account: "disabled", steps: REFUSED },
  { about: "an account with JetStream", account: "enabled", steps: REFUSED },
  {
    about: "limits of an account",
    account: `{ max_memory: 10000, max_store: 20000, max_streams: 3, max_consumers: 2, max_bytes_required: true,
      mem_max_stream_bytes: 4000, disk_max_stream_bytes: 8000, max_ack_pending: 50 }`,
    steps: [
      ["INFO"],
      stream("A"),
      stream("A", { max_bytes: 0 }),
      stream("A", { max_bytes: 4_001 }),
      stream("A", { max_bytes: 4_000 }),
      stream("B", { storage: "file", max_bytes: 8_001 }),
      stream("B", { storage: "file", max_bytes: 8_000 }),
      stream("C", { max_bytes: 4_000 }),
      stream("D", { max_bytes: 1_000 }),
      ["STREAM.DELETE.C"],
      stream("E", { max_bytes: 4_000 }),
      update("A", { max_bytes: 5_000 }),
      update("A", { max_bytes: -1 }),
      update("A", { max_bytes: 2_000 }),
      update("A", { max_bytes: 2_000, max_consumers: 3 }),
      update("A", { max_bytes: 2_000, max_consumers: 2 }),
      update("A", { max_bytes: 2_000 }),
      stream("R", { max_bytes: 100, num_replicas: 3 }),
      consumer("A", "a", { max_ack_pending: 51 }),
      consumer("A", "a", { max_ack_pending: -1 }),
      consumer("A", "a"),
      consumer("A", "b"),
      consumer("A", "c"),
      consumer("B", "c"),
      ["INFO"],
    ],
  },
  {
    about: "limits of the server",
    account: "enabled",
    server: ", limits { max_ack_pending: 20, max_request_batch: 5, duplicate_window: 10s }",
    steps: [
      stream("A", { duplicate_window: 11 * SECOND }),
      stream("A", { duplicate_window: 10 * SECOND }),
      stream("B"),
      update("B", { duplicate_window: 20 * SECOND }),
      stream("P", { pedantic: true, duplicate_window: 20 * SECOND }),
      stream("P", { pedantic: true }),
      consumer("A", "a", { max_ack_pending: 21 }),
      consumer("A", "a", { max_batch: 6 }),
      consumer("A", "a"),
      consumer("A", "b", {}, { pedantic: true }),
      consumer("A", "c", { max_batch: 2, max_ack_pending: 5 }, { pedantic: true }),
      stream("F", { storage: "file", max_bytes: 1e12 }),
      stream("F", { storage: "file", max_bytes: 60e6 }),
      stream("G", { storage: "file", max_bytes: 60e6 }),
      ["INFO"],
    ],
  },
  {
    about: "what is counted, and told",
    account: "enabled",
    server: ", domain: d",
    listens: true,
    steps: [
      stream("S", { subjects: ["s.>"] }),
      update("S", { subjects: ["s.>"], max_msgs: 100 }),
      ["=s.a", "1"],
      ["=s.a", "2"],
      consumer("S", "c", { sample_freq: "100" }),
      consumer("S", "c", { sample_freq: "100", description: "x" }),
      ["CONSUMER.PAUSE.S.c", { pause_until: "2090-01-01T00:00:00Z" }],
      consumer("S", "c", { sample_freq: "100", description: "y" }),
      ["CONSUMER.PAUSE.S.c"],
      consumer("S", "p", { pause_until: "2090-01-01T00:00:00Z" }),
      consumer("S", "q", { pause_until: "2020-01-01T00:00:00Z" }),
      ["CONSUMER.DELETE.S.p"],
      ["CONSUMER.CREATE.S.d", { stream_name: "S", config: { direct: true, deliver_subject: "x" } }],
      ["STREAM.MSG.GET.S", { seq: 1 }],
      ["STREAM.MSG.GET.S", { seq: 9 }],
      ["CONSUMER.RESET.S.c", {}],
      ["CONSUMER.RESET.S.c", "{"],
      ["STREAM.PURGE.S", {}],
      ["INFO"],
      ["STREAM.DELETE.S"],
      ["STREAM.DELETE.S"],
      ["STREAM.CREATE.Q", "\u0001<>&"],
      ["=$JS.d.API.INFO"],
    ],
  },
];

for (const scene of SCENES) {
  test(`as by the reference: ${scene.about}`, { skip }, async () => {
    const expected = await play(reference ?? "", scene);
    const actual = await play(OUR_SERVER, scene);
    for (const [index, line] of expected.entries()) assert.equal(actual[index], line, `line ${index}`);
    assert.equal(actual.length, expected.length);
  });
}
