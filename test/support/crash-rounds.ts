import { connect, type NatsConnection } from "@nats-io/transport-node";
import { AckPolicy, jetstream, jetstreamManager, type JetStreamClient } from "@nats-io/jetstream";
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SeededRandom } from "../../packages/caddis/src/io/seeded-random.ts";
import { ServerProcess } from "./server-process.ts";

const STREAM = "CRASH";
const DURABLE = "reader";
/** How many messages a publisher has under way, so that a kill hits some in every state. */
const IN_FLIGHT = 64;
/** The kill comes at a moment up to here: chance is what this is about, nothing waits for it. */
const KILL_AFTER_MS_MAX = 250;
const FETCH_SIZE = 50;
const FETCH_EXPIRES_MS = 1000;

/** What is known of a run: kept over all kills, compared at the end. */
interface Ledger {
  /** Acknowledged messages: their number, by sequence. */
  readonly acknowledged: Map<number, number>;
  /** Everything that was ever sent, acknowledged or not. */
  sent: number;
  /** Sequences for which an acknowledgement was sent to the server: it may have them or not, */
  readonly acked: Set<number>;
  /** but where it confirmed them it has. */
  readonly confirmed: Set<number>;
  redeliveredAfterConfirm: number[];
}

export interface CrashReport {
  readonly rounds: number;
  readonly acknowledged: number;
  readonly stored: number;
  readonly confirmed: number;
}

/**
 * Kills a server `rounds` times at random moments while messages are published and consumed, starts it again on the
 * same files, and throws unless every acknowledged message is there once, at its sequence, and no message whose
 * consumption was confirmed is delivered again. `command`: the server's executable.
 */
export async function crashRounds(command: string, rounds: number, seed: number): Promise<CrashReport> {
  const random = new SeededRandom(seed);
  const folder = await mkdtemp(join(tmpdir(), "caddis-crash-"));
  const ledger: Ledger = {
    acknowledged: new Map(),
    sent: 0,
    acked: new Set(),
    confirmed: new Set(),
    redeliveredAfterConfirm: [],
  };
  const start = (): Promise<ServerProcess> => ServerProcess.start({ command, args: ["-js", "-sd", folder] });
  try {
    for (let round = 0; round < rounds; round++) {
      const server = await start();
      try {
        await prepare(server);
        await interrupted(server, ledger, random.below(KILL_AFTER_MS_MAX));
      } finally {
        await server.stop("SIGKILL");
      }
    }
    const server = await start();
    try {
      return { rounds, ...(await verify(server, ledger)) };
    } finally {
      await server.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function open(server: ServerProcess): Promise<NatsConnection> {
  return connect({ servers: `127.0.0.1:${server.port}`, reconnect: false, timeout: 20_000 });
}

async function prepare(server: ServerProcess): Promise<void> {
  const nc = await open(server);
  const manager = await jetstreamManager(nc);
  await manager.streams.add({ name: STREAM, subjects: ["crash.*"] });
  await manager.consumers.add(STREAM, {
    durable_name: DURABLE,
    ack_policy: AckPolicy.Explicit,
    ack_wait: 1_000_000_000,
    max_ack_pending: 10_000,
  });
  await nc.close();
}

/** Publishes and consumes until the server is killed. */
async function interrupted(server: ServerProcess, ledger: Ledger, killAfterMs: number): Promise<void> {
  const nc = await open(server);
  const client = jetstream(nc);
  const state = { isKilled: false };
  const publishers = Array.from({ length: IN_FLIGHT }, () => publishUntil(client, ledger, state));
  const consumer = consumeUntil(client, ledger, state);
  await sleep(killAfterMs);
  state.isKilled = true;
  server.signal("SIGKILL");
  await server.exited;
  await nc.close().catch(() => {});
  await Promise.all([...publishers, consumer]);
}

async function publishUntil(
  client: JetStreamClient,
  ledger: Ledger,
  state: { isKilled: boolean },
): Promise<void> {
  while (!state.isKilled) {
    const number = ledger.sent++;
    try {
      const ack = await client.publish(`crash.${number % 7}`, String(number), {
        timeout: 10_000,
        retries: 0,
      });
      assert.equal(ledger.acknowledged.get(ack.seq), undefined, `sequence ${ack.seq} was given out twice`);
      ledger.acknowledged.set(ack.seq, number);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      // Not acknowledged: it may be there or not.
      return;
    }
  }
}

async function consumeUntil(
  client: JetStreamClient,
  ledger: Ledger,
  state: { isKilled: boolean },
): Promise<void> {
  try {
    const consumer = await client.consumers.get(STREAM, DURABLE);
    while (!state.isKilled) {
      const messages = await consumer.fetch({ max_messages: FETCH_SIZE, expires: FETCH_EXPIRES_MS });
      const confirmations: Promise<void>[] = [];
      for await (const message of messages) {
        if (ledger.confirmed.has(message.seq)) ledger.redeliveredAfterConfirm.push(message.seq);
        const { seq } = message;
        ledger.acked.add(seq);
        confirmations.push(
          message.ackAck().then((isConfirmed) => {
            if (isConfirmed) ledger.confirmed.add(seq);
          }),
        );
      }
      await Promise.allSettled(confirmations);
    }
  } catch {
    // The server is gone, which is what this is about.
  }
}

async function verify(server: ServerProcess, ledger: Ledger): Promise<Omit<CrashReport, "rounds">> {
  const nc = await open(server);
  const client = jetstream(nc);
  const manager = await jetstreamManager(nc);
  const { state } = await manager.streams.info(STREAM);
  const seen = new Map<string, number>();
  let last = 0;
  const reader = await client.consumers.get(STREAM);
  const messages = await reader.consume({ max_messages: 1000 });
  if (state.messages > 0) {
    for await (const message of messages) {
      const text = message.string();
      assert.ok(message.seq > last, "sequences ascend");
      last = message.seq;
      assert.equal(seen.get(text), undefined, `message ${text} is there twice`);
      assert.ok(Number(text) < ledger.sent, `message ${text} was never sent`);
      seen.set(text, message.seq);
      if (message.seq >= state.last_seq) break;
    }
  }
  for (const [seq, number] of ledger.acknowledged) {
    assert.equal(seen.get(String(number)), seq, `message ${number}, acknowledged as ${seq}, is not there`);
  }
  // What was confirmed must not come again; what nobody acknowledged must come.
  const rest = new Set([...seen.values()].filter((seq) => !ledger.acked.has(seq)));
  const consumer = await client.consumers.get(STREAM, DURABLE);
  while (rest.size > 0) {
    const batch = await consumer.fetch({ max_messages: FETCH_SIZE, expires: 5 * FETCH_EXPIRES_MS });
    let delivered = 0;
    for await (const message of batch) {
      if (ledger.confirmed.has(message.seq)) ledger.redeliveredAfterConfirm.push(message.seq);
      rest.delete(message.seq);
      delivered++;
      message.ack();
    }
    assert.deepEqual(ledger.redeliveredAfterConfirm, [], "confirmed messages came again");
    assert.ok(delivered > 0, `${rest.size} messages were neither acknowledged nor delivered`);
  }
  await nc.close();
  return { acknowledged: ledger.acknowledged.size, stored: seen.size, confirmed: ledger.confirmed.size };
}
