import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { StreamStage } from "../../../../../test/support/stream-stage.ts";
import { streamsFolderOf } from "../stream-folder.ts";
import { SystemApi } from "./system-api.ts";

/** A stage whose account hears what the servers hear. */
class SystemStage extends StreamStage {
  readonly api = new SystemApi(this.owner.account, this.jetStream);

  async ask(...subjects: readonly string[]): Promise<string[]> {
    for (const subject of subjects) this.say(`$JS.API.${subject}`);
    await this.world.clock.settled();
    return this.answers().map(([, text]) => text.replace("io.nats.jetstream.api.v1.", ""));
  }
}

test("there is no JetStream among the servers, and orders to a cluster are not heard", async () => {
  const stage = new SystemStage();
  const refusal = '"error":{"code":503,"err_code":10039,"description":"JetStream not enabled for account"}}';
  assert.deepEqual(await stage.ask("INFO", "STREAM.NAMES", "NOTHING"), [
    `{"type":"account_info_response",${refusal}`,
    `{"type":"system_response",${refusal}`,
    `{"type":"system_response",${refusal}`,
  ]);
  const orders = [
    "META.LEADER.STEPDOWN",
    "META.RESCUE",
    "SERVER.REMOVE",
    "SERVER.EVACUATE",
    "ACCOUNT.STREAM.MOVE.a.b",
  ];
  assert.deepEqual(await stage.ask(...orders), []);
});

test("all streams of an account are thrown away on request, or what is left of one that is no more", async () => {
  const stage = new SystemStage();
  const { disk } = stage;
  await stage.stream({ name: "A" });
  await stage.stream({ name: "B" });
  const folder = "/data/jetstream";
  const damaged = join(streamsFolderOf(folder, stage.owner.account.name), "damaged");
  await disk.makeFolder(damaged);
  await disk.makeFolder("/data/jetstream/GONE/streams/C");
  await disk.makeFolder("/data/jetstream/KEPT/streams/D");
  assert.deepEqual(await stage.ask("ACCOUNT.PURGE.$G", "ACCOUNT.PURGE.GONE"), [
    '{"type":"account_purge_response","initiated":true}',
    '{"type":"account_purge_response","initiated":true}',
  ]);
  assert.equal(stage.owner.streams.size, 0);
  assert.ok(
    (await disk.list(dirname(damaged))).some(({ name }) => name === "damaged"),
    "what could not be read stays",
  );
  const folders = (await disk.list(folder)).map(({ name }) => name);
  assert.ok(!folders.includes("GONE") && folders.includes("KEPT"), String(folders));
});

test("an account's name is no path", async () => {
  const stage = new SystemStage();
  await stage.disk.makeFolder("/data/jetstream/A/streams");
  const [answer] = await stage.ask("ACCOUNT.PURGE.../jetstream");
  assert.match(answer, /503/, "no subject at all");
  const answers = await stage.ask("ACCOUNT.PURGE.a/b", String.raw`ACCOUNT.PURGE.a\b`);
  for (const text of answers) assert.match(text, /account name can not contain path separators/);
  assert.equal((await stage.disk.list("/data/jetstream")).length, 1);
});

test("nothing is thrown away where there is no JetStream, and nothing answered once closed", async () => {
  const stage = new StreamStage();
  const api = new SystemApi(stage.owner.account);
  const stream = await stage.stream();
  stage.say("$JS.API.ACCOUNT.PURGE.$G");
  await stage.world.clock.settled();
  assert.deepEqual(stage.answers(), []);
  assert.ok(stage.owner.streams.has(stream.name));
  api.close();
  stage.say("$JS.API.INFO");
  await stage.world.clock.settled();
  assert.match(stage.answers()[0][1], /503/);
});
