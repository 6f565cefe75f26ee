import assert from "node:assert/strict";
import { test } from "node:test";
import { StreamStage } from "../../../../test/support/stream-stage.ts";
import { ARCHIVE_MAGIC, ArchiveWriter } from "./core/archive.ts";
import { STREAM_DEFAULTS } from "./stream-meta.ts";
import { ArchiveLoader } from "./restore-archive.ts";
import { LegacyLoader } from "./restore-legacy.ts";
import type { RestoreLoader } from "./restore-loader.ts";
import { RestoreTarget } from "./restore-target.ts";

const CONSUMERS_BYTES_MAX = 256 * 1024 * 1024;
const TOO_LARGE = /its consumers are too large/;

async function targetOf(consumerBytes: number): Promise<RestoreTarget> {
  const stage = new StreamStage();
  const target = await RestoreTarget.open(stage.owner, { ...STREAM_DEFAULTS, name: "S", storage: "memory" });
  assert.equal(target.noteConsumerBytes(consumerBytes), null);
  return target;
}

/** How it ends to have `loader` take what it has; empty: it waits for more. */
function loaded(loader: RestoreLoader): string {
  for (;;) {
    const step = loader.step();
    if (step === "waits") return "";
    if (step !== "goes on") return step.description;
  }
}

/** The beginning of an archive with one consumer. */
function archive(): Buffer {
  const writer = new ArchiveWriter();
  const entry = (name: string, text: string): string => {
    const sizes = { seq: 0, headerBytes: 0, payloadBytes: text.length };
    return writer.entry({ name, time: { ms: 0, ns: 0 }, ...sizes }).toString("latin1") + text;
  };
  const none = { consumer_seq: 0, stream_seq: 0 };
  const consumer = { config: { name: "C" }, state: { delivered: none, ack_floor: none } };
  const parts = [entry("state.json", '{"consumer_count":1}'), entry("consumers/C", JSON.stringify(consumer))];
  return Buffer.concat([ARCHIVE_MAGIC, Buffer.from(parts.join(""), "latin1")]);
}

/** The beginning of an archive of the older form: the header of a file with so many bytes. */
function tarHeader(name: string, bytes: number): Buffer {
  const header = Buffer.alloc(512);
  header.write(name);
  header.write(bytes.toString(8).padStart(11, "0"), 124);
  header.write("0", 156);
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0`, 148);
  return header;
}

test("what an archive says of its consumers does not fill the memory", async () => {
  for (const [used, refused] of [
    [0, false],
    [CONSUMERS_BYTES_MAX - 10, true],
  ] as const) {
    const target = await targetOf(used);
    const loader = new ArchiveLoader(target);
    loader.append(archive());
    assert.equal(TOO_LARGE.test(loaded(loader)), refused);
    assert.equal(target.consumers.length, refused ? 0 : 1);
  }
});

test("nor does one of the older form", async () => {
  for (const [used, refused] of [
    [0, false],
    [CONSUMERS_BYTES_MAX - 10, true],
  ] as const) {
    const loader = new LegacyLoader(await targetOf(used), () => Promise.resolve());
    loader.append(tarHeader("obs/C/o.dat", 20));
    assert.equal(TOO_LARGE.test(loaded(loader)), refused);
  }
});
