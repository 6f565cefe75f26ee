/**
 * The JetStream API for streams against the reference server: the same requests to both, good and bad, one after the
 * other; answers are compared as texts, so with the order of their fields.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type ApiCase, apiCases } from "./support/jetstream-api-cases.ts";
import { Requester } from "./support/jetstream-requester.ts";
import { findReferenceServer, OUR_SERVER, ServerProcess } from "./support/server-process.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;

/** Of what differs from one answer to the next. */
const TIME = /"(created|ts|first_ts|last_ts)":"(?!0001)[^"]*"/g;

/** Runs `ask` against a server of its own with JetStream and more configuration. */
async function withServer<T>(
  command: string,
  more: string,
  ask: (server: ServerProcess) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "caddis-js-"));
  const jetstream = `jetstream { store_dir: ${JSON.stringify(folder)}, max_mem: 64MB, max_file: 64MB, domain: d }`;
  const server = await ServerProcess.start({ command, config: `server_name: T, ${jetstream}\n${more}` });
  try {
    return await ask(server);
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a server answers to each case. */
function answersOf(command: string, cases: readonly ApiCase[]): Promise<string[]> {
  return withServer(command, "", async ({ port }) => {
    const requester = await Requester.connect(port);
    const answers: string[] = [];
    for (const { subject, body, headers } of cases) {
      const full = subject.startsWith("!") ? subject.slice(1) : `$JS.API.${subject}`;
      const answer = await requester.request(full, body, headers);
      answers.push((answer.headers + answer.body).replace(TIME, '"$1":"T"'));
    }
    requester.close();
    return answers;
  });
}

for (const storage of ["file", "memory"] as const) {
  test(`requests for streams are answered as by the reference, ${storage} storage`, { skip }, async () => {
    const cases = apiCases(storage);
    const expected = await answersOf(reference ?? "", cases);
    const actual = await answersOf(OUR_SERVER, cases);
    for (const [index, { subject, body, headers = "" }] of cases.entries()) {
      assert.equal(actual[index], expected[index], `${subject} ${headers} ${body.slice(0, 300)}`);
    }
  });
}

const ACCOUNTS = `accounts {
  SYS { users [{ user: s, password: p }] }
  A { jetstream: enabled, users [{ user: a, password: p }] }
  B { users [{ user: b, password: p }] }
}
system_account: SYS`;

/** In each account, also where there is no JetStream. */
const REQUESTS: readonly (readonly [subject: string, body: string])[] = [
  ["INFO", ""],
  ["STREAM.NAMES", ""],
  ["NOTHING", ""],
  ["META.LEADER.STEPDOWN", ""],
  ["SERVER.REMOVE", ""],
  ["STREAM.CREATE.S", '{"name":"S","storage":"memory"}'],
  ["STREAM.UPDATE.S", '{"name":"S","storage":"memory","max_msgs":3}'],
  ["STREAM.INFO.S", ""],
  ["STREAM.LIST", ""],
  ["STREAM.PURGE.S", ""],
  ["CONSUMER.NAMES.S", ""],
  ["CONSUMER.MSG.NEXT.S.C", ""],
  ["DIRECT.GET.S", '{"seq":1}'],
  ["STREAM.DELETE.S", ""],
  ["ACCOUNT.STREAM.MOVE.A.S", ""],
];

/** Left without an answer, where anything is. */
const SILENT = /^(?:NOTHING|META|SERVER|ACCOUNT)/;

/** Events without what is of the moment; in an order that does not depend on who is quicker. */
function eventsOf({ messages }: Requester): string[] {
  return messages
    .map(({ subject, body }) => {
      const { id, timestamp, response, client, ...event } = JSON.parse(body) as Record<string, unknown>;
      const keys = client !== null && typeof client === "object" ? Object.keys(client) : [];
      assert.ok(typeof id === "string" && typeof timestamp === "string" && id.length === 22);
      return JSON.stringify([subject, event, keys, typeof response]);
    })
    .sort();
}

async function answersByAccount(command: string): Promise<unknown> {
  return withServer(command, ACCOUNTS, async ({ port }) => {
    const answers: unknown[] = [];
    for (const user of ["s", "b", "a"]) {
      const requester = await Requester.connect(port, { user, pass: "p" });
      if (user === "a") requester.subscribe("$JS.EVENT.>");
      for (const [subject, body] of REQUESTS) {
        const answer = SILENT.test(subject)
          ? await requester.requestOrNone(`$JS.API.${subject}`, body, "$JS.API.STREAM.NAMES")
          : await requester.request(`$JS.API.${subject}`, body);
        const text = answer === null ? null : (answer.headers + answer.body).replace(TIME, '"$1":"T"');
        answers.push([user, subject, text]);
      }
      answers.push(eventsOf(requester));
      requester.close();
    }
    return answers;
  });
}

test(
  "accounts with and without JetStream, and that of the servers, are answered and told alike",
  { skip },
  async () => {
    assert.deepEqual(await answersByAccount(OUR_SERVER), await answersByAccount(reference ?? ""));
  },
);
