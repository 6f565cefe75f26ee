import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { StreamOfSchedules } from "../../../../test/support/schedule-stream.ts";

type Fields = Readonly<Record<string, string>>;

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

function schedule(pattern: string, more: Fields = {}): Fields {
  return { "Nats-Schedule": pattern, "Nats-Schedule-Target": "s.t", "Nats-Rollup": "sub", ...more };
}

/** `@at` so long after the start of the virtual clock. */
function at(ms: number, more: Fields = {}): Fields {
  return schedule(`@at ${new Date(Date.UTC(2026, 0, 1) + ms).toISOString()}`, more);
}

/** When things were produced, and what. */
function log({ produced }: StreamOfSchedules): string[] {
  return produced.map(({ ms, subject, text }) => `${ms} ${subject} ${text}`);
}

test("a moment comes once, and takes its schedule away", async () => {
  const stream = new StreamOfSchedules();
  stream.put("s.q", at(MINUTE_MS, { "X-Own": "kept", "Nats-Msg-Id": "m", "Nats-TTL": "9s" }), "later");
  await stream.world.clock.advance(MINUTE_MS - 1);
  assert.deepEqual(log(stream), []);
  await stream.world.clock.advance(1);
  assert.deepEqual(log(stream), [`${MINUTE_MS} s.t later`]);
  const headers = "NATS/1.0\r\nX-Own: kept\r\nNats-Scheduler: s.q\r\nNats-Schedule-Next: purge\r\n\r\n";
  assert.equal(stream.produced[0].headers, headers);
  assert.equal(stream.store.lastSeqOf("s.q"), 0);
  await stream.world.clock.advance(10 * HOUR_MS);
  assert.equal(stream.produced.length, 1);
  assert.equal(stream.broker.timers.size, new StreamOfSchedules().broker.timers.size, "no timer is left");
});

test("an interval comes again and again, and says when next", async () => {
  const stream = new StreamOfSchedules();
  stream.put(
    "s.q",
    schedule("@every 90s", { "Nats-Schedule-TTL": "5m", "Nats-Schedule-Rollup": "sub" }),
    "x",
  );
  await stream.world.clock.advance(5 * MINUTE_MS);
  assert.deepEqual(log(stream), ["90000 s.t x", "180000 s.t x", "270000 s.t x"]);
  assert.equal(
    stream.produced[0].headers,
    "NATS/1.0\r\nNats-Scheduler: s.q\r\nNats-Schedule-Next: 2026-01-01T00:03:00Z\r\nNats-TTL: 5m\r\nNats-Rollup: sub\r\n\r\n",
  );
});

test("cron follows the clocks of its zone", async () => {
  const stream = new StreamOfSchedules();
  stream.put("s.q", schedule("0 30 9 * * *", { "Nats-Schedule-Time-Zone": "Asia/Kolkata" }), "x");
  await stream.world.clock.advance(48 * HOUR_MS);
  assert.deepEqual(log(stream), [`${4 * HOUR_MS} s.t x`, `${28 * HOUR_MS} s.t x`]);
  assert.match(stream.produced[0].headers, /Nats-Schedule-Next: 2026-01-02T09:30:00\+05:30\r\n/);
});

test("a source's last message is what is produced, or the schedule's own where it has none", async () => {
  const stream = new StreamOfSchedules();
  stream.put("s.q", schedule("@every 1m", { "Nats-Schedule-Source": "s.src" }), "own");
  await stream.world.clock.advance(MINUTE_MS);
  stream.put("s.src", { "X-Source": "1", "Nats-Msg-Id": "m" }, "source");
  await stream.world.clock.advance(MINUTE_MS);
  assert.deepEqual(log(stream), ["60000 s.t own", "120000 s.t source"]);
  assert.match(stream.produced[1].headers, /^NATS\/1.0\r\nX-Source: 1\r\nNats-Scheduler: s.q\r\n/);
});

test("a later message of the subject takes a schedule's place, a removed one does not fire", async () => {
  const stream = new StreamOfSchedules();
  stream.put("s.q", at(MINUTE_MS), "first");
  stream.put("s.q", at(2 * MINUTE_MS), "second");
  stream.put("s.p", at(MINUTE_MS), "no more");
  stream.put("s.p", {}, "plain");
  stream.store.remove(stream.put("s.r", at(MINUTE_MS), "removed"));
  await stream.world.clock.advance(HOUR_MS);
  assert.deepEqual(log(stream), ["120000 s.t second"]);
  assert.equal(stream.schedules.size, 0);
});

test("what is due together comes in the order of its sequence, and what is late at once", async () => {
  const stream = new StreamOfSchedules();
  for (const name of ["c", "a", "b"]) stream.put(`s.${name}`, at(MINUTE_MS), name);
  stream.put("s.late", at(-MINUTE_MS), "late");
  await stream.world.clock.advance(MINUTE_MS);
  assert.deepEqual(log(stream), ["0 s.t late", "60000 s.t c", "60000 s.t a", "60000 s.t b"]);
});

test("what could not be stored is tried again", async () => {
  const stream = new StreamOfSchedules();
  stream.put("s.q", at(MINUTE_MS), "x");
  stream.isFull = true;
  await stream.world.clock.advance(MINUTE_MS + 7_000);
  stream.isFull = false;
  await stream.world.clock.advance(HOUR_MS);
  assert.deepEqual(log(stream), ["70000 s.t x"]);
});

test("after a restart schedules are as they were", async () => {
  let stream = new StreamOfSchedules();
  stream.put("s.at", at(2 * HOUR_MS), "at");
  stream.put("s.every", schedule("@every 1h", { "Nats-Schedule-Target": "s.e" }), "every");
  stream.put("s.cron", schedule("0 30 * * * *", { "Nats-Schedule-Target": "s.c" }), "cron");
  await stream.world.clock.advance(90 * MINUTE_MS);
  assert.equal(stream.produced.length, 3);
  stream = new StreamOfSchedules(stream);
  stream.schedules.recover();
  await stream.world.clock.advance(75 * MINUTE_MS);
  assert.deepEqual(log(stream), ["7200000 s.t at", "7200000 s.e every", "9000000 s.c cron"]);
});

test("what fell due while nobody was there comes once, if its last product tells of it", async () => {
  let stream = new StreamOfSchedules();
  stream.put("s.at", at(2 * HOUR_MS), "at");
  stream.put("s.every", schedule("@every 1h", { "Nats-Schedule-Target": "s.e" }), "every");
  await stream.world.clock.advance(90 * MINUTE_MS);
  stream.schedules.stop();
  await stream.world.clock.advance(5 * HOUR_MS);
  stream = new StreamOfSchedules(stream);
  stream.schedules.recover();
  await stream.world.clock.advance(HOUR_MS);
  const restart = 6.5 * HOUR_MS;
  assert.deepEqual(log(stream), [
    `${restart} s.t at`,
    `${restart} s.e every`,
    `${restart + HOUR_MS} s.e every`,
  ]);
});

test("where its products are gone an interval keeps to its beat", async () => {
  let stream = new StreamOfSchedules();
  stream.put("s.q", schedule("@every 1h"), "x");
  for (let restarts = 0; restarts < 4; restarts++) {
    await stream.world.clock.advance(50 * MINUTE_MS);
    stream.store.purge(stream.store.filter(["s.t"]), Infinity, 0);
    const { produced } = stream;
    stream = new StreamOfSchedules(stream);
    stream.produced.push(...produced);
    stream.schedules.recover();
  }
  assert.deepEqual(log(stream), ["3600000 s.t x", "7200000 s.t x", "10800000 s.t x"]);
});

test("many schedules are found in several turns after a restart, and fire in their order all the same", async () => {
  const before = new StreamOfSchedules();
  const count = 1_000;
  // The first to be found are the last to fire.
  for (let i = 0; i < count; i++) {
    before.put(`s.q.${i}`, { ...at(MINUTE_MS + count - i), "Nats-Schedule-Target": `s.t.${i}` }, `${i}`);
  }
  const stopped = new StreamOfSchedules(before);
  stopped.schedules.recover();
  stopped.schedules.stop();
  await stopped.world.clock.settled();
  assert.equal(stopped.schedules.size, 0);

  const stream = new StreamOfSchedules(stopped);
  stream.schedules.recover();
  assert.ok(stream.schedules.size < count, "others have their turns meanwhile");
  stream.put("s.q.999", { ...at(MINUTE_MS + 2), "Nats-Schedule-Target": "s.t.999" }, "replaced");
  stream.put("s.q.998", {}, "no schedule any more");
  stream.put("s.q.new", { ...at(0), "Nats-Schedule-Target": "s.t.new" }, "new");
  await stream.world.clock.advance(2 * MINUTE_MS);
  const expected = Array.from(
    { length: count - 2 },
    (_, i) => `${MINUTE_MS + 3 + i} s.t.${count - 3 - i} ${count - 3 - i}`,
  );
  assert.deepEqual(log(stream), ["0 s.t.new new", `${MINUTE_MS + 2} s.t.999 replaced`, ...expected]);
});

test("what fell due before all were found comes in its order", async () => {
  const before = new StreamOfSchedules();
  const count = 600;
  for (let i = 0; i < count; i++) {
    before.put(`s.q.${i}`, { ...at(MINUTE_MS + count - i), "Nats-Schedule-Target": `s.t.${i}` }, `${i}`);
  }
  before.schedules.stop();
  await before.world.clock.advance(2 * MINUTE_MS);
  const stream = new StreamOfSchedules(before);
  const { size } = stream.broker.timers;
  stream.schedules.recover();
  stream.put("s.q.new", { ...at(0), "Nats-Schedule-Target": "s.t.new" }, "new");
  assert.equal(stream.broker.timers.size, size, "nothing fires until all are found");
  await stream.world.clock.advance(0);
  const texts = stream.produced.map(({ text }) => text);
  assert.deepEqual(texts, ["new", ...Array.from({ length: count }, (_, i) => String(count - 1 - i))]);
});

test("schedules whose messages are gone do not pile up", () => {
  const stream = new StreamOfSchedules();
  for (let i = 0; i < 5_000; i++) stream.store.remove(stream.put(`s.${i}`, at(HOUR_MS)));
  assert.ok(stream.schedules.size <= 1_100, String(stream.schedules.size));
});

test("whatever is set, replaced and removed, each schedule that is left fires at its time", async () => {
  const step = fc.record({
    subject: fc.integer({ min: 0, max: 5 }),
    afterMs: fc.integer({ min: 1, max: 20 }).map((minutes) => minutes * MINUTE_MS),
    kind: fc.constantFrom("set", "set", "set", "plain", "remove"),
    waitMs: fc.integer({ min: 0, max: 5 }).map((minutes) => minutes * MINUTE_MS),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const stream = new StreamOfSchedules();
      const expected: string[] = [];
      let left = new Map<string, number>();
      const passTo = (ms: number): void => {
        const due = [...left].filter(([, dueMs]) => dueMs <= ms);
        expected.push(...due.map(([subject, dueMs]) => `${dueMs} ${subject}`));
        left = new Map([...left].filter(([, dueMs]) => dueMs > ms));
      };
      for (const { subject, afterMs, kind, waitMs } of steps) {
        const name = `s.${subject}`;
        const dueMs = stream.nowMs + afterMs;
        if (kind === "set") left.set(name, dueMs);
        else left.delete(name);
        if (kind === "set") stream.put(name, at(dueMs), name);
        else if (kind === "plain") stream.put(name, {}, name);
        else stream.store.remove(stream.store.lastSeqOf(name));
        await stream.world.clock.advance(waitMs);
        passTo(stream.nowMs);
      }
      await stream.world.clock.advance(HOUR_MS);
      passTo(stream.nowMs);
      assert.deepEqual(stream.produced.map(({ ms, text }) => `${ms} ${text}`).sort(), expected.sort());
      assert.equal(stream.schedules.size, 0);
    }),
    { numRuns: 50 },
  );
});
