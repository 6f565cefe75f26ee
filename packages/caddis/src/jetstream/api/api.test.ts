import assert from "node:assert/strict";
import { test } from "node:test";
import { StreamStage } from "../../../../../test/support/stream-stage.ts";
import { makeMessage } from "../../broker/message.ts";
import type { JetStreamSettings } from "../settings.ts";
import type { Stream } from "../stream.ts";
import { Api } from "./api.ts";

/** A stage on which the API answers. */
class ApiStage extends StreamStage {
  readonly api = new Api(this.owner);

  /** Asks and returns the answers' types and fields, in order. */
  async ask(
    ...requests: readonly (readonly [subject: string, body?: string, headers?: readonly string[]])[]
  ) {
    for (const [subject, body, headers] of requests) this.say(`$JS.API.${subject}`, body, headers);
    await this.world.clock.settled();
    return this.answers().map(([, text]) => text);
  }
}

function stage(settings: Partial<JetStreamSettings> = {}): ApiStage {
  return new ApiStage(settings);
}

const IN_MEMORY = '{"name":"S","storage":"memory"}';

test("requests of one breath are answered in their order, so that what was created is found", async () => {
  const world = stage();
  const answers = await world.ask(
    ["STREAM.CREATE.S", IN_MEMORY],
    ["STREAM.NAMES"],
    ["STREAM.INFO.S"],
    ["STREAM.DELETE.S"],
    ["STREAM.INFO.S"],
  );
  const types = answers.map((text) => (JSON.parse(text) as { type: string }).type.split(".").at(-1));
  assert.deepEqual(types, [
    "stream_create_response",
    "stream_names_response",
    "stream_info_response",
    "stream_delete_response",
    "stream_info_response",
  ]);
  assert.match(answers[1], /"streams":\["S"\]/);
  assert.match(answers[2], /"config":\{"name":"S"/);
  assert.match(answers[4], /"err_code":10059.*"total":0,"offset":0,"limit":0\}$/);
});

test("what nobody knows is left without an answer, what nobody is there for has no responders", async () => {
  const world = stage();
  await world.stream({ name: "S" });
  assert.deepEqual(
    await world.ask(["NOTHING"], ["STREAM"], ["STREAM.INFO.a.b"], ["META.LEADER.STEPDOWN"]),
    [],
  );
  const answers = await world.ask(
    ["CONSUMER.MSG.NEXT.S.C"],
    ["CONSUMER.MSG.NEXT.X.C"],
    ["CONSUMER.MSG.NEXT.S"],
    ["DIRECT.GET.S"],
  );
  assert.equal(answers.length, 4);
  for (const answer of answers) assert.match(answer, /^NATS\/1.0 503/);
});

test("a stored message is no request, wherever a consumer sends it", async () => {
  const world = stage();
  await world.stream({ name: "S" });
  for (const [subject, inbox] of [
    ["1234567.STREAM.DELETE.S", "$JS.API.x"],
    ["$JS.API.STREAM.DELETE.S", "$JS.API.STREAM.DELETE.S"],
    ["x", "$JS.API.STREAM.DELETE.S"],
  ]) {
    const message = makeMessage(subject, "", "", Buffer.alloc(0));
    message.inbox = inbox;
    world.owner.account.publish(message);
  }
  await world.world.clock.settled();
  assert.ok(world.owner.streams.has("S"));
});

test("requests that want a newer API are turned away, but for those refused anyhow", async () => {
  const world = stage();
  const newer = ["Nats-Required-Api-Level: 6"];
  const answers = await world.ask(
    ["INFO", "", ["Nats-Required-Api-Level: 5"]],
    ["INFO", "", newer],
    ["STREAM.CREATE.S", "{", newer],
    ["STREAM.PEER.REMOVE.S", "", newer],
  );
  assert.match(answers[0], /"limits":/);
  assert.match(answers[1], /"err_code":10185/);
  assert.match(answers[2], /"err_code":10185/);
  assert.match(answers[3], /"err_code":10010/);
});

test("answers are counted, errors too, and what is being answered is not counted twice", async () => {
  const world = stage();
  await world.ask(["STREAM.INFO.S"], ["STREAM.NAMES"], ["NOTHING"]);
  const [info] = await world.ask(["INFO"]);
  assert.match(info, /"api":\{"level":5,"total":2,"errors":1\}/);
  assert.deepEqual(world.api.counts, { total: 3, errors: 1, inflight: 0 });
  assert.deepEqual(world.jetStream.api, { total: 3, errors: 1, inflight: 0 });
});

test("too many requests are dropped together, and the next ones answered", async () => {
  const world = stage({ requestQueueLimit: 3 });
  const deletions = Array.from({ length: 4 }, () => ["STREAM.DELETE.S"] as const);
  assert.deepEqual(await world.ask(...deletions), []);
  assert.deepEqual(world.api.counts.inflight, 0);
  assert.ok(world.world.logLines.some((line) => /queue limit reached, dropping 4 requests/.test(line)));
  assert.equal((await world.ask(["STREAM.DELETE.S"], ["STREAM.DELETE.S"])).length, 2);
});

test("a request without a reply is carried out, and told like any other", async () => {
  const world = stage();
  world.peer.say("SUB $JS.EVENT.ADVISORY.API 7\r\n");
  world.peer.say(`PUB $JS.API.STREAM.CREATE.S ${IN_MEMORY.length}\r\n${IN_MEMORY}\r\n`);
  await world.world.clock.settled();
  assert.ok(world.owner.streams.has("S"));
  const [event] = world.peer.messages();
  const { request, subject, client } = JSON.parse(event.payload) as Record<string, unknown>;
  assert.deepEqual([subject, request], ["$JS.API.STREAM.CREATE.S", IN_MEMORY]);
  assert.deepEqual((client as { acc: string }).acc, "$G");
});

test("a fault of ours costs one answer, not the server", async () => {
  const world = stage();
  const stream = await world.stream({ name: "S" });
  stream.purge = () => Promise.reject(new Error("broken"));
  Object.defineProperty(stream, "store", {
    get: (): never => {
      throw new Error("very broken");
    },
  });
  const answers = await world.ask(["STREAM.PURGE.S"], ["STREAM.INFO.S"], ["STREAM.NAMES"]);
  assert.equal(answers.length, 1);
  assert.match(answers[0], /stream_names_response/);
  const faults = world.world.logLines.filter((line) => line.includes("broken"));
  assert.equal(faults.length, 2);
  assert.equal(world.api.counts.inflight, 0);
});

test("a request about a stream that is on its way back waits for it", async () => {
  const world = stage();
  const stream = await world.stream({ name: "S" });
  world.owner.streams.delete("S");
  const loaded = Promise.withResolvers<Stream | null>();
  world.owner.whenLoaded = () => loaded.promise;
  assert.deepEqual(await world.ask(["STREAM.INFO.S"]), []);
  world.owner.streams.set("S", stream);
  loaded.resolve(stream);
  await world.world.clock.settled();
  assert.match(world.answers()[0][1], /"config":\{"name":"S"/);
});

test("a stream that can't be brought back is shown as such", async () => {
  const world = stage();
  world.owner.damaged.set("D", { name: "D", folder: "/x", reason: "its file is damaged" });
  const answers = await world.ask(["STREAM.INFO.D"], ["STREAM.LIST"], ["STREAM.NAMES"]);
  assert.match(answers[0], /"err_code":10194,"description":"stream is offline: its file is damaged"/);
  assert.match(answers[1], /"total":1,.*"missing":\["D"\],"offline":\{"D":"its file is damaged"\}\}$/);
  assert.match(answers[2], /"streams":\["D"\]/);
});

test("an API that is closed neither answers nor listens", async () => {
  const world = stage();
  world.say("$JS.API.INFO");
  world.api.close();
  await world.world.clock.settled();
  assert.deepEqual(world.answers(), []);
  assert.match((await world.ask(["INFO"]))[0], /^NATS\/1.0 503/);
  assert.equal(world.jetStream.api.inflight, 0);
});

test("limits that would shut out a consumer that is there are refused", async () => {
  const world = stage();
  await world.ask(
    ["STREAM.CREATE.S", IN_MEMORY],
    [
      "CONSUMER.CREATE.S.C",
      '{"stream_name":"S","config":{"durable_name":"C","ack_policy":"explicit","max_ack_pending":50}}',
    ],
  );
  const update = (limits: object): string =>
    JSON.stringify({ ...JSON.parse(IN_MEMORY), consumer_limits: limits });
  const answers = await world.ask(
    ["STREAM.UPDATE.S", update({ max_ack_pending: 49 })],
    ["STREAM.UPDATE.S", update({ max_ack_pending: 50 })],
  );
  assert.match(answers[0], /"err_code":10069,"description":"change to limits violates consumers: C"/);
  assert.match(answers[1], /"consumer_limits":\{"max_ack_pending":50\}/);
});
