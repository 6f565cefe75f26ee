/** An account whose limits come by tiers, in its JWT, side by side with the reference server: what it is told, and refused. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Requester } from "./support/jetstream-requester.ts";
import { NO_ACCOUNT_LIMITS_JWT, OperatorWorld } from "./support/operator-world.ts";
import { findReferenceServer, OUR_SERVER, ServerProcess } from "./support/server-process.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;

/** What claims say of a tier, or of an account without tiers. */
interface Limits {
  readonly mem_storage: number;
  readonly disk_storage: number;
  readonly streams: number;
  readonly consumer: number;
  readonly max_ack_pending?: number;
  readonly mem_max_stream_bytes?: number;
  readonly disk_max_stream_bytes?: number;
  readonly max_bytes_required?: boolean;
}

const SOME: Limits = {
  mem_storage: 10_000,
  disk_storage: 20_000,
  streams: 3,
  consumer: 2,
  max_ack_pending: 50,
  mem_max_stream_bytes: 6_000,
  disk_max_stream_bytes: 12_000,
};
const ALL: Limits = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };

const CLAIMS = new Map<string, object>([
  ["one tier", { tiered_limits: { R1: SOME } }],
  ["one tier that asks for max_bytes", { tiered_limits: { R1: { ...SOME, max_bytes_required: true } } }],
  ["one tier without limits", { tiered_limits: { R1: ALL } }],
  ["two tiers", { tiered_limits: { R1: SOME, R3: ALL } }],
  ["only a tier of replicas", { tiered_limits: { R3: SOME } }],
  ["no tiers", SOME],
]);

/** A message to a stream of one letter, or a request to the API, and its body. */
type Step = readonly [subject: string, body: string | object];

const MESSAGE = "x".repeat(4_000);

const stream = (name: string, config: object = {}): Step => [
  `STREAM.CREATE.${name}`,
  { name, subjects: [name], ...config },
];
const update = (name: string, config: object): Step => [
  `STREAM.UPDATE.${name}`,
  { name, subjects: [name], ...config },
];
const consumer = (on: string, name: string, config: object = {}): Step => [
  `CONSUMER.CREATE.${on}.${name}`,
  { stream_name: on, config: { durable_name: name, ack_policy: "explicit", ...config } },
];
const messages = (name: string, count: number): Step[] =>
  Array.from({ length: count }, () => [name, MESSAGE] as const);

const STEPS: readonly Step[] = [
  ["INFO", ""],
  stream("A"),
  ["INFO", ""],
  stream("A", { max_bytes: 13_000 }),
  stream("A", { max_bytes: 11_000 }),
  stream("M", { max_bytes: 7_000, storage: "memory" }),
  stream("M", { max_bytes: 5_000, storage: "memory" }),
  stream("B", { max_bytes: 11_000 }),
  stream("B", { max_bytes: 9_000 }),
  ["INFO", ""],
  stream("C", { max_bytes: 10 }),
  stream("D", { max_bytes: 10, num_replicas: 3 }),
  stream("C", { max_bytes: 10, max_consumers: 5 }),
  consumer("A", "C1"),
  consumer("A", "C2", { max_ack_pending: 100 }),
  consumer("A", "C2", { max_ack_pending: 40 }),
  consumer("A", "C3"),
  ["INFO", ""],
  ...messages("A", 3),
  ...messages("M", 2),
  ...messages("B", 3),
  ["INFO", ""],
  update("A", { max_bytes: 12_000 }),
  update("A", { max_bytes: 10_000 }),
  update("A", { max_bytes: 10_000, num_replicas: 3 }),
  update("A", { max_bytes: 10_000, max_consumers: 4 }),
  ["STREAM.DELETE.A", ""],
  ["STREAM.DELETE.M", ""],
  stream("E", { discard: "new" }),
  ...messages("E", 4),
  ["INFO", ""],
  ["STREAM.RESTORE.Z", { config: { name: "Z", subjects: ["Z"], max_bytes: 15_000 }, state: {} }],
  ["INFO", ""],
];

/** What differs from one run to the next. */
const VOLATILE = /"(?:created|ts|first_ts|last_ts|_nats\.ver)":"(?!0001)[^"]*"|RESTORE\.Z\.\w+/g;

/** The server's answers. */
async function play(command: string, world: OperatorWorld, config: string): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "caddis-tiers-"));
  const jetstream = `jetstream { store_dir: ${JSON.stringify(folder)}, max_mem: 64MB, max_file: 64MB }`;
  const server = await ServerProcess.start({ command, config: `server_name: T, ${config}\n${jetstream}` });
  try {
    const jwt = await world.userJwt({ bearer_token: true });
    const requester = await Requester.connect(server.port, { jwt });
    const lines: string[] = [];
    for (const [subject, body] of STEPS) {
      const text = typeof body === "string" ? body : JSON.stringify(body);
      const target = subject.length === 1 ? subject : `$JS.API.${subject}`;
      const answer = await requester.request(target, text);
      lines.push(
        `${subject} ${text.slice(0, 100)} -> ${answer.headers}${answer.body.replace(VOLATILE, "V")}`,
      );
    }
    requester.close();
    return lines;
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

for (const [about, claims] of CLAIMS) {
  test(`as by the reference: ${about}`, { skip }, async () => {
    const world = new OperatorWorld();
    const limits: Partial<typeof NO_ACCOUNT_LIMITS_JWT> = { ...NO_ACCOUNT_LIMITS_JWT, ...claims };
    const config = await world.config({ limits });
    const [expected, actual] = await Promise.all([
      play(reference ?? "", world, config),
      play(OUR_SERVER, world, config),
    ]);
    for (const [index, line] of expected.entries()) assert.equal(actual[index], line, `line ${index}`);
    assert.ok(expected.some((line) => line.includes('"error"')));
  });
}
