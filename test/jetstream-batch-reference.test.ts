/** Atomic and fast batches against the reference server: the same messages to both, and all that comes of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { playScenes, type Scene, type SceneStep } from "./support/jetstream-scene.ts";
import { findReferenceServer, OUR_SERVER } from "./support/server-process.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;

let replies = 0;

/** A message of the atomic batch `id`; `answers` counts advisories as well. */
function atomic(
  id: string,
  seq: number | string,
  { subject = "s.a", fields = [] as string[], answers = 1, body = String(seq), commit = "" } = {},
): SceneStep {
  const batch = [`Nats-Batch-Id: ${id}`, `Nats-Batch-Sequence: ${seq}`];
  if (commit !== "") batch.push(`Nats-Batch-Commit: ${commit}`);
  return { subject, reply: `r.${++replies}`, fields: [...batch, ...fields], body, answers };
}

function plain(subject: string, fields: string[] = [], body = "plain"): SceneStep {
  return { subject, reply: `r.${++replies}`, fields, body, answers: 1 };
}

/** A batch with one message for each list of fields, the last of which commits. */
function whole(id: string, messages: readonly (readonly [string, string[]])[], body = "x"): SceneStep[] {
  return messages.map(([subject, fields], index) =>
    atomic(id, index + 1, { subject, fields, body, commit: index + 1 === messages.length ? "1" : "" }),
  );
}

const BATCHES = { allow_atomic: true };
const ROLLUP = { ...BATCHES, allow_rollup_hdrs: true };

const ATOMIC: readonly Scene[] = [
  {
    name: "commit",
    config: BATCHES,
    steps: [
      plain("s.p"),
      atomic("b1", 1),
      { ...atomic("b1", 2, { subject: "s.b" }), reply: "", answers: 0 },
      atomic("b1", 3, { subject: "s.c", commit: "1" }),
      atomic("b2", 1, { commit: "1", body: "" }),
      atomic('q"\\', 1),
      atomic('q"\\', 2, { commit: "eob", body: "marker" }),
      atomic("b3", 1, { fields: ["Nats-Required-Api-Level: 2", "X: y"] }),
      atomic("b3", 2, { fields: ["X: y", "Nats-Required-Api-Level:   "], commit: "1" }),
    ],
  },
  {
    name: "what ends a batch",
    config: BATCHES,
    steps: [
      atomic("b1", 1),
      atomic("b1", 3, { answers: 2 }),
      atomic("b1", 2),
      atomic("b2", 1),
      atomic("b2", 1, { answers: 2 }),
      atomic("b3", 1, { commit: "no" }),
      atomic("b3", 2),
      atomic("b4", 1, { commit: "eob", answers: 2 }),
      atomic("b5", 1, { fields: ["Nats-Required-Api-Level: 99"], answers: 2 }),
      atomic("b6", 1, { fields: ["Nats-Required-Api-Level: x"], answers: 2 }),
      atomic("b7", 7),
      atomic("b7", 6, { commit: "eob" }),
      atomic("b7", 0),
      atomic("b7", "x"),
      atomic("b7", ""),
      plain("s.a", ["Nats-Batch-Id: b7"]),
      atomic("y".repeat(64), 1),
      atomic("y".repeat(65), 1),
      atomic("c1", 1),
      atomic("c2", 1),
      atomic("c1", 2, { commit: "" }),
      atomic("c1", 3),
      atomic("c1", 4),
      atomic("c1", 5),
      atomic("c1", 6, { commit: "eob" }),
    ],
  },
  {
    name: "too large",
    config: BATCHES,
    steps: [1, 2, 3, 4, 5].map((seq) => atomic("b", seq)).concat(atomic("b", 6, { commit: "1", answers: 2 })),
  },
  { name: "disabled", config: {}, steps: [atomic("b", 1), atomic("b", 1, { commit: "1" })] },
  {
    name: "sizes",
    config: { ...BATCHES, max_msg_size: 80 },
    steps: [atomic("b", 1), atomic("b", 2, { body: "x".repeat(40) })],
  },
  {
    name: "expectations",
    config: BATCHES,
    steps: [
      plain("s.old"),
      ...whole("a1", [["s.a", ["Nats-Expected-Last-Msg-Id: x"]]]),
      ...whole("a2", [["s.a", ["Nats-Expected-Stream: T"]]]),
      ...whole("a3", [["s.a", ["Nats-Expected-Stream: {stream}", "Nats-Expected-Last-Sequence: 7"]]]),
      ...whole("a4", [
        ["s.a", ["Nats-Expected-Last-Sequence: 1"]],
        ["s.b", ["Nats-Expected-Last-Sequence: 2"]],
      ]),
      ...whole("a5", [
        ["s.a", ["Nats-Expected-Last-Sequence: 1"]],
        ["s.b", []],
      ]),
      ...whole("a6", [
        ["s.a", []],
        ["s.a", ["Nats-Expected-Last-Subject-Sequence: 3"]],
      ]),
      ...whole("a7", [["s.old", ["Nats-Expected-Last-Subject-Sequence: 9"]]]),
      ...whole("a8", [
        ["s.old", ["Nats-Expected-Last-Subject-Sequence: 1"]],
        ["s.c", []],
      ]),
      ...whole("a9", [["s.a", ["Nats-Expected-Last-Subject-Sequence-Subject: s.old"]]]),
      ...whole("b1", [
        [
          "s.d",
          ["Nats-Expected-Last-Subject-Sequence: 0", "Nats-Expected-Last-Subject-Sequence-Subject: s.none"],
        ],
        [
          "s.e",
          ["Nats-Expected-Last-Subject-Sequence: 0", "Nats-Expected-Last-Subject-Sequence-Subject: s.none"],
        ],
        [
          "s.f",
          ["Nats-Expected-Last-Subject-Sequence: 4", "Nats-Expected-Last-Subject-Sequence-Subject: s.none"],
        ],
      ]),
      ...whole("b2", [["s.a", ["Nats-Expected-Last-Sequence: x"]]]),
    ],
  },
  {
    name: "duplicates",
    config: BATCHES,
    steps: [
      plain("s.a", ["Nats-Msg-Id: m1"]),
      ...whole("a1", [
        ["s.a", []],
        ["s.b", ["Nats-Msg-Id: m1"]],
      ]),
      ...whole("a2", [
        ["s.a", ["Nats-Msg-Id: m2"]],
        ["s.b", ["Nats-Msg-Id: m2"]],
      ]),
      ...whole("a3", [
        ["s.a", ["Nats-Msg-Id: m2"]],
        ["s.b", ["Nats-Msg-Id: m3"]],
      ]),
      plain("s.a", ["Nats-Msg-Id: m3"]),
    ],
  },
  {
    name: "rollups",
    config: ROLLUP,
    steps: [
      plain("s.a"),
      plain("s.b"),
      ...whole("a1", [
        ["s.a", []],
        ["s.a", ["Nats-Rollup: sub"]],
      ]),
      ...whole("a2", [
        ["s.a", []],
        ["s.b", ["Nats-Rollup: all"]],
      ]),
      ...whole("a3", [["s.a", ["Nats-Rollup: wat"]]]),
      ...whole("a4", [
        ["s.a", ["Nats-Rollup: SUB"]],
        ["s.a", []],
      ]),
      ...whole("a5", [
        ["s.c", ["Nats-Rollup: all"]],
        ["s.d", []],
      ]),
    ],
  },
  { name: "no rollups", config: BATCHES, steps: whole("a", [["s.a", ["Nats-Rollup: sub"]]]) },
  {
    name: "times to live",
    config: { ...ROLLUP, allow_msg_ttl: true, subject_delete_marker_ttl: 60e9 },
    steps: [
      ...whole("a1", [["s.a", ["Nats-TTL: 0.5s"]]]),
      ...whole("a2", [
        ["s.a", ["Nats-TTL: 2h"]],
        ["s.b", ["Nats-TTL: never"]],
        ["s.c", ["Nats-TTL: 30"]],
      ]),
    ],
  },
  { name: "no times to live", config: BATCHES, steps: whole("a", [["s.a", ["Nats-TTL: 2h"]]]) },
  {
    name: "no room",
    config: { ...BATCHES, discard: "new", max_msgs: 3 },
    steps: [
      plain("s.a"),
      ...whole("a1", [
        ["s.a", []],
        ["s.a", []],
        ["s.a", []],
      ]),
      ...whole("a2", [
        ["s.a", []],
        ["s.a", []],
      ]),
    ],
  },
  {
    name: "no bytes",
    config: { ...BATCHES, discard: "new", max_bytes: 300 },
    steps: whole(
      "a1",
      [
        ["s.a", []],
        ["s.a", []],
        ["s.a", []],
        ["s.a", []],
      ],
      "x".repeat(40),
    ),
  },
  {
    name: "no room, although there would be one by one",
    config: { ...BATCHES, discard: "new", max_msgs: 2, max_msgs_per_subject: 1 },
    steps: [
      plain("s.a"),
      ...whole("a1", [
        ["s.b", []],
        ["s.a", []],
      ]),
      ...whole("a2", [["s.a", []]]),
    ],
  },
  {
    name: "no room in a subject",
    config: { ...BATCHES, discard: "new", max_msgs_per_subject: 2, discard_new_per_subject: true },
    steps: [
      ...whole("a1", [
        ["s.a", []],
        ["s.a", []],
      ]),
      ...whole("a2", [
        ["s.b", []],
        ["s.a", []],
      ]),
    ],
  },
  {
    name: "old ones go",
    config: { ...BATCHES, max_msgs: 3, max_msgs_per_subject: 2 },
    steps: [
      plain("s.a"),
      plain("s.b"),
      ...whole("a1", [
        ["s.a", []],
        ["s.a", []],
        ["s.c", []],
      ]),
    ],
  },
  {
    name: "counters",
    config: { ...BATCHES, allow_msg_counter: true },
    steps: [
      ...whole(
        "a1",
        [
          ["s.a", ["Nats-Incr: 5"]],
          ["s.a", ["Nats-Incr: -7"]],
          ["s.b", ["Nats-Incr: +1"]],
        ],
        "",
      ),
      ...whole(
        "a2",
        [
          ["s.a", ["Nats-Incr: 1"]],
          ["s.a", []],
        ],
        "",
      ),
      ...whole("a3", [["s.a", ["Nats-Incr: 1"]]], "payload"),
      ...whole("a4", [["s.a", ["Nats-Incr: x"]]], ""),
      ...whole("a5", [["s.a", ["Nats-Incr: 1", "Nats-Rollup: sub"]]], ""),
      ...whole("a6", [["s.a", ["Nats-Incr: 100"]]], ""),
    ],
  },
  {
    name: "schedules",
    config: { ...ROLLUP, allow_msg_schedules: true },
    steps: [
      ...whole("a1", [
        ["s.q", ["Nats-Schedule: 0 0 0 1 1 *", "Nats-Schedule-Target: s.t"]],
        ["s.x", ["Nats-Schedule-Next: purge", "Nats-Scheduler: s.q"]],
      ]),
      ...whole("a2", [
        ["s.p", []],
        ["s.x", ["Nats-Schedule-Next: purge", "Nats-Scheduler: s.p"]],
      ]),
      ...whole("a3", [["s.q", ["Nats-Schedule: never", "Nats-Schedule-Target: s.t"]]]),
      ...whole("a4", [
        ["s.q", []],
        ["s.q", ["Nats-Schedule: @hourly", "Nats-Schedule-Target: s.t"]],
      ]),
    ],
  },
  {
    name: "transforms",
    config: { ...BATCHES, subject_transform: { src: "s.in.*", dest: "t.out.{{wildcard(1)}}" } },
    steps: whole("a", [
      ["s.in.1", []],
      ["s.other", []],
    ]),
  },
  { name: "sources", config: BATCHES, steps: whole("a", [["s.a", ["Nats-Stream-Source: x 1"]]]) },
  {
    name: "silence",
    config: { ...BATCHES, no_ack: true },
    holds: 2,
    steps: [
      { ...atomic("b", 1), answers: 0 },
      { ...atomic("b", 2, { commit: "1" }), answers: 0 },
    ],
  },
];

/** A client of a fast batch. */
function fast(id: string, flow: string, gap: string) {
  return (
    seq: number | string,
    operation: number | string,
    answers: number,
    fields: string[] = [],
  ): SceneStep => ({
    subject: "s.a",
    reply: `r.p.${id}.${flow}.${gap}.${seq}.${operation}.$FI`,
    fields,
    body: String(seq),
    answers,
  });
}

const START = 0;
const APPEND = 1;
const COMMIT = 2;
const END = 3;
const PING = 4;
const FAST = { allow_batched: true };
const strict = fast("b1", "2", "fail");
const loose = fast("b2", "2", "ok");
const REFUSED = ["Nats-Expected-Stream: T"];
const SAME = ["Nats-Msg-Id: m"];

const FAST_SCENES: readonly Scene[] = [
  {
    name: "progress",
    config: FAST,
    steps: [
      strict(1, START, 1),
      strict(2, APPEND, 1),
      strict(3, APPEND, 0),
      strict(3, PING, 1),
      strict(1, PING, 1),
      strict(4, COMMIT, 1),
      strict(5, APPEND, 1),
      strict(1, COMMIT, 1),
      loose(1, START, 1),
      loose(2, END, 1),
    ],
  },
  {
    name: "forward gap",
    config: FAST,
    steps: [strict(1, START, 1), strict(3, APPEND, 2), strict(4, APPEND, 1)],
  },
  {
    name: "backward gap",
    config: FAST,
    steps: [strict(1, START, 1), strict(2, APPEND, 1), strict(2, APPEND, 2)],
  },
  {
    name: "gap by ping",
    config: FAST,
    steps: [strict(1, START, 1), strict(5, PING, 2), strict(2, APPEND, 1)],
  },
  { name: "gap before the end", config: FAST, steps: [strict(1, START, 1), strict(3, END, 2)] },
  { name: "another start", config: FAST, steps: [strict(1, START, 1), strict(1, START, 2)] },
  {
    name: "fine gaps",
    config: FAST,
    steps: [
      loose(1, START, 1),
      loose(4, APPEND, 2),
      loose(6, PING, 2),
      loose(7, APPEND, 0),
      loose(9, COMMIT, 2),
    ],
  },
  {
    name: "fine gaps, one back",
    config: FAST,
    steps: [loose(1, START, 1), loose(4, APPEND, 2), loose(3, APPEND, 2)],
  },
  {
    name: "refused",
    config: FAST,
    steps: [strict(1, START, 1), strict(2, APPEND, 2, REFUSED), strict(3, APPEND, 1)],
  },
  { name: "refused first", config: FAST, steps: [strict(1, START, 2, REFUSED), strict(2, APPEND, 1)] },
  { name: "refused alone", config: FAST, steps: [strict(1, COMMIT, 1, REFUSED)] },
  {
    name: "refused where gaps are fine",
    config: FAST,
    steps: [
      loose(1, START, 2, REFUSED),
      loose(2, APPEND, 1),
      loose(3, APPEND, 1, REFUSED),
      loose(4, COMMIT, 2, REFUSED),
    ],
  },
  {
    name: "duplicates",
    config: FAST,
    steps: [
      strict(1, START, 1, SAME),
      strict(2, APPEND, 1, SAME),
      strict(3, APPEND, 0),
      strict(4, COMMIT, 2, SAME),
      strict(1, COMMIT, 1, SAME),
      loose(1, COMMIT, 1, SAME),
      strict(1, START, 1, SAME),
      strict(2, END, 1),
    ],
  },
  {
    name: "patterns",
    config: FAST,
    steps: [
      strict(2, APPEND, 1),
      strict(1, PING, 1),
      strict(2, END, 1),
      strict(2, START, 1),
      strict(1, APPEND, 1),
      strict(1, END, 1),
      strict(0, APPEND, 1),
      strict("x", APPEND, 1),
      strict(1, 5, 1),
      strict(1, "x", 1),
      fast("b", "1", "maybe")(1, START, 1),
      fast("y".repeat(65), "1", "ok")(1, START, 1),
      fast("b3", "0", "ok")(1, START, 1),
      fast("b4", "99999", "ok")(1, START, 2),
      fast("b5", "1", "ok")(1, START, 1),
      { subject: "s.a", reply: "r.a.b.$FI", fields: [], body: "", answers: 1 },
      { subject: "s.a", reply: "r.$FI", fields: [], body: "", answers: 1 },
    ],
  },
  {
    name: "flow",
    config: FAST,
    steps: [
      fast("f1", "8", "ok")(1, START, 1),
      fast("f2", "8", "ok")(1, START, 2),
      fast("f2", "8", "ok")(2, APPEND, 0),
      fast("f2", "8", "ok")(3, APPEND, 1),
      fast("f2", "8", "ok")(20, PING, 2),
      fast("f2", "8", "ok")(21, COMMIT, 1),
    ],
  },
  {
    name: "level",
    config: FAST,
    steps: [
      strict(1, START, 1, ["Nats-Required-Api-Level: 4"]),
      strict(2, APPEND, 1, ["Nats-Required-Api-Level: 6"]),
      strict(3, APPEND, 1),
    ],
  },
  {
    name: "counters",
    config: { ...FAST, allow_msg_counter: true },
    steps: [
      { ...strict(1, START, 1, ["Nats-Incr: 2"]), body: "" },
      { ...strict(2, APPEND, 1, ["Nats-Incr: 3"]), body: "" },
      { ...strict(3, COMMIT, 1, ["Nats-Incr: 4"]), body: "" },
    ],
  },
  { name: "disabled", config: {}, steps: [strict(1, START, 1), strict(2, START, 1)] },
  {
    name: "silence",
    config: { ...FAST, no_ack: true },
    steps: [strict(1, START, 0), strict(2, APPEND, 1), strict(3, COMMIT, 1)],
  },
];

for (const storage of ["file", "memory"] as const) {
  for (const [name, scenes] of [
    ["atomic", ATOMIC],
    ["fast", FAST_SCENES],
  ] as const) {
    test(`${name} batches are as the reference's, ${storage} storage`, { skip }, async () => {
      const expected = await playScenes(reference ?? "", storage, scenes);
      const actual = await playScenes(OUR_SERVER, storage, scenes);
      for (const [scene, lines] of expected) assert.deepEqual(actual.get(scene), lines, scene);
    });
  }
}
