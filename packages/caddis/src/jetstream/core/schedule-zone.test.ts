import assert from "node:assert/strict";
import { test } from "node:test";
import { formatLocal, ScheduleZones, UTC } from "./schedule-zone.ts";

test("zones are found by the names of the database and nothing else", () => {
  const zones = new ScheduleZones();
  for (const name of ["UTC", "Europe/Berlin", "US/Eastern", "Etc/GMT+5", "Local"])
    assert.notEqual(zones.find(name), null, name);
  for (const name of ["", "europe/berlin", "EUROPE/BERLIN", "+01:00", "Mars/Olympus", "utc", "../etc/passwd"])
    assert.equal(zones.find(name), null, name);
  assert.equal(zones.find("Europe/Berlin"), zones.find("Europe/Berlin"), "kept");
});

test("clocks of a zone, and back", () => {
  const berlin = new ScheduleZones().find("Europe/Berlin");
  assert.ok(berlin !== null);
  assert.equal(berlin.local(Date.UTC(2026, 6, 1, 22, 5, 9)).toISOString(), "2026-07-02T00:05:09.000Z");
  assert.equal(berlin.instant(2026, 6, 2, 5 * 60_000), Date.UTC(2026, 6, 1, 22, 5));
  assert.equal(berlin.instant(2026, 12, 1, 0), Date.UTC(2026, 11, 31, 23), "month 12 is January");
  assert.equal(berlin.local(Date.UTC(-43, 0, 1)).getUTCFullYear(), -43, "before our era");
});

test("times are told with the offset of their zone", () => {
  const zones = new ScheduleZones();
  const at = { ms: Date.UTC(2026, 6, 1, 12, 0, 0, 500), ns: 7 };
  const shown = (name: string): string => formatLocal(at, zones.find(name) ?? UTC);
  assert.equal(shown("UTC"), "2026-07-01T12:00:00.500000007Z");
  assert.equal(shown("Europe/London"), "2026-07-01T13:00:00.500000007+01:00");
  assert.equal(shown("America/St_Johns"), "2026-07-01T09:30:00.500000007-02:30");
});
