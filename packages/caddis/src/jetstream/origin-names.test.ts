import assert from "node:assert/strict";
import { test } from "node:test";
import { serverHash } from "../auth/server-hash.ts";
import type { StreamSource } from "./core/stream-config.ts";
import { SourceNames } from "./origin-names.ts";
import type { Stream } from "./stream.ts";

const STREAM: unknown = {
  name: "S",
  owner: { account: { name: "A" }, jetStream: { domain: "d" } },
};

function source(name: string, filter: string): StreamSource {
  return {
    name,
    opt_start_seq: 0,
    opt_start_time: null,
    filter_subject: filter,
    subject_transforms: [],
    external: null,
    consumer: null,
  };
}

test("consumers of sources are called by their stream, and by their source where an origin has several", () => {
  const one = source("O", "o");
  const two = source("O", "p");
  const other = source("P", "p");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a double of what names are made of
  const names = (sources: readonly StreamSource[]): SourceNames => new SourceNames(STREAM as Stream, sources);
  const alone = `JS_SRC_${serverHash(serverHash("S A d"))}`;
  assert.equal(names([one, other]).of(one), alone);
  const shared = names([one, other, two]);
  assert.equal(shared.of(other), alone);
  assert.equal(shared.of(one), `JS_SRC_${serverHash(`${serverHash("S A d")} O o >`)}`);
  assert.notEqual(shared.of(one), shared.of(two));
});
