/**
 * The JetStream API for streams against the reference server: the same requests to both, good and bad, one after the
 * other; answers are compared as texts, so with the order of their fields.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { API_CASES, type ApiCase } from "./support/jetstream-api-cases.ts";
import { Requester } from "./support/jetstream-requester.ts";
import { findReferenceServer, OUR_SERVER, ServerProcess } from "./support/server-process.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;

/** Of what differs from one answer to the next. */
const TIME = /"(created|ts|first_ts|last_ts)":"(?!0001)[^"]*"/g;

/** What a server answers to each case. */
async function answersOf(command: string, cases: readonly ApiCase[]): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "caddis-js-"));
  const config = `jetstream { store_dir: ${JSON.stringify(folder)}, max_mem: 64MB, max_file: 64MB }`;
  const server = await ServerProcess.start({ command, config });
  const requester = await Requester.connect(server.port);
  try {
    const answers: string[] = [];
    for (const { subject, body, headers } of cases) {
      const full = subject.startsWith("!") ? subject.slice(1) : `$JS.API.${subject}`;
      const answer = await requester.request(full, body, headers);
      answers.push((answer.headers + answer.body).replace(TIME, '"$1":"T"'));
    }
    return answers;
  } finally {
    requester.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

test("requests for streams are answered as by the reference", { skip }, async () => {
  const expected = await answersOf(reference ?? "", API_CASES);
  const actual = await answersOf(OUR_SERVER, API_CASES);
  for (const [index, { subject, body, headers = "" }] of API_CASES.entries()) {
    assert.equal(actual[index], expected[index], `${subject} ${headers} ${body.slice(0, 300)}`);
  }
});
