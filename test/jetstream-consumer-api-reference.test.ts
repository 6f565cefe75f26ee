/**
 * The JetStream API for consumers and stored messages against the reference server: the same requests to both, good
 * and bad, one after the other; answers are compared as texts, so with the order of their fields.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { BOUNDED_CASES, BOUNDS, CONSUMER_CASES, DIRECT_CASES } from "./support/jetstream-consumer-cases.ts";
import type { ApiCase } from "./support/jetstream-api-cases.ts";
import { Requester } from "./support/jetstream-requester.ts";
import { RawClient } from "./support/raw-client.ts";
import { findReferenceServer, OUR_SERVER, ServerProcess } from "./support/server-process.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;

/** What differs from one answer to the next. */
const VARYING: readonly (readonly [RegExp, string])[] = [
  [/"(created|ts|first_ts|last_ts|time|last_active)":"(?!0001)[^"]*"/g, '"$1":"T"'],
  [/"pause_remaining":\d+/g, '"pause_remaining":0'],
  [/Nats-Stream-Identity: \w{8}\r\n/g, "Nats-Stream-Identity: I\r\n"],
  [/(stream identity does not match: )\w{8}/g, "$1I"],
  [/"s-\w{8}"/g, '"s-R"'],
  [/Nats-Time-Stamp: \S+/g, "Nats-Time-Stamp: T"],
  // Times are as long as they need to be.
  [/^HMSG inbox 1 \d+ \d+/gm, "HMSG inbox 1 H N"],
];

function steady(answer: string): string {
  return VARYING.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), answer);
}

/** A server with JetStream and a connection to it. */
async function withServer<T>(
  command: string,
  settings: string,
  use: (port: number) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "caddis-js-"));
  const places = `store_dir: ${JSON.stringify(folder)}, max_mem: 64MB, max_file: 64MB`;
  const server = await ServerProcess.start({ command, config: `jetstream { ${places}, ${settings} }` });
  try {
    return await use(server.port);
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the API answers to each case. */
async function askAll(port: number, cases: readonly ApiCase[]): Promise<string[]> {
  const requester = await Requester.connect(port);
  try {
    const answers: string[] = [];
    for (const { subject, body, headers } of cases) {
      const full = subject.startsWith("!") ? subject.slice(1) : `$JS.API.${subject}`;
      const answer = await requester.request(full, body, headers);
      answers.push(steady(answer.headers + answer.body));
    }
    return answers;
  } finally {
    requester.close();
  }
}

async function getAllDirectly(port: number): Promise<string[]> {
  const client = await RawClient.connect(port);
  try {
    client.send('CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\nSUB inbox 1\r\n');
    await client.barrier();
    const answers: string[] = [];
    for (const [rest, body] of DIRECT_CASES) answers.push(steady(await getDirectly(client, rest, body)));
    return answers;
  } finally {
    await client.finish();
  }
}

/** All that comes in answer to a direct get. */
async function getDirectly(client: RawClient, rest: string, body: string): Promise<string> {
  client.lines.length = 0;
  client.send(`PUB $JS.API.DIRECT.GET.${rest} inbox ${Buffer.byteLength(body)}\r\n${body}\r\n`);
  const isMany = /"(?:batch|multi_last)"/.test(body);
  const isWhole = (): boolean => {
    const text = client.lines.join("\r\n");
    if (/NATS\/1\.0 [45]\d\d|204 EOB/.test(text)) return text.endsWith("\r\n\r\n");
    return !isMany && isMessage(client.lines);
  };
  assert.ok(await client.waitUntil(isWhole), `an answer to ${rest} ${body}: ${client.lines.join("\n")}`);
  return client.lines.join("\r\n");
}

/** Whether lines are a whole message: its control line says how many bytes follow. */
function isMessage(lines: readonly string[]): boolean {
  if (lines.length < 2) return false;
  return lines.slice(1).join("\r\n").length >= Number(lines[0].split(" ").at(-1));
}

function compare(actual: readonly string[], expected: readonly string[], cases: readonly ApiCase[]): void {
  for (const [index, { subject, body, headers = "" }] of cases.entries()) {
    assert.equal(actual[index], expected[index], `${subject} ${headers} ${body.slice(0, 300)}`);
  }
}

test("requests about consumers and messages are answered as by the reference", { skip }, async () => {
  const ask = async (port: number): Promise<[string[], string[]]> => [
    await askAll(port, CONSUMER_CASES),
    await getAllDirectly(port),
  ];
  const [expected, expectedGets] = await withServer(reference ?? "", "", ask);
  const [actual, actualGets] = await withServer(OUR_SERVER, "", ask);
  compare(actual, expected, CONSUMER_CASES);
  for (const [index, [rest, body]] of DIRECT_CASES.entries()) {
    assert.equal(actualGets[index], expectedGets[index], `DIRECT.GET.${rest} ${body}`);
  }
});

test("a server's bounds for consumers are the reference's", { skip }, async () => {
  const ask = (port: number): Promise<string[]> => askAll(port, BOUNDED_CASES);
  const expected = await withServer(reference ?? "", BOUNDS, ask);
  compare(await withServer(OUR_SERVER, BOUNDS, ask), expected, BOUNDED_CASES);
});
