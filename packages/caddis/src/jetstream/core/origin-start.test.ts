import assert from "node:assert/strict";
import test from "node:test";
import type { Instant } from "../../base/instant.ts";
import { mirrorStart, sourceStart } from "./origin-start.ts";
import type { StreamSource } from "./stream-config.ts";
import type { StreamState } from "../../store/stream-store.ts";

const EARLY: Instant = { ms: 1_000, ns: 0 };
const LATE: Instant = { ms: 2_000, ns: 0 };

function source(opt_start_seq: number, opt_start_time: Instant | null): StreamSource {
  return {
    name: "O",
    opt_start_seq,
    opt_start_time,
    filter_subject: "",
    subject_transforms: [],
    external: null,
    consumer: null,
  };
}

function state(messages: number, firstSeq: number, lastSeq: number, lastTime: Instant | null): StreamState {
  return {
    messages,
    bytes: 0,
    firstSeq,
    lastSeq,
    firstTime: null,
    lastTime,
    subjectCount: 0,
    deletedCount: 0,
    lostCount: 0,
    lostBytes: 0,
  };
}

/** In short: a sequence, a time in milliseconds, or all. */
function inShort({ deliver_policy, opt_start_seq, opt_start_time }: ReturnType<typeof mirrorStart>): string {
  if (deliver_policy === "by_start_sequence") return `seq ${opt_start_seq}`;
  return deliver_policy === "by_start_time" ? `time ${opt_start_time?.ms}` : deliver_policy;
}

const NEW = state(0, 0, 0, null);
const PURGED = state(0, 8, 7, LATE);

test("a mirror goes on behind its last sequence", () => {
  const start = (optSeq: number, optTime: Instant | null, of: StreamState): string =>
    inShort(mirrorStart(source(optSeq, optTime), of));
  assert.equal(start(0, null, NEW), "all");
  assert.equal(start(5, null, NEW), "seq 5");
  assert.equal(start(0, EARLY, NEW), "time 1000");
  assert.equal(start(5, EARLY, PURGED), "seq 8");
  assert.equal(start(0, null, state(3, 1, 3, LATE)), "seq 4");
});

test("a source goes on where it was, or where nothing that was there comes again", () => {
  const start = (
    optSeq: number,
    optTime: Instant | null,
    seq: number,
    isKnown: boolean,
    of: StreamState,
  ): string => inShort(sourceStart(source(optSeq, optTime), { seq, isKnown }, of));
  assert.equal(start(0, null, 0, false, NEW), "all");
  assert.equal(start(5, EARLY, 9, true, PURGED), "seq 10");
  assert.equal(start(5, EARLY, 0, true, PURGED), "seq 5");
  assert.equal(start(0, EARLY, 0, false, NEW), "time 1000");
  assert.equal(start(0, EARLY, 0, false, PURGED), "time 2000");
  assert.equal(start(0, EARLY, 0, true, PURGED), "time 1000");
  assert.equal(start(0, null, 0, false, PURGED), "time 2000");
  assert.equal(start(0, null, 0, true, PURGED), "all");
  assert.equal(start(0, null, 0, false, state(3, 1, 3, LATE)), "all");
});
