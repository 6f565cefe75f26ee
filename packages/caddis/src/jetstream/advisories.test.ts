import assert from "node:assert/strict";
import { test } from "node:test";
import { type Peer, TestBroker } from "../../../../test/support/test-broker.ts";
import { Advisories, tellApiLimitReached, tellOutOfStorage } from "./advisories.ts";

/** What a client hears of `tell` at `subject`, with id and time replaced. */
function heard(
  subject: string,
  tell: (advisories: Advisories, world: TestBroker) => void,
  domain = "",
): unknown[] {
  const world = new TestBroker();
  const peer = world.connect();
  peer.say(`SUB ${subject} 1\r\n`);
  peer.read();
  tell(new Advisories(world.broker.globalAccount, () => domain), world);
  return eventsOf(peer);
}

function eventsOf(peer: Peer): unknown[] {
  return peer.messages().map(({ subject, payload }) => {
    const event = JSON.parse(payload) as Record<string, unknown>;
    assert.match(String(event["id"]), /^[0-9A-Za-z]{22}$/);
    assert.match(String(event["timestamp"]), /^\d{4}-\d\d-\d\dT.*Z$/);
    assert.deepEqual(Object.keys(event).slice(0, 3), ["type", "id", "timestamp"]);
    const { type, id: _id, timestamp: _time, ...rest } = event;
    return [subject, String(type).replace("io.nats.jetstream.", ""), JSON.stringify(rest)];
  });
}

test("what happens to streams is told under their names", () => {
  const events = heard("$JS.EVENT.ADVISORY.STREAM.>", (advisories) => {
    advisories.streamCreated("S");
    advisories.streamUpdated("S");
    advisories.streamDeleted("S");
  });
  const event = (what: string, action: string): unknown => [
    `$JS.EVENT.ADVISORY.STREAM.${what}.S`,
    "advisory.v1.stream_action",
    `{"stream":"S","action":"${action}"}`,
  ];
  assert.deepEqual(events, [
    event("CREATED", "create"),
    event("UPDATED", "modify"),
    event("DELETED", "delete"),
  ]);
});

test("what happens to consumers and their messages is told with the domain", () => {
  const facts = { consumerSeq: 3, streamSeq: 7, deliveries: 2 };
  const events = heard(
    "$JS.EVENT.>",
    (advisories) => {
      advisories.consumerCreated("S", "C");
      advisories.consumerPaused("S", "C", true, { ms: 1_000, ns: 5 });
      advisories.consumerPaused("S", "C", false, null);
      advisories.groupPinned("S", "C", "g", "id");
      advisories.groupUnpinned("S", "C", "g", "timeout");
      advisories.maxDeliveries("S", "C", 7, 2);
      advisories.messageNaked("S", "C", facts);
      advisories.messageTerminated("S", "C", facts, "why");
      advisories.ackSampled("S", "C", facts, 55);
      advisories.consumerDeleted("S", "C");
    },
    "d",
  );
  const of = (what: string, type: string, rest: string): unknown => [
    `$JS.EVENT.ADVISORY.CONSUMER.${what}.S.C`,
    `advisory.v1.${type}`,
    `{${rest}}`,
  ];
  const names = '"stream":"S","consumer":"C"';
  const delivery = '"consumer_seq":3,"stream_seq":7,"deliveries":2';
  assert.deepEqual(events, [
    of("CREATED", "consumer_action", `${names},"action":"create","domain":"d"`),
    of(
      "PAUSE",
      "consumer_pause",
      `${names},"paused":true,"pause_until":"1970-01-01T00:00:01.000000005Z","domain":"d"`,
    ),
    of(
      "PAUSE",
      "consumer_pause",
      `${names},"paused":false,"pause_until":"0001-01-01T00:00:00Z","domain":"d"`,
    ),
    of(
      "PINNED",
      "consumer_group_pinned",
      `"account":"$G",${names},"domain":"d","group":"g","pinned_id":"id"`,
    ),
    of(
      "UNPINNED",
      "consumer_group_unpinned",
      `"account":"$G",${names},"domain":"d","group":"g","reason":"timeout"`,
    ),
    of("MAX_DELIVERIES", "max_deliver", `${names},"stream_seq":7,"deliveries":2,"domain":"d"`),
    of("MSG_NAKED", "nak", `${names},${delivery},"domain":"d"`),
    of("MSG_TERMINATED", "terminated", `${names},${delivery},"reason":"why","domain":"d"`),
    [
      "$JS.EVENT.METRIC.CONSUMER.ACK.S.C",
      "metric.v1.consumer_ack",
      `{${names},"consumer_seq":3,"stream_seq":7,"ack_time":55,"deliveries":2,"domain":"d"}`,
    ],
    of("DELETED", "consumer_action", `${names},"action":"delete","domain":"d"`),
  ]);
});

test("snapshots, restores and batches are told as the reference tells them", () => {
  const client = { acc: "$G", user: "u", jwt: "secret" };
  const start = { ms: 1_000, ns: 0 };
  const events = heard("$JS.EVENT.>", (advisories) => {
    advisories.snapshotCreated("S", { messages: 1 }, client);
    advisories.snapshotCompleted("S", start, { ms: 2_000, ns: 0 }, client, "");
    advisories.restoreCreated("S", null);
    advisories.restoreCompleted("S", start, start, 9, client);
    advisories.batchAbandoned("S", "b", "timeout");
  });
  const shown = '"client":{"acc":"$G","user":"u"}';
  const time = "1970-01-01T00:00:01Z";
  const of = (what: string, type: string, rest: string): unknown => [
    `$JS.EVENT.ADVISORY.STREAM.${what}.S`,
    `advisory.v1.${type}`,
    `{"stream":"S",${rest}}`,
  ];
  assert.deepEqual(events, [
    of("SNAPSHOT_CREATE", "snapshot_create", `"state":{"messages":1},${shown}`),
    of("SNAPSHOT_COMPLETE", "snapshot_complete", `"start":"${time}","end":"1970-01-01T00:00:02Z",${shown}`),
    of("RESTORE_CREATE", "restore_create", '"client":null'),
    of("RESTORE_COMPLETE", "restore_complete", `"start":"${time}","end":"${time}","bytes":9,${shown}`),
    of("BATCH_ABANDONED", "stream_batch_abandoned", '"batch":"b","reason":"timeout"'),
  ]);
});

test("requests are told with who asked and both texts", () => {
  const events = heard("$JS.EVENT.ADVISORY.API", (advisories) => {
    advisories.apiAudit("$JS.API.INFO", { acc: "$G", jwt: "secret" }, "", "<answer>");
    advisories.apiAudit("$JS.API.INFO", null, "{}", "x");
  });
  const [first, second] = events.map(
    (event) => JSON.parse(String((event as unknown[])[2])) as Record<string, unknown>,
  );
  assert.deepEqual(
    { ...first, server: "" },
    {
      server: "",
      client: { acc: "$G" },
      subject: "$JS.API.INFO",
      response: "<answer>",
    },
  );
  assert.deepEqual(Object.keys(second), ["server", "client", "subject", "request", "response"]);
});

test("nothing is made of what nobody listens to", () => {
  const { broker } = new TestBroker();
  broker.random.bytes = (length) => assert.fail(`an id of ${length} bytes`);
  new Advisories(broker.globalAccount, () => "").streamCreated("S");
});

test("the servers hear of dropped requests, full disks and batches", () => {
  const world = new TestBroker({
    system_account: "SYS",
    accounts: { SYS: { users: [{ user: "s", password: "p" }] }, A: {} },
  });
  const { systemAccount } = world.broker;
  assert.ok(systemAccount !== null);
  const heardThere: string[] = [];
  systemAccount.listen("$JS.EVENT.>", "", ({ payload }) => {
    const {
      id: _id,
      timestamp: _time,
      server: _server,
      server_id: _serverId,
      type,
      ...rest
    } = JSON.parse(payload.toString()) as Record<string, unknown>;
    heardThere.push(`${String(type).split(".").at(-1)} ${JSON.stringify(rest)}`);
  });
  tellApiLimitReached(systemAccount, "d", 5);
  tellOutOfStorage(systemAccount, "", "S");
  const account = world.broker.accounts.get("A");
  assert.ok(account !== undefined);
  new Advisories(account, () => "").batchAbandoned("S", "b", "large");
  return Promise.resolve().then(() =>
    assert.deepEqual(heardThere, [
      'api_limit_reached {"domain":"d","dropped":5}',
      'server_out_of_space {"stream":"S","cluster":""}',
      'stream_batch_abandoned {"account":"A","stream":"S","batch":"b","reason":"large"}',
    ]),
  );
});
