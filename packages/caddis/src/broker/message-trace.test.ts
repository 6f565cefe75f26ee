import assert from "node:assert/strict";
import { test } from "node:test";
import {
  account,
  AccountWorld,
  serviceExport,
  serviceImport,
} from "../../../../test/support/account-world.ts";
import { QUIET, TestBroker } from "../../../../test/support/test-broker.ts";
import type { MessageTrace, TraceStep } from "./message-trace.ts";

const SAMPLED = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/** A broker that keeps its traces. */
function tracing(...options: ConstructorParameters<typeof TestBroker>): {
  readonly world: TestBroker;
  readonly traces: MessageTrace[];
} {
  const world = new TestBroker(...options);
  const traces: MessageTrace[] = [];
  world.broker.traces = { send: (trace) => void traces.push(trace) };
  return { world, traces };
}

function hpub(subject: string, ...fields: readonly string[]): string {
  const block = `NATS/1.0\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n`;
  return `HPUB ${subject} ${block.length} ${block.length}\r\n${block}\r\n`;
}

function obstacles({ steps }: MessageTrace): (string | undefined)[] {
  return steps.filter((step) => step.type === "eg").map(({ error }) => error);
}

test("a message is traced when it asks for that, and the next is not", () => {
  const { world, traces } = tracing();
  const peer = world.connect();
  peer.say("SUB a 1\r\n");
  peer.say(`${hpub("a", "Nats-Trace-Dest: t")}PUB a 0\r\n\r\n${hpub("a", "X: y")}`);
  assert.equal(traces.length, 1);
  assert.deepEqual(
    traces[0].steps.map(({ type }: TraceStep) => type),
    ["in", "eg"],
  );
  assert.equal(peer.client.subscriptions.size, 1);
  assert.equal(peer.read().match(/^H?MSG a 1/gm)?.length, 3);
});

test("a message that nobody wanted before is traced all the same", () => {
  const { world, traces } = tracing();
  const peer = world.connect();
  peer.say(`PUB a 0\r\n\r\nPUB a 0\r\n\r\n${hpub("a", "Nats-Trace-Dest: t")}`);
  assert.equal(traces.length, 1);
});

test("where nobody takes traces, trace only still holds messages back", () => {
  const world = new TestBroker();
  const peer = world.connect();
  peer.say(`SUB a 1\r\n${hpub("a", "Nats-Trace-Dest: t", "Nats-Trace-Only: 1")}`);
  assert.equal(peer.read(), "");
});

test("trace only neither counts for a subscription nor ends it", () => {
  const { world, traces } = tracing();
  const peer = world.connect();
  peer.say(`SUB a 1\r\nUNSUB 1 1\r\n${hpub("a", "Nats-Trace-Dest: t", "Nats-Trace-Only: 1")}PUB a 0\r\n\r\n`);
  assert.deepEqual(obstacles(traces[0]), [undefined]);
  assert.match(peer.read(), /^MSG a 1 0\r\n/);
});

test("a connection that is gone, or behind, gets nothing, and the trace says so", () => {
  const { world, traces } = tracing({
    no_fast_producer_stall: true,
    max_payload: 100_000,
    max_pending: 1_000_000,
  });
  const publisher = world.connect();
  const gone = world.connect();
  gone.say("SUB a 1\r\n");
  gone.client.outbound.close();
  const behind = world.connect();
  behind.say("SUB a 1\r\n");
  behind.pipe.takesAll = false;
  const large = "x".repeat(10_000);
  for (let i = 0; i < 90; i++) publisher.say(`PUB a ${large.length}\r\n${large}\r\n`);
  publisher.say(hpub("a", "Nats-Trace-Dest: t", `X: ${large.repeat(9)}`));
  const found = new Map(
    traces[0].steps.map((step) => (step.type === "eg" ? [step.cid, step.error] : [0, ""])),
  );
  assert.equal(found.get(gone.client.cid), "Not delivered because client is closed");
  assert.equal(
    found.get(behind.client.cid),
    "Not delivered because fast producer not stalled and consumer is slow",
  );
});

test("a trace holds so many steps and no more", () => {
  const { world, traces } = tracing();
  const peer = world.connect();
  for (let sid = 0; sid < 10_050; sid++) peer.say(`SUB a ${sid}\r\n`);
  peer.say(hpub("a", "Nats-Trace-Dest: t", "Nats-Trace-Only: 1"));
  assert.equal(traces[0].steps.length, 10_000);
});

test("an account's share of the sampled messages is traced, and the others say that they are not", () => {
  const { world, traces } = tracing({
    accounts: { A: { users: [{ user: "u", password: "p" }], msg_trace: { dest: "t", sampling: 30 } } },
  });
  const peer = world.connect(QUIET.replace("{", '{"user":"u","pass":"p",'));
  peer.say("SUB a 1\r\n");
  for (let i = 0; i < 1_000; i++) peer.say(hpub("a", SAMPLED));
  const disabled = peer.read().match(/^Nats-Trace-Dest: trace disabled\r$/gm)?.length ?? 0;
  assert.equal(traces.length + disabled, 1_000);
  assert.ok(traces.length > 230 && traces.length < 370, `${traces.length} of 1000`);
  assert.ok(traces.every(({ destination, account }) => destination === "t" && account.name === "A"));
});

test("an account that is changed is traced as it says now", () => {
  const { world } = tracing();
  const { accounts } = world.broker;
  const config = { ...accounts.configOf("J"), msg_trace: { dest: "t", sampling: 5 } };
  accounts.update(config);
  assert.deepEqual(accounts.get("J")?.trace, { dest: "t", sampling: 5 });
  const { msg_trace: _, ...untraced } = config;
  accounts.update(untraced);
  assert.equal(accounts.get("J")?.trace, null);
});

test("trace only leaves nobody waiting for an answer, and answers nobody", () => {
  const world = new AccountWorld([
    account("A", { exports: [serviceExport("s", { allow_trace: true })] }),
    account("B", { imports: [serviceImport("A", "s")] }),
  ]);
  const service = world.connect("A", "s");
  const asker = world.connect("B", "r");
  const only = ["Nats-Trace-Dest: t", "Nats-Trace-Only: 1"];
  const [imported] = world.accounts.get("B")?.imports.services ?? [];
  asker.say(hpub("s r", ...only));
  assert.deepEqual([service.read(), imported.answers.count], ["", 0]);

  asker.say("PUB s r 0\r\n\r\n");
  const reply = /_R_\S+/.exec(service.read())?.[0] ?? "";
  service.say(hpub(reply, ...only));
  assert.deepEqual([asker.read(), imported.answers.count], ["", 1]);
  service.say(`PUB ${reply} 0\r\n\r\n`);
  assert.match(asker.read(), /^MSG r 1 0\r\n/);
});
