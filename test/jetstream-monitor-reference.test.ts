/** What monitoring and the system account say of JetStream, side by side with the reference server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AckPolicy, jetstream, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { compareAnswers, onBoth, skipWithoutReference } from "./support/monitored-side.ts";
import { findReferenceServer, OUR_SERVER } from "./support/server-process.ts";
import { type Question, SystemSide } from "./support/system-side.ts";

const skip = skipWithoutReference;

/** Two streams, a consumer, and a gap. */
async function play(nc: NatsConnection): Promise<void> {
  const manager = await jetstreamManager(nc);
  const storage = StorageType.Memory;
  await manager.streams.add({ name: "A", subjects: ["a.>"], max_bytes: 100_000, storage });
  await manager.streams.add({ name: "B", subjects: ["b"], max_msgs: 7, storage });
  await manager.consumers.add("A", { durable_name: "c", ack_policy: AckPolicy.Explicit });
  const client = jetstream(nc);
  for (const text of ["one", "two", "three"]) await client.publish("a.x", text);
  await client.publish("b", "b");
  await manager.streams.deleteMessage("A", 2);
}

const BLOCK = `jetstream {
  store_dir: js, max_mem: 100M, max_file: 1G, sync: always, domain: hub
  limits { max_request_batch: 50, max_ack_pending: 5000, max_ha_assets: 3, duplicate_window: "90s"
    batch { max_inflight_per_stream: 5, max_inflight_total: 6, max_msgs: 7, timeout: "3s" } }
}`;

const QUERIES = [
  ...[
    "",
    "?accounts=1",
    "?streams=1",
    "?consumers=1",
    "?consumers=1&config=1",
    "?consumers=1&config=1&raft=1",
    "?direct-consumers=1&consumers=1",
    "?acc=$G",
    "?acc=$G&streams=1",
    "?acc=nobody",
    "?acc=nobody&streams=1",
    "?accounts=1&offset=5",
    "?accounts=1&offset=-5&limit=-1",
    "?leader-only=1",
    "?stream-leader-only=1&streams=1",
    "?limit=x",
  ].map((query) => `/jsz${query}`),
  ...[
    "",
    "?details=1",
    "?js-enabled-only=1",
    "?js-server-only=1&account=nobody",
    "?js-meta-only=1",
    "?js-enabled=1&account=nobody",
    "?account=nobody",
    "?account=nobody&details=1",
  ].map((query) => `/healthz${query}`),
];

test("JetStream as monitoring shows it", { skip }, async () => {
  await onBoth(`server_name: n1\n${BLOCK}`, async (sides) => {
    await compareAnswers(sides, ["/varz", ...QUERIES]);
    for (const side of sides) {
      side.hasRunningNumbers = false;
      const nc = await connect({ port: side.server.port });
      await play(nc);
      await nc.close();
    }
    await compareAnswers(sides, QUERIES);
    // Of the rest of it bytes differ: times have more digits there.
    const [ours, theirs] = await Promise.all(
      sides.map(async (side) =>
        /"jetstream": [^]*?"tls_timeout"/.exec((await side.askForComparison("/varz")).text),
      ),
    );
    assert.equal(ours?.[0], theirs?.[0]);
  });
});

test("accounts say whether they have JetStream, and what its domain maps", { skip }, async () => {
  await onBoth(`server_name: n1\n${BLOCK}`, async (sides) => {
    for (const name of ["$G", "$SYS"]) {
      const [ours, theirs] = await Promise.all(
        sides.map(async (side) => {
          const { text } = await side.ask(`/accountz?acc=${name}`);
          const { account_detail: detail } = JSON.parse(text) as {
            account_detail: { jetstream_enabled: boolean; mappings?: object };
          };
          return JSON.stringify([detail.jetstream_enabled, detail.mappings]);
        }),
      );
      assert.equal(ours, theirs, name);
    }
  });
});

test("JetStream that is off says so", { skip }, async () => {
  await onBoth("server_name: n1\njetstream: disabled\n", (sides) => compareAnswers(sides, QUERIES));
});

test("limits that the server works out by itself", { skip }, async () => {
  const config = 'server_name: n1\njetstream { store_dir: js, sync: "5s", strict: false }';
  await onBoth(config, async (sides) => {
    for (const target of ["/jsz", "/varz"]) {
      const shown = await Promise.all(
        sides.map(async (side) => {
          const { text } = await side.askForComparison(target);
          // The machine's, whose free space is another one a moment later.
          return text.replaceAll(/"max_(memory|storage)": \d{8,}/g, '"max_$1": "<bytes>"');
        }),
      );
      assert.equal(shown[0], shown[1]);
    }
  });
});

const ACCOUNTS = `
server_name: n1
${BLOCK}
accounts {
  SYS { users: [{user: sys, password: sys}] }
  A { users: [{user: a, password: a}], jetstream: { max_mem: 1000000, max_store: 2000000, max_streams: 5 } }
  B { users: [{user: b, password: b}], jetstream: enabled }
  C { users: [{user: c, password: c}] }
}
system_account: SYS
`;

const QUESTIONS: readonly Question[] = [
  ...[
    "",
    '{"accounts":true}',
    '{"consumer":true,"config":true}',
    '{"account":"A","streams":true}',
    '{"leader_only":true}',
  ].map((body): Question => ["$SYS.REQ.SERVER.<id>.JSZ", body]),
  ["$SYS.REQ.SERVER.PING.JSZ", '{"accounts":true,"limit":1}'],
  ["$SYS.REQ.SERVER.PING.JSZ", '{"domain":"hub"}'],
  ["$SYS.REQ.SERVER.PING.JSZ", '{"domain":"other"}'],
  ...["A", "B", "C", "SYS", "nobody"].map((name): Question => [
    `$SYS.REQ.ACCOUNT.${name}.JSZ`,
    '{"streams":true}',
  ]),
  ["$SYS.REQ.ACCOUNT.A.JSZ", '{"consumer":true}'],
  ["$SYS.REQ.SERVER.<id>.HEALTHZ"],
  ["$SYS.REQ.SERVER.<id>.HEALTHZ", '{"account":"C","details":true}'],
  ["$SYS.REQ.SERVER.<id>.HEALTHZ", '{"js-enabled-only":true,"account":"C"}'],
  ["$SYS.REQ.SERVER.<id>.STATSZ"],
];

test("JetStream as the system account shows it", { skip }, async () => {
  const commands = [OUR_SERVER, findReferenceServer() ?? ""];
  const sides = await Promise.all(commands.map((command) => SystemSide.start(command, ACCOUNTS)));
  try {
    for (const side of sides) await play(await side.connect("a"));
    for (const question of QUESTIONS) {
      const [our, their] = sides;
      const theirs = await their.ask(question);
      const ours = await our.ask(question, theirs.length);
      const text = JSON.stringify(question);
      assert.deepEqual(ours, theirs, text);
      // The order of keys, too.
      assert.equal(JSON.stringify(ours), JSON.stringify(theirs), text);
    }
  } finally {
    await Promise.all(sides.map((side) => side.stop()));
  }
});
