/** Schedules against the reference server: which are taken, and what they produce. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { playScenes, type Scene, type SceneStep } from "./support/jetstream-scene.ts";
import { findReferenceServer, OUR_SERVER } from "./support/server-process.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;

let replies = 0;

function put(subject: string, fields: readonly string[], answers = 1, body = "body"): SceneStep {
  return { subject, reply: `r.${++replies}`, fields, body, answers };
}

/** A schedule at `s.q` for `s.t`, with other fields or in place of these. */
function schedule(pattern: string, fields: readonly string[] = [], target = "s.t"): SceneStep {
  return put("s.q", [`Nats-Schedule: ${pattern}`, `Nats-Schedule-Target: ${target}`, ...fields]);
}

const ALLOWED = { allow_msg_schedules: true, allow_rollup_hdrs: true };
const WITH_TTL = { ...ALLOWED, allow_msg_ttl: true };
const FUTURE = "@at 2199-01-01T00:00:00Z";
const YEARLY = "@yearly";
const zone = (name: string): string[] => [`Nats-Schedule-Time-Zone: ${name}`];

const TAKEN: readonly Scene[] = [
  {
    name: "patterns",
    config: ALLOWED,
    steps: [
      FUTURE,
      "@at 2199-01-01T00:00:00.123456789+02:00",
      "@at 2199-01-01T9:00:00,5Z",
      "@at 2199-02-30T00:00:00Z",
      "@at 2199-01-01t00:00:00z",
      "@at 2199-01-01T24:00:00Z",
      "@at tomorrow",
      "@at ",
      "@every 1h",
      "@every 1h30m0.5s",
      "@every 999ms",
      "@every -1h",
      "@every 1",
      "@every",
      "@annually",
      "@monthly",
      "@weekly",
      "@Daily",
      "@daily ",
      "0 0 0 1 1 *",
      "0 0 0 1 jan *",
      "0 0 0 29 2 ?",
      "0 0 0 30 2 *",
      "0 0 1 1 *",
      "60 0 0 1 1 *",
      "0 0 0 1 1 7",
      "0 0 0 1-5/2,9 */3 *",
      "nonsense",
    ].map((pattern) => schedule(pattern)),
  },
  {
    name: "zones",
    config: ALLOWED,
    steps: [
      schedule(YEARLY, zone("Europe/Berlin")),
      schedule(YEARLY, zone("UTC")),
      schedule(YEARLY, zone("US/Eastern")),
      schedule(YEARLY, zone("Etc/GMT+5")),
      schedule(YEARLY, zone("europe/berlin")),
      schedule(YEARLY, zone("+01:00")),
      schedule(YEARLY, zone("Mars/Olympus")),
      schedule(YEARLY, zone("")),
      schedule(YEARLY, zone("../etc/passwd")),
      schedule(FUTURE, zone("UTC")),
      schedule("@every 1h", zone("UTC")),
      put("s.q", zone("Mars/Olympus")),
      put("s.q", zone("UTC")),
    ],
  },
  {
    name: "targets and sources",
    config: ALLOWED,
    steps: [
      put("s.q", [`Nats-Schedule: ${YEARLY}`]),
      ...["", "s.q", "s.*", "s.>", "s..t", "other", "s.t x"].map((target) => schedule(YEARLY, [], target)),
      ...["", "s.src", "s.t", "s.q", "s.*", "other", "s..x"].map((source) =>
        schedule(YEARLY, [`Nats-Schedule-Source: ${source}`]),
      ),
    ],
  },
  {
    name: "what products get",
    config: WITH_TTL,
    steps: [
      ...["", "5s", "never", "0.5s", "x", "100"].map((ttl) =>
        schedule(YEARLY, [`Nats-Schedule-TTL: ${ttl}`]),
      ),
      ...["", "sub", "all", "SUB"].map((rollup) => schedule(YEARLY, [`Nats-Schedule-Rollup: ${rollup}`])),
      ...["sub", "SUB", "all", "x"].map((rollup) => schedule(YEARLY, [`Nats-Rollup: ${rollup}`])),
      schedule(YEARLY, ["Nats-TTL: 1h"]),
    ],
  },
  {
    name: "no time to live",
    config: ALLOWED,
    steps: [
      schedule(YEARLY, ["Nats-Schedule-TTL: 5s"]),
      schedule(YEARLY, ["Nats-Schedule-TTL: x"]),
      schedule(YEARLY, ["Nats-Schedule-TTL: 5s", "Nats-Schedule-Rollup: all"]),
    ],
  },
  {
    name: "taken back",
    config: ALLOWED,
    steps: [
      schedule(YEARLY),
      put("s.x", ["Nats-Scheduler: s.q"]),
      put("s.x", ["Nats-Schedule-Next: purge"]),
      put("s.x", ["Nats-Schedule-Next: 2030-01-01T00:00:00Z", "Nats-Scheduler: s.q"]),
      put("s.x", ["Nats-Schedule-Next: purge", "Nats-Scheduler: s.x"]),
      put("s.x", ["Nats-Schedule-Next: purge", "Nats-Scheduler: s.*"]),
      put("s.x", ["Nats-Schedule-Next: purge", "Nats-Scheduler: s.q"]),
      put("s.x", ["Nats-Schedule-Next: purge", "Nats-Scheduler: s.none"]),
      put("s.y", ["Nats-Schedule-Next: purge", "Nats-Scheduler: s.x"]),
      schedule(YEARLY),
      schedule(FUTURE),
      put("s.q", []),
      put("s.y", ["Nats-Schedule-Next: purge", "Nats-Scheduler: s.q"]),
    ],
  },
  {
    name: "disabled",
    config: {},
    steps: [
      schedule(YEARLY),
      schedule("nonsense"),
      schedule(YEARLY, zone("Mars/Olympus")),
      put("s.x", ["Nats-Schedule-Next: purge", "Nats-Scheduler: s.q"]),
      put("s.x", ["Nats-Schedule-Next: x", "Nats-Scheduler: s.q"]),
      put("s.x", ["Nats-Scheduler: s.q"]),
      put("s.x", ["Nats-Schedule-Target: s.t", "Nats-Schedule-TTL: x"]),
    ],
  },
];

/** What is stored comes back under `r.rp`: the products as well. */
const WATCHED = { ...WITH_TTL, republish: { src: "s.>", dest: "r.rp.>" } };
const PAST = "@at 2020-01-01T00:00:00Z";

function fired(subject: string, pattern: string, fields: readonly string[], answers: number): SceneStep {
  return put(subject, [`Nats-Schedule: ${pattern}`, "Nats-Schedule-Target: s.t", ...fields], answers);
}

const PRODUCED: readonly Scene[] = [
  { name: "at once", config: WATCHED, steps: [fired("s.q", PAST, [], 3)] },
  {
    name: "headers",
    config: WATCHED,
    steps: [
      fired(
        "s.q",
        PAST,
        [
          "Own: kept",
          "Nats-Msg-Id: m",
          "Nats-TTL: 1h",
          "Nats-Rollup: sub",
          "Nats-Expected-Last-Sequence: 0",
          "Nats-Expected-Stream: {stream}",
          "Nats-Schedule-TTL: 30m",
          "Nats-Schedule-Rollup: sub",
          "Last: too",
        ],
        3,
      ),
    ],
  },
  {
    name: "sources",
    config: WATCHED,
    steps: [
      fired("s.q", PAST, ["Nats-Schedule-Source: s.src", "Own: x"], 3),
      put("s.src", ["Source: y", "Nats-Msg-Id: m"], 2, "source"),
      fired("s.q", PAST, ["Nats-Schedule-Source: s.src", "Own: x"], 3),
    ],
  },
  {
    name: "again and again",
    config: WATCHED,
    steps: [
      fired("s.q", "@every 1s", ["Nats-Schedule-Rollup: sub"], 4),
      put("s.x", ["Nats-Schedule-Next: purge", "Nats-Scheduler: s.q"], 2),
    ],
  },
  {
    name: "each second",
    config: WATCHED,
    steps: [
      fired("s.q", "* * * * * *", ["Nats-Schedule-Time-Zone: Asia/Kolkata"], 3),
      put("s.x", ["Nats-Schedule-Next: purge", "Nats-Scheduler: s.q"], 2),
    ],
  },
  {
    name: "many at once",
    config: WATCHED,
    steps: ["s.3", "s.1", "s.2"].map((subject) => fired(subject, PAST, [], 3)),
  },
];

for (const storage of ["file", "memory"] as const) {
  for (const [name, scenes] of [
    ["taken", TAKEN],
    ["produced", PRODUCED],
  ] as const) {
    test(`schedules are ${name} as by the reference, ${storage} storage`, { skip }, async () => {
      const [expected, actual] = await Promise.all([
        playScenes(reference ?? "", storage, scenes),
        playScenes(OUR_SERVER, storage, scenes),
      ]);
      for (const [scene, lines] of expected) assert.deepEqual(actual.get(scene), lines, scene);
    });
  }
}
