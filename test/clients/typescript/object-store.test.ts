/** The object store of the official client: the same against both servers. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test, type TestContext } from "node:test";
import { type ObjectStore, Objm } from "@nats-io/obj";
import { eachJetStreamServer, first } from "./jetstream-harness.ts";

const LARGE_BYTES = 2_000_000;

function streamOf(data: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(data);
      controller.close();
    },
  });
}

eachJetStreamServer((open) => {
  let count = 0;
  const bucket = async (t: TestContext): Promise<ObjectStore> =>
    new Objm(await open(t)).create(`objects${count++}`, { description: "of a test" });

  test("a large object comes back byte for byte", async (t) => {
    const store = await bucket(t);
    const data = randomBytes(LARGE_BYTES);
    const info = await store.put({ name: "large", description: "random" }, streamOf(data));
    assert.equal(info.size, LARGE_BYTES);
    assert.equal(info.digest, `SHA-256=${createHash("sha256").update(data).digest("base64url")}=`);
    const found = await store.get("large");
    assert.ok(found);
    const chunks: Uint8Array[] = [];
    const reader = found.data.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
    }
    assert.ok(!(await found.error));
    assert.ok(Buffer.concat(chunks).equals(data));
    assert.equal((await store.status()).size > LARGE_BYTES, true);
  });

  test("replaced, listed, renamed, deleted", async (t) => {
    const store = await bucket(t);
    await store.putBlob({ name: "a" }, Buffer.from("one"));
    await store.putBlob({ name: "a" }, Buffer.from("two"));
    await store.putBlob({ name: "b" }, Buffer.from("three"));
    assert.equal(Buffer.from((await store.getBlob("a")) ?? []).toString(), "two");
    assert.deepEqual((await store.list()).map(({ name }) => name).sort(), ["a", "b"]);
    await store.update("b", { name: "c" });
    assert.equal(await store.info("b"), null);
    assert.equal((await store.info("c"))?.size, 5);
    await store.delete("a");
    assert.equal((await store.info("a"))?.deleted, true);
    assert.equal(await store.getBlob("a"), null);
    assert.deepEqual(
      (await store.list()).map(({ name }) => name),
      ["c"],
    );
  });

  test("links, watches and sealing", async (t) => {
    const store = await bucket(t);
    const info = await store.putBlob({ name: "real" }, Buffer.from("content"));
    await store.link("alias", info);
    assert.equal(Buffer.from((await store.getBlob("alias")) ?? []).toString(), "content");
    const seen = await first(await store.watch({ includeHistory: true }), 2);
    assert.deepEqual(
      seen.map((entry) => entry?.name),
      ["real", "alias"],
    );
    assert.equal((await store.seal()).sealed, true);
    await assert.rejects(
      store.putBlob({ name: "late" }, Buffer.from("x")),
      /stream is sealed|invalid operation/,
    );
  });
});
