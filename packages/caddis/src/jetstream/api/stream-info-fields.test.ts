import assert from "node:assert/strict";
import { test } from "node:test";
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
