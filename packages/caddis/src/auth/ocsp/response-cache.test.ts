import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import * as fc from "fast-check";
import { FakeOcspFolder, ListLog } from "../../../../../test/support/fake-ocsp.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import type { OcspCacheConfig } from "../../config/tls.ts";
import { nextTurn } from "../../io/node/clock.ts";
import { VirtualClock } from "../../io/virtual-clock.ts";
import { formatCacheFile, parseCacheFile, type CachedResponse } from "./cache-file.ts";
import { packS2 } from "../../base/s2-frame.ts";
import { createResponseCache, type ResponseCache } from "./response-cache.ts";

const LOCAL: OcspCacheConfig = {
  type: "local",
  local_store: "_rc_",
  preserve_revoked: false,
  save_interval: 1_000,
};

function key(n: number): string {
  return createHash("sha256").update(String(n)).digest("base64");
}

function entry(status: CachedResponse["status"], bytes = 3): CachedResponse {
  return {
    subject: "CN=x",
    cachedAtMs: 1e12,
    status,
    expiresMs: 2e12,
    response: new Uint8Array(bytes).fill(7),
  };
}

function setUp(config: Partial<OcspCacheConfig> = {}, folder = new FakeOcspFolder()) {
  const clock = new VirtualClock(nextTurn);
  const log = new ListLog();
  const cache: ResponseCache = createResponseCache(
    { ...LOCAL, ...config },
    { folder, timers: new TimerQueue(clock), log },
  );
  return { cache, clock, folder, log };
}

test("counts what it has and how it was of use", async () => {
  const { cache } = setUp();
  await cache.start();
  assert.equal(cache.get(key(1)), null);
  cache.put(key(1), entry("good"));
  cache.put(key(2), entry("revoked"));
  cache.put(key(3), entry("unknown"));
  cache.put(key(1), entry("revoked"));
  assert.deepEqual(cache.get(key(1)), entry("revoked"));
  assert.deepEqual(cache.stats, { size: 3, hits: 1, misses: 1, revokes: 2, goods: 0, unknowns: 1 });
  cache.discard(key(1));
  assert.deepEqual(cache.stats, { size: 2, hits: 0, misses: 2, revokes: 1, goods: 0, unknowns: 1 });
  assert.equal(cache.get(key(1)), null);
});

test("preserve_revoked keeps what was revoked", async () => {
  const { cache } = setUp({ preserve_revoked: true });
  await cache.start();
  for (const status of ["good", "revoked"] as const) {
    cache.put(key(1), entry(status));
    cache.get(key(1));
    cache.discard(key(1));
    assert.equal(cache.get(key(1)) !== null, status === "revoked");
  }
});

test("is bounded in number and bytes, and forgets the revoked last", async () => {
  const { cache } = setUp();
  await cache.start();
  cache.put(key(0), entry("revoked"));
  for (let n = 1; n <= 10_000; n++) cache.put(key(n), entry("good"));
  assert.equal(cache.stats.size, 10_000);
  assert.ok(cache.get(key(0)) !== null && cache.get(key(1)) === null && cache.get(key(2)) !== null);
  for (let n = 0; n < 33; n++) cache.put(key(n), entry("revoked", 1 << 20));
  assert.equal(cache.stats.size, 31);
  assert.ok(cache.get(key(1)) === null && cache.get(key(2)) !== null);
});

test("is saved when it changed, and loaded again", async () => {
  const { cache, clock, folder } = setUp();
  await cache.start();
  await clock.advance(5_000);
  assert.equal(folder.files.size, 0);
  cache.put(key(1), entry("good"));
  await clock.advance(1_000);
  const first = folder.files.get("cache.json");
  assert.ok(first !== undefined);
  await clock.advance(5_000);
  assert.equal(folder.files.get("cache.json"), first);
  cache.put(key(2), entry("revoked"));
  await cache.close();
  const { cache: again } = setUp({}, folder);
  await again.start();
  assert.deepEqual(again.get(key(2)), { ...entry("revoked"), response: Buffer.from([7, 7, 7]) });
  assert.deepEqual(again.stats, { size: 2, hits: 1, misses: 0, revokes: 1, goods: 1, unknowns: 0 });
  await again.close();
});

test("a folder that does not work costs nothing but the file", async () => {
  const { cache, clock, folder, log } = setUp();
  folder.problem = "disk on fire";
  await cache.start();
  cache.put(key(1), entry("good"));
  await clock.advance(1_000);
  assert.ok(log.lines.includes("warn: Unable to load OCSP peer cache: disk on fire"));
  assert.ok(log.lines.includes("error: Unable to save OCSP peer cache: disk on fire"));
  folder.problem = null;
  await clock.advance(1_000);
  assert.equal(folder.files.size, 1);
  await cache.close();
});

test("a file that is none is started over", async () => {
  const folder = new FakeOcspFolder();
  folder.files.set("cache.json", Buffer.from("[]"));
  const { cache } = setUp({}, folder);
  await cache.start();
  await cache.close();
  assert.equal(Buffer.from(folder.files.get("cache.json") ?? []).toString(), "{}");
});

test("without a cache nothing is remembered", async () => {
  const { cache, folder } = setUp({ type: "none" });
  await cache.start();
  cache.put(key(1), entry("good"));
  assert.equal(cache.get(key(1)), null);
  await cache.close();
  assert.equal(folder.files.size, 0);
});

test("the file has the reference's form", () => {
  const text = formatCacheFile([[key(1), { ...entry("good"), expiresMs: null }]]);
  const resp = Buffer.from(packS2(Uint8Array.of(7, 7, 7))).toString("base64");
  assert.deepEqual(JSON.parse(text), {
    [key(1)]: {
      subject: "CN=x",
      cached_at: "2001-09-09T01:46:40Z",
      resp_status: "good",
      resp_expires: "0001-01-01T00:00:00Z",
      resp,
    },
  });
});

test("entries that make no sense are left out", () => {
  const good = {
    cached_at: "2026-01-01T00:00:00Z",
    resp_status: "good",
    resp: Buffer.from(packS2(Uint8Array.of(1))).toString("base64"),
  };
  const rows = {
    [key(1)]: good,
    [key(2)]: { ...good, resp_status: "excellent" },
    [key(3)]: { ...good, resp: "AAAA" },
    [key(4)]: { ...good, cached_at: "yesterday" },
    [key(5)]: null,
    [key(6)]: { __proto__: good },
    constructor: good,
    short: good,
  };
  assert.deepEqual([...(parseCacheFile(JSON.stringify(rows))?.keys() ?? [])], [key(1)]);
  for (const text of ["", "{", "null", "[]", "3", '"x"']) assert.equal(parseCacheFile(text), null, text);
});

test("any text is a cache or none", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      parseCacheFile(text);
    }),
  );
});
