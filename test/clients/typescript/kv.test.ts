/** The key-value store of the official client: the same against both servers. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { type KV, type KvEntry, Kvm } from "@nats-io/kv";
import { all, eachJetStreamServer, first } from "./jetstream-harness.ts";

eachJetStreamServer((open) => {
  let count = 0;
  const bucket = async (t: TestContext, options: object = {}): Promise<KV> => {
    const kvm = new Kvm(await open(t));
    return kvm.create(`bucket${count++}`, { history: 5, ...options });
  };

  test("put, get, update, delete", async (t) => {
    const kv = await bucket(t);
    assert.equal(await kv.get("a"), null);
    assert.equal(await kv.put("a", "1"), 1);
    assert.equal((await kv.get("a"))?.string(), "1");
    assert.equal(await kv.update("a", "2", 1), 2);
    await assert.rejects(kv.update("a", "3", 1), /wrong last sequence: 2/);
    await assert.rejects(kv.create("a", "3"), /wrong last sequence/);
    assert.equal(await kv.create("b", "new"), 3);
    await kv.delete("a");
    assert.equal((await kv.get("a"))?.operation, "DEL");
    assert.equal(await kv.create("a", "again"), 5);
    assert.equal((await kv.get("a", { revision: 2 }))?.string(), "2");
  });

  test("history and keys", async (t) => {
    const kv = await bucket(t);
    for (let i = 0; i < 8; i++) await kv.put("deep.key", String(i));
    await kv.put("other", "x");
    await kv.put("gone", "x");
    await kv.delete("gone");
    const history = await all(await kv.history({ key: "deep.key" }));
    assert.deepEqual(
      history.map((entry) => entry.string()),
      ["3", "4", "5", "6", "7"],
    );
    assert.deepEqual((await all(await kv.keys())).sort(), ["deep.key", "other"]);
    assert.deepEqual(await all(await kv.keys("deep.>")), ["deep.key"]);
    const status = await kv.status();
    assert.deepEqual([status.values, status.history, status.ttl], [8, 5, 0]);
  });

  test("purge leaves the last word alone", async (t) => {
    const kv = await bucket(t);
    for (const value of ["1", "2", "3"]) await kv.put("a", value);
    await kv.purge("a");
    const history = await all(await kv.history({ key: "a" }));
    assert.deepEqual(
      history.map(({ operation }) => operation),
      ["PURGE"],
    );
  });

  test("a watch begins with what is there and goes on with what comes", async (t) => {
    const kv = await bucket(t);
    await kv.put("x.1", "a");
    await kv.put("x.2", "b");
    await kv.put("y", "c");
    const watch = await kv.watch({ key: "x.*" });
    const entries: KvEntry[] = [];
    for await (const entry of watch) {
      entries.push(entry);
      if (entries.length === 2) {
        await kv.put("y", "not seen");
        await kv.put("x.1", "d");
        await kv.delete("x.2");
      }
      if (entries.length === 4) break;
    }
    assert.deepEqual(
      entries.map(({ key, operation, revision }) => [key, operation, revision]),
      [
        ["x.1", "PUT", 1],
        ["x.2", "PUT", 2],
        ["x.1", "PUT", 5],
        ["x.2", "DEL", 6],
      ],
    );
  });

  test("watches of updates only, of several keys, and from a revision", async (t) => {
    const kv = await bucket(t);
    for (const key of ["a", "b", "c"]) await kv.put(key, "old");
    const updates = await kv.watch({ include: "updates" });
    await kv.put("b", "new");
    assert.deepEqual(
      (await first(updates, 1)).map((entry) => [entry.key, entry.string()]),
      [["b", "new"]],
    );
    const several = await first(await kv.watch({ key: ["a", "c"] }), 2);
    assert.deepEqual(several.map(({ key }) => key).sort(), ["a", "c"]);
    const resumed = await first(await kv.watch({ resumeFromRevision: 3 }), 2);
    assert.deepEqual(
      resumed.map(({ revision }) => revision),
      [3, 4],
    );
  });

  test("a value that is too large is refused, and a bucket that is full", async (t) => {
    const kv = await bucket(t, { maxValueSize: 10 });
    await assert.rejects(kv.put("a", "x".repeat(200)), /message size exceeds maximum allowed/);
    const small = await bucket(t, { max_bytes: 200 });
    await small.put("a", "x");
    await assert.rejects(small.put("b", "x".repeat(150)), /maximum bytes exceeded/);
  });

  test("a key with a time to live goes, and leaves a marker", async (t) => {
    const kv = await bucket(t, { markerTTL: 2000 });
    await kv.create("short", "x", "1s");
    const entries = await first(await kv.watch({ key: "short" }), 2);
    assert.deepEqual(
      entries.map(({ operation }) => operation),
      ["PUT", "PURGE"],
    );
  });

  test("many keys, listed and read", async (t) => {
    const kv = await bucket(t, { history: 1 });
    await Promise.all(Array.from({ length: 1000 }, (_, i) => kv.put(`k.${i % 10}.${i}`, String(i))));
    assert.equal((await all(await kv.keys("k.3.*"))).length, 100);
    assert.equal((await kv.get("k.7.777"))?.string(), "777");
    const status = await kv.status();
    assert.equal(status.values, 1000);
    await kv.destroy();
    const kvm = new Kvm(await open(t));
    assert.equal(
      (await all(kvm.list())).some(({ bucket: name }) => name === status.bucket),
      false,
    );
  });
});
