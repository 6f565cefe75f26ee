/**
 * Publishing to streams against the reference server: the same messages to both, good and bad, and then what each of
 * them has stored. Acknowledgements and refusals are compared as texts.
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

/** Of what differs from one run to the next: times. */
const TIMES =
  /"(created|ts|first_ts|last_ts|time)":"(?!0001)[^"]*"|Nats-Time-Stamp: [^\r]*|TmF0cy1UaW1lLVN0YW1wOi[A-Za-z0-9+/=]*/g;

/** A message, or a request to the API where the subject begins with `$`. */
type Step = readonly [subject: string, body?: string, fields?: string];

interface Scene {
  readonly name: string;
  /** Of the stream S. */
  readonly config: object;
  /** What is listened to besides. */
  readonly listen?: string;
  readonly steps: readonly Step[];
}

const ID = "Nats-Msg-Id";
const LAST = "Nats-Expected-Last-Sequence";
const LAST_OF_SUBJECT = "Nats-Expected-Last-Subject-Sequence";
const SUBJECT = "Nats-Expected-Last-Subject-Sequence-Subject";
const TTL = "Nats-TTL";
const SECOND = 1e9;

const SCENES: readonly Scene[] = [
  {
    name: "what a publisher expects",
    config: { subjects: ["s.*"] },
    steps: [
      ["s.a", "1"],
      ["s.b", "2", `${LAST}: 1`],
      ["s.b", "3", `${LAST}: 1`],
      ["s.b", "4", `${LAST}: 0`],
      ["s.b", "5", `${LAST}: x`],
      ["s.b", "6", `${LAST}: -1`],
      ["s.b", "7", `${LAST}:`],
      ["s.b", "8", `${LAST}: 3 `],
      ["s.a", "9", `${LAST_OF_SUBJECT}: 1`],
      ["s.a", "10", `${LAST_OF_SUBJECT}: 1`],
      ["s.c", "11", `${LAST_OF_SUBJECT}: 0`],
      ["s.c", "12", `${LAST_OF_SUBJECT}: 0`],
      ["s.d", "13", `${LAST_OF_SUBJECT}: 9`],
      ["s.d", "14", `${LAST_OF_SUBJECT}: x`],
      ["s.d", "15", `${LAST_OF_SUBJECT}: 4\r\n${SUBJECT}: s.a`],
      ["s.d", "16", `${LAST_OF_SUBJECT}: 6\r\n${SUBJECT}: s.*`],
      ["s.d", "17", `${LAST_OF_SUBJECT}: 0\r\n${SUBJECT}: t.none`],
      ["s.d", "18", `${SUBJECT}: s.a`],
      ["s.d", "19", "Nats-Expected-Stream: S"],
      ["s.d", "20", "Nats-Expected-Stream: T"],
      ["s.d", "21", "nats-expected-stream: T"],
      ["s.d", "22", `${ID}: one`],
      ["s.d", "23", "Nats-Expected-Last-Msg-Id: one"],
      ["s.d", "24", "Nats-Expected-Last-Msg-Id: one"],
      ["s.d", "25", "Nats-Stream-Source: x 1 > > y"],
      ["s.d", "26", "Nats-Expected-Stream: T\r\nNats-Expected-Stream: S"],
      ["s.d", "27", `Nats-Expected-Stream: T\r\n${LAST}: 99\r\n${TTL}: 5s`],
      ["s.d", "28", `${LAST}: 99\r\n${TTL}: 5s\r\nNats-Rollup: sub`],
    ],
  },
  {
    name: "duplicates",
    config: { subjects: ["s"], duplicate_window: 100 * SECOND },
    steps: [
      ["s", "1", `${ID}: a`],
      ["s", "2", `${ID}: a`],
      ["s", "3", `${ID}:a`],
      ["s", "4", `${ID}:   a`],
      ["s", "5", `${ID}: a `],
      ["s", "6", `${ID}:`],
      ["s", "7", `${ID}: a\r\nNats-Expected-Last-Msg-Id: x`],
      ["s", "8", `${ID}: a\r\n${LAST}: 99`],
      ["s", "9", `${ID}: b\r\nNats-Expected-Last-Msg-Id: x`],
      ["$JS.API.STREAM.MSG.DELETE.S", '{"seq":1}'],
      ["s", "10", `${ID}: a`],
      ["$JS.API.STREAM.PURGE.S"],
      ["s", "11", `${ID}: a`],
    ],
  },
  {
    name: "limits, old messages make way",
    config: { subjects: ["s.*"], max_msgs: 4, max_bytes: 400, max_msgs_per_subject: 2 },
    steps: [
      ["s.a", "1"],
      ["s.a", "2"],
      ["s.a", "3"],
      ["s.b", "4"],
      ["s.c", "5"],
      ["s.d", "6"],
      ["s.e", "7".repeat(200)],
      ["s.e", "8".repeat(200)],
      ["s.f", "9".repeat(500)],
      ["s.g", "10"],
    ],
  },
  {
    name: "limits, new messages are refused",
    config: { subjects: ["s.*"], max_msgs: 3, max_bytes: 400, max_msgs_per_subject: 2, discard: "new" },
    steps: [
      ["s.a", "1"],
      ["s.a", "2"],
      ["s.a", "3"],
      ["s.b", "4"],
      ["s.c", "5"],
      ["s.a", "6"],
      ["s.a", "7".repeat(350)],
      ["s.b", "8"],
    ],
  },
  {
    name: "limits per subject, new messages are refused",
    config: {
      subjects: ["s.*"],
      max_msgs_per_subject: 1,
      discard: "new",
      discard_new_per_subject: true,
      allow_rollup_hdrs: true,
    },
    steps: [
      ["s.a", "1"],
      ["s.a", "2"],
      ["s.b", "3"],
      ["s.a", "4", "Nats-Rollup: sub"],
      ["$JS.API.STREAM.PURGE.S", '{"filter":"s.a"}'],
      ["s.a", "5"],
    ],
  },
  {
    name: "sizes",
    config: { subjects: ["s"], max_msg_size: 40 },
    steps: [
      ["s", "x".repeat(40)],
      ["s", "x".repeat(41)],
      ["s", "x".repeat(10), "A: b"],
      ["s", "x".repeat(30), "A: b"],
      ["s", "", `A: ${"b".repeat(40)}`],
    ],
  },
  {
    name: "headers too long",
    config: { subjects: ["s"] },
    steps: [
      ["s", "", `A: ${"b".repeat(65_518)}`],
      ["s", "", `A: ${"b".repeat(65_519)}`],
    ],
  },
  {
    name: "roll-ups",
    config: { subjects: ["s.*"], allow_rollup_hdrs: true },
    steps: [
      ["s.a", "1"],
      ["s.b", "2"],
      ["s.a", "3"],
      ["s.a", "4", "Nats-Rollup: sub"],
      ["s.b", "5", "Nats-Rollup: SUB"],
      ["s.c", "6", 'Nats-Rollup: x"y'],
      ["s.c", "7", "Nats-Rollup:"],
      ["s.c", "8", "Nats-Rollup: All"],
      ["s.c", "9", "Nats-Rollup: sub "],
    ],
  },
  {
    name: "roll-ups that are not allowed",
    config: { subjects: ["s"], deny_purge: true },
    steps: [
      ["s", "1", "Nats-Rollup: sub"],
      ["s", "2", "Nats-Rollup: x"],
    ],
  },
  {
    name: "times of their own",
    config: { subjects: ["s"], allow_msg_ttl: true },
    steps: [
      "1h",
      "never",
      "NEVER",
      "3600",
      "0",
      "0s",
      "999ms",
      "-1",
      "x",
      "1h x",
      "1d",
      "9h1s1s",
      ".5h",
      "+2m",
      "",
    ].map((ttl) => ["s", ttl, `${TTL}: ${ttl}`] as const),
  },
  {
    name: "times of their own that are not allowed",
    config: { subjects: ["s"] },
    steps: ["1h", "never", "x", "0", "999ms", ""].map((ttl) => ["s", ttl, `${TTL}: ${ttl}`] as const),
  },
  {
    name: "markers ask for a time",
    config: {
      subjects: ["s"],
      allow_msg_ttl: true,
      allow_rollup_hdrs: true,
      subject_delete_marker_ttl: 60 * SECOND,
    },
    steps: [
      ["s", "1", `${TTL}: 5s\r\nA: b`],
      ["s", "2", `A: b\r\n${TTL}: 70s`],
      ["s", "3", `${TTL}: 5s`],
    ],
  },
  {
    name: "an acknowledgement names no message",
    config: { subjects: ["s"], retention: "interest" },
    steps: [
      ["s", "1"],
      ["s", "2", `${ID}: a`],
      ["s", "3", `${ID}: a`],
    ],
  },
  {
    name: "a sealed stream",
    config: { subjects: ["s"] },
    steps: [
      ["s", "1"],
      ["$JS.API.STREAM.UPDATE.S", '{"name":"S","subjects":["s"],"storage":"STORAGE","sealed":true}'],
      ["s", "2"],
    ],
  },
  {
    name: "subjects that are rewritten, and republished",
    config: {
      subjects: ["in.>"],
      subject_transform: { src: "in.*.>", dest: "kept.{{wildcard(1)}}.>" },
      republish: { src: "kept.>", dest: "out.>" },
    },
    listen: "out.>",
    steps: [
      ["in.a.b", "1"],
      ["in.a.b", "2", "A: b"],
      ["in.a", "3"],
      ["in.a.b", "4", `${LAST_OF_SUBJECT}: 2`],
      ["in.a.b", "5", `${LAST_OF_SUBJECT}: 2`],
    ],
  },
  {
    name: "republished without their payload",
    config: { subjects: ["in.>"], republish: { src: ">", dest: "out.>", headers_only: true } },
    listen: "out.>",
    steps: [
      ["in.a", "123"],
      ["in.a", "", "A: b"],
    ],
  },
  {
    name: "purges",
    config: { subjects: ["s.*"] },
    steps: [
      ["$JS.API.STREAM.PURGE.S"],
      ...["a", "b", "a", "b", "a", "b"].map((token) => [`s.${token}`, token] as const),
      ["$JS.API.STREAM.PURGE.S", '{"seq":1}'],
      ["$JS.API.STREAM.PURGE.S", '{"seq":3}'],
      ["$JS.API.STREAM.PURGE.S", '{"filter":"s.a","keep":1}'],
      ["$JS.API.STREAM.PURGE.S", '{"filter":"s.a","seq":4}'],
      ["$JS.API.STREAM.PURGE.S", '{"filter":"s.none"}'],
      ["$JS.API.STREAM.PURGE.S", '{"filter":">","keep":2}'],
      ["$JS.API.STREAM.MSG.DELETE.S", '{"seq":6}'],
      ["$JS.API.STREAM.MSG.DELETE.S", '{"seq":6}'],
      ["$JS.API.STREAM.PURGE.S", '{"keep":9}'],
      ["$JS.API.STREAM.PURGE.S", '{"seq":20}'],
      ["s.a", "last"],
    ],
  },
  {
    name: "a first sequence",
    config: { subjects: ["s"], first_seq: 100 },
    steps: [["$JS.API.STREAM.INFO.S"], ["s", "1", `${LAST}: 0`], ["s", "1", `${LAST}: 99`]],
  },
  {
    name: "a configuration that changes",
    config: { subjects: ["a", "b"] },
    steps: [
      ["a", "1"],
      ["b", "2"],
      ["a", "3"],
      [
        "$JS.API.STREAM.UPDATE.S",
        '{"name":"S","subjects":["b","c"],"storage":"STORAGE","max_msgs_per_subject":1}',
      ],
      ["a", "4"],
      ["c", "5"],
      ["$JS.API.STREAM.UPDATE.S", '{"name":"S","subjects":["c"],"storage":"STORAGE","max_msgs":1}'],
    ],
  },
  {
    name: "a stream that answers nothing",
    config: { subjects: ["s"], no_ack: true },
    steps: [["$JS.API.STREAM.INFO.S"]],
  },
];

/** Messages that a scene may have stored. */
const SEQS_MAX = 26;
/** How much of a line is compared. */
const LINE_MAX = 3_000;

/** The reference sometimes counts a sequence 0 as deleted, in files that are new. */
const DELETED_NOTHING = '"num_deleted":1,"deleted":[0],';

/** What a server says in each scene, line by line. */
async function play(command: string, storage: "file" | "memory"): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "caddis-js-"));
  const jetstream = `jetstream { store_dir: ${JSON.stringify(folder)}, max_mem: 64MB, max_file: 64MB }`;
  const server = await ServerProcess.start({ command, config: `server_name: T, ${jetstream}` });
  const lines: string[] = [];
  try {
    for (const scene of SCENES) await playScene(server.port, scene, storage, lines);
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
  return lines.map((line) => line.replace(TIMES, "TIME").replace(DELETED_NOTHING, ""));
}

/**
 * The stream has a name of its own in each scene, which stands for S: the reference may still be removing the files of
 * one that was deleted when the next comes.
 */
async function playScene(port: number, scene: Scene, storage: string, lines: string[]): Promise<void> {
  const requester = await Requester.connect(port);
  const name = `S_${SCENES.indexOf(scene)}`;
  const say = (what: string): void =>
    void lines.push(`${scene.name}: ${what.replaceAll(name, "S").slice(0, LINE_MAX)}`);
  const api = async (subject: string, body: string): Promise<string> =>
    (await requester.request(`$JS.API.${subject}.${name}`, body)).body;
  if (scene.listen !== undefined) requester.subscribe(scene.listen);
  const created = await api("STREAM.CREATE", JSON.stringify({ name, storage, ...scene.config }));
  assert.doesNotMatch(created, /"error"/, scene.name);
  for (const [subject, body = "", fields = ""] of scene.steps) {
    const text = body.replace("STORAGE", storage).replace('"name":"S"', `"name":"${name}"`);
    const wanted = fields.replaceAll("Stream: S", `Stream: ${name}`);
    const answer = await requester.request(subject.replace(/\.S$/, `.${name}`), text, wanted);
    say(`${subject} ${fields.slice(0, 80)} ${text.slice(0, 80)} -> ${answer.headers}${answer.body}`);
  }
  for (let seq = 1; seq <= SEQS_MAX; seq++) say(await api("STREAM.MSG.GET", JSON.stringify({ seq })));
  say(await api("STREAM.INFO", '{"deleted_details":true}'));
  for (const { subject, body } of requester.messages) say(`${subject} ${body}`);
  await api("STREAM.DELETE", "");
  requester.close();
}

for (const storage of ["memory", "file"] as const) {
  test(`publishing is answered as by the reference, ${storage} storage`, { skip }, async () => {
    const expected = await play(reference ?? "", storage);
    const actual = await play(OUR_SERVER, storage);
    for (const [index, line] of expected.entries()) assert.equal(actual[index], line);
    assert.equal(actual.length, expected.length);
  });
}
