import assert from "node:assert/strict";
import { test } from "node:test";
import { FaultyDisk } from "../../../../../test/support/faulty-disk.ts";
import { StreamStage } from "../../../../../test/support/stream-stage.ts";
import { streamStateFields } from "./stream-info-fields.ts";

test("of more deleted sequences than fit into memory the first are listed", async () => {
  for (const storage of ["memory", "file"] as const) {
    const stage = new StreamStage();
    const stream = await stage.stream({ storage });
    await stage.publish("S");
    stream.store.skipTo(2 ** 40);
    await stage.publish("S");
    const { num_deleted, deleted } = streamStateFields(stream, { hasDeleted: true });
    assert.equal(num_deleted, 2 ** 40 - 2);
    assert.ok(Array.isArray(deleted));
    assert.deepEqual([deleted.length, deleted[0], deleted.at(-1)], [500_000, 2, 500_001]);
  }
});

test("messages that are lost to damage are named", async () => {
  const disk = new FaultyDisk(1);
  const stage = new StreamStage({}, disk);
  await stage.stream({ name: "S", storage: "file" });
  for (let n = 1; n <= 5; n++) await stage.publish("S", `message ${n}`);
  const damaged = disk.crash();
  const log = damaged.paths.find((path) => path.endsWith("/messages/1.log"));
  assert.ok(log !== undefined, damaged.paths.join(" "));
  damaged.damage(log, (content) => {
    content[content.indexOf("message 3")] ^= 1;
    return content;
  });
  const next = new StreamStage({}, damaged);
  await next.owner.recover();
  const stream = next.owner.streams.get("S");
  assert.ok(stream !== undefined);
  const { messages, lost } = streamStateFields(stream);
  assert.equal(messages, 4);
  assert.deepEqual(Object.keys(lost as object), ["msgs", "bytes"]);
  assert.deepEqual((lost as { msgs: number[] }).msgs, [3]);
});
