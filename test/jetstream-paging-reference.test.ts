/** Answers that are too long for one message come in pages; they are cut as the reference cuts them. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { RawClient } from "./support/raw-client.ts";
import { Requester } from "./support/jetstream-requester.ts";
import { findReferenceServer, OUR_SERVER, ServerProcess } from "./support/server-process.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;

/** More than a page has of each. */
const SUBJECTS = 100_100;
const ASSETS = 1_030;
/** How often a stream is asked whether it has everything before that is given up. */
const STORING_TRIES = 10_000;

/** In the order of their bytes these are not in that of their UTF-16 code units. */
const UNUSUAL = ["s.\u{1f600}", "s.\uff00", "s.\u00e9"];

const SUBJECT_PAGES: readonly object[] = [
  { subjects_filter: ">" },
  { subjects_filter: ">", offset: 1 },
  { subjects_filter: "s.>", offset: 100_000 },
  { subjects_filter: ">", offset: SUBJECTS + UNUSUAL.length - 1 },
  { subjects_filter: ">", offset: SUBJECTS + UNUSUAL.length },
  { subjects_filter: ">", offset: 1e9 },
  { subjects_filter: "s.3.>" },
  { subjects_filter: "s.3.*", offset: 14_000 },
  { subjects_filter: "s.*", offset: 2 },
  { subjects_filter: "s.*", offset: -1 },
  { subjects_filter: "none", offset: 2 },
  { subjects_filter: "s..x" },
  { offset: 5 },
];

const LISTS = ["STREAM.NAMES", "STREAM.LIST", "CONSUMER.NAMES.S1", "CONSUMER.LIST.S1"];
const LIST_PAGES: readonly (object | string)[] = [
  "",
  { offset: 1_000 },
  { offset: ASSETS - 1 },
  { offset: ASSETS },
  { offset: 5_000 },
  { offset: -1 },
  { offset: 1.5 },
  { subject: "s.1" },
  { subject: "s.*", offset: ASSETS - 2 },
];

/** What differs from one run to the next. */
const VOLATILE = /"(?:created|ts|first_ts|last_ts|_nats\.ver)":"(?!0001)[^"]*"/g;

type Ask = (subject: string, body?: object | string) => Promise<string>;

/** The answers of a server, by request. */
async function play(
  command: string,
  scene: (ask: Ask, server: ServerProcess) => Promise<Map<string, string>>,
): Promise<Map<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), "caddis-pages-"));
  const jetstream = `jetstream { store_dir: ${JSON.stringify(folder)}, max_mem: 128MB, max_file: 64MB }`;
  const server = await ServerProcess.start({ command, config: `server_name: T, ${jetstream}` });
  const requester = await Requester.connect(server.port);
  try {
    return await scene(async (subject, body = "") => {
      const text = typeof body === "string" ? body : JSON.stringify(body);
      return (await requester.request(`$JS.API.${subject}`, text)).body.replace(VOLATILE, "V");
    }, server);
  } finally {
    requester.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function subjects(ask: Ask, server: ServerProcess): Promise<Map<string, string>> {
  await ask("STREAM.CREATE.S", { name: "S", subjects: ["s.>"], storage: "memory" });
  const client = await RawClient.connect(server.port);
  client.send('CONNECT {"verbose":false}\r\n');
  const names = Array.from({ length: SUBJECTS }, (_, n) => `s.${n % 7}.${n}`);
  const wire = UNUSUAL.map((subject) => Buffer.from(subject, "utf8").toString("latin1"));
  client.send([...names, ...wire].map((subject) => `PUB ${subject} 0\r\n\r\n`).join(""));
  await client.barrier();
  client.drop();
  // The reference may still be storing what it has taken.
  const all = `"last_seq":${SUBJECTS + UNUSUAL.length},`;
  for (let tries = 0; tries < STORING_TRIES; tries++) if ((await ask("STREAM.INFO.S")).includes(all)) break;
  const answers = new Map<string, string>();
  for (const page of SUBJECT_PAGES) answers.set(JSON.stringify(page), await ask("STREAM.INFO.S", page));
  return answers;
}

async function lists(ask: Ask): Promise<Map<string, string>> {
  const all = Array.from({ length: ASSETS }, (_, n) => n);
  const inMemory = { storage: "memory", max_msgs: 1 };
  for (const n of all) await ask(`STREAM.CREATE.S${n}`, { name: `S${n}`, subjects: [`s.${n}`], ...inMemory });
  for (const n of all) {
    const config = { name: `C${n}`, durable_name: `C${n}`, mem_storage: true };
    await ask(`CONSUMER.CREATE.S1.C${n}`, { stream_name: "S1", config });
  }
  const answers = new Map<string, string>();
  for (const list of LISTS)
    for (const page of LIST_PAGES) answers.set(`${list} ${JSON.stringify(page)}`, await ask(list, page));
  return answers;
}

for (const [about, scene] of [
  ["subjects of a stream", subjects],
  ["streams and consumers", lists],
] as const) {
  test(`pages are cut as by the reference: ${about}`, { skip, timeout: 120_000 }, async () => {
    const [expected, actual] = await Promise.all([play(reference ?? "", scene), play(OUR_SERVER, scene)]);
    // Not compared as objects: what differs may be a megabyte long.
    for (const [request, answer] of expected) assert.ok(actual.get(request) === answer, request);
    assert.equal(actual.size, expected.size);
  });
}
