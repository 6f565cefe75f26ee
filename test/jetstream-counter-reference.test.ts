/** Counters against the reference server: the same increments to both, and what is stored and acknowledged. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { playScenes, type Scene, type SceneStep } from "./support/jetstream-scene.ts";
import { findReferenceServer, OUR_SERVER } from "./support/server-process.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;

let replies = 0;

function add(increment: string, fields: string[] = [], body = "", subject = "s.a"): SceneStep {
  return {
    subject,
    reply: `r.${++replies}`,
    fields: [`Nats-Incr: ${increment}`, ...fields],
    body,
    answers: 1,
  };
}

function plain(fields: string[] = [], body = ""): SceneStep {
  return { subject: "s.a", reply: `r.${++replies}`, fields, body, answers: 1 };
}

const COUNTERS = { allow_msg_counter: true };

const SCENES: readonly Scene[] = [
  {
    name: "sums",
    config: COUNTERS,
    steps: [
      add("1"),
      add("+1"),
      add("-5"),
      add("0"),
      add("007"),
      add("-0"),
      add("9".repeat(300)),
      add(`-${"9".repeat(300)}`),
      add("3", ["Other: x"], "", "s.b"),
      add("1", ["Nats-Msg-Id: m"]),
      add("1", ["Nats-Msg-Id: m"]),
      { ...add("1"), reply: "", answers: 0 },
      add("1"),
    ],
  },
  {
    name: "refused",
    config: { ...COUNTERS, allow_rollup_hdrs: true },
    steps: [
      add("1"),
      plain(),
      plain([], "body"),
      plain(["Other: x"]),
      plain(["Nats-Incr:"]),
      add("1", [], "body"),
      ...["x", "1.5", "1e3", "0x1", "1_0", "--1", "+", "1 "].map((text) => add(text)),
      add("1", ["Nats-Rollup: sub"]),
      add("1", ["Nats-Expected-Stream: {stream}"]),
      add("1", ["Nats-Expected-Last-Msg-Id: x"]),
      add("1", ["Nats-Expected-Last-Sequence: 1"]),
      add("1", ["Nats-Expected-Last-Subject-Sequence: 1"]),
      add("1", ["Nats-Expected-Last-Subject-Sequence-Subject: s.a"]),
      add("1", ["Nats-Stream-Source: x 1"]),
      add("1", ["Nats-TTL: 5s"]),
      add("1", ["Nats-Counter-Sources: x"]),
      add("1"),
    ],
  },
  {
    name: "no counters",
    config: {},
    steps: [add("1"), add("x"), add("1", [], "body"), plain(["Nats-Incr:"])],
  },
  {
    name: "short messages",
    config: { ...COUNTERS, max_msg_size: 60 },
    steps: [add("1"), add("1000000000"), add("10000000000000000000"), add("1")],
  },
  {
    name: "one message each",
    config: { ...COUNTERS, max_msgs_per_subject: 1 },
    steps: [add("1"), add("2"), add("3", [], "", "s.b"), add("-4")],
  },
];

for (const storage of ["file", "memory"] as const) {
  test(`counters count as the reference's, ${storage} storage`, { skip }, async () => {
    const expected = await playScenes(reference ?? "", storage, SCENES);
    const actual = await playScenes(OUR_SERVER, storage, SCENES);
    for (const [scene, lines] of expected) assert.deepEqual(actual.get(scene), lines, scene);
  });
}
