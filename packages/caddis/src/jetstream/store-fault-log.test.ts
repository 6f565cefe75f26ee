import assert from "node:assert/strict";
import { test } from "node:test";
import { SILENT_LOG } from "../io/log.ts";
import { VirtualClock } from "../io/virtual-clock.ts";
import type { StoreFailure } from "../store/stream-store.ts";
import { StoreFaultLog } from "./store-fault-log.ts";

const FULL: StoreFailure = { kind: "full", reason: "no space left" };
const FAILED: StoreFailure = { kind: "failed", reason: "input/output error" };

function stage() {
  const clock = new VirtualClock((run) => setImmediate(run));
  const lines: string[] = [];
  const log = {
    ...SILENT_LOG,
    info: (line: string) => void lines.push(`INF ${line}`),
    error: (line: string) => void lines.push(`ERR ${line}`),
  };
  const faults = new StoreFaultLog(log, clock, "stream 'S'");
  const said = (): string[] => lines.splice(0);
  return { clock, faults, said };
}

const CANNOT = "ERR stream 'S' can't be written to the disk, which is tried again: no space left";
const AGAIN = "INF stream 'S' is written to the disk again";

test("a full disk is told once, and once that it has room again", () => {
  const { faults, said } = stage();
  faults.note(null);
  assert.deepEqual(said(), []);
  for (let i = 0; i < 3; i++) faults.note(FULL);
  assert.deepEqual(said(), [CANNOT]);
  for (let i = 0; i < 3; i++) faults.note(null);
  assert.deepEqual(said(), [AGAIN]);
});

test("a disk that is full now and then does not fill the log, and one that stays full is told", async () => {
  const { clock, faults, said } = stage();
  for (let i = 0; i < 20; i++) {
    faults.note(FULL);
    faults.note(null);
  }
  assert.deepEqual(said(), [CANNOT, AGAIN]);
  faults.note(FULL);
  await clock.advance(10_000);
  faults.note(FULL);
  assert.deepEqual(said(), [CANNOT]);
});

test("a store that has failed says so at once, whatever was said before", () => {
  const { faults, said } = stage();
  faults.note(FULL);
  faults.note(FAILED);
  faults.note(FAILED);
  assert.deepEqual(said(), [
    CANNOT,
    "ERR stream 'S' stores nothing more until the next start: input/output error",
  ]);
});
