import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { nanos, type NatsConnection } from "@nats-io/transport-node";
import {
  AckPolicy,
  jetstream,
  jetstreamManager,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import type { SeededRandom } from "../packages/caddis/src/io/seeded-random.ts";

const KEYS = 2000;
/** Publishers to the work queue, each with one message under way. */
export const WINDOW = 32;
const RING_MSGS_MAX = 10_000;
const RING_AGE_MS = 30_000;
const BRIEF_AGE_MS = 2000;
const TTL_SECONDS = 2;
/** What is too old is gone so much later at the latest, on a machine that does other things as well. */
const AGE_SLACK_MS = 8000;
/** How often limits are looked at. */
const LOOK_MS = 2000;

/** What is to come, kept over all lives of the server. */
export interface Work {
  /** Numbers handed in and not yet seen by the worker. */
  readonly outstanding: Set<number>;
  next: number;
  consumed: number;
  lastConsumedMs: number;
  /** By key, the value that was put last; null: it was deleted. */
  readonly values: Map<string, string | null>;
}

export function newWork(): Work {
  return {
    outstanding: new Set(),
    next: 0,
    consumed: 0,
    lastConsumedMs: performance.now(),
    values: new Map(),
  };
}

/** Makes the streams, or finds them. */
export async function prepare(nc: NatsConnection): Promise<void> {
  const manager = await jetstreamManager(nc);
  await manager.streams.add({ name: "WORK", subjects: ["work.*"], retention: RetentionPolicy.Workqueue });
  await manager.consumers.add("WORK", {
    durable_name: "worker",
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(2000),
    max_ack_pending: 5000,
  });
  await manager.streams.add({
    name: "RING",
    subjects: ["ring.>"],
    max_msgs: RING_MSGS_MAX,
    max_age: nanos(RING_AGE_MS),
  });
  await manager.streams.add({
    name: "BRIEF",
    subjects: ["brief.*"],
    storage: StorageType.Memory,
    max_age: nanos(BRIEF_AGE_MS),
  });
  await manager.streams.add({ name: "TTL", subjects: ["ttl.*"], allow_msg_ttl: true });
}

/** Hands in work, one piece after the other. */
export async function handIn(nc: NatsConnection, work: Work, isOver: () => boolean): Promise<void> {
  const client = jetstream(nc);
  while (!isOver()) {
    const number = work.next++;
    work.outstanding.add(number);
    await client.publish(`work.${number % 5}`, String(number), { timeout: 20_000 });
  }
}

/** Takes work out. */
export async function consume(nc: NatsConnection, work: Work, isOver: () => boolean): Promise<void> {
  const consumer = await jetstream(nc).consumers.get("WORK", "worker");
  while (!isOver()) {
    for await (const message of await consumer.fetch({ max_messages: 200, expires: 1000 })) {
      work.outstanding.delete(Number(message.string()));
      work.consumed++;
      work.lastConsumedMs = performance.now();
      message.ack();
    }
  }
}

/** Streams that overflow, expire, are purged, made and removed. */
export async function churn(nc: NatsConnection, random: SeededRandom, isOver: () => boolean): Promise<void> {
  const client = jetstream(nc);
  const manager = await jetstreamManager(nc);
  for (let i = 0; !isOver(); i++) {
    const batch = Array.from({ length: 100 }, (_, n) => {
      if (n % 10 === 0) return client.publish(`ttl.${n}`, "x", { ttl: `${TTL_SECONDS}s` });
      const subject = n % 2 === 0 ? `ring.${random.below(50)}.${n}` : `brief.${n}`;
      return client.publish(subject, "x".repeat(random.below(2000)));
    });
    await Promise.all(batch);
    if (i % 50 === 0) await purge(manager, `ring.${random.below(50)}.>`);
    if (i % 20 === 0) {
      const name = `TEMP${i % 3}`;
      await manager.streams.add({ name, subjects: [`temp.${name}`] });
      const consumer = await client.consumers.get(name);
      await client.publish(`temp.${name}`, "x");
      assert.ok((await consumer.next({ expires: 5000 })) !== null, `nothing comes of ${name}`);
      await manager.streams.delete(name);
    }
    await sleep(5);
  }
}

/** Nobody else publishes to what is purged. */
async function purge(manager: JetStreamManager, filter: string): Promise<void> {
  await manager.streams.purge("RING", { filter });
  const { state } = await manager.streams.info("RING", { subjects_filter: filter });
  assert.deepEqual(Object.keys(state.subjects ?? {}), [], `${filter} was purged`);
}

/** Puts, gets and deletes keys: each is what it was last made, also after a restart. */
export async function keys(
  nc: NatsConnection,
  random: SeededRandom,
  work: Work,
  isOver: () => boolean,
): Promise<void> {
  const kv = await new Kvm(nc).create("soak", { history: 2 });
  while (!isOver()) {
    const key = `key.${random.below(KEYS)}`;
    const known = work.values.get(key);
    const entry = await kv.get(key);
    const found = entry === null || entry.operation !== "PUT" ? null : entry.string();
    if (known !== undefined) assert.equal(found, known, `${key} is not what it was`);
    if (random.below(10) === 0) {
      await kv.delete(key);
      work.values.set(key, null);
    } else {
      const value = String(random.below(1_000_000));
      await kv.put(key, value);
      work.values.set(key, value);
    }
  }
}

/** Whether streams keep to their limits. */
export async function checkLimits(nc: NatsConnection, isOver: () => boolean): Promise<void> {
  const manager = await jetstreamManager(nc);
  while (!isOver()) {
    const { state } = await manager.streams.info("RING");
    assert.ok(state.messages <= RING_MSGS_MAX, `RING has ${state.messages} messages`);
    await checkAge(manager, "RING", RING_AGE_MS);
    await checkAge(manager, "BRIEF", BRIEF_AGE_MS);
    await checkAge(manager, "TTL", TTL_SECONDS * 1000);
    await sleep(LOOK_MS);
  }
}

async function checkAge(manager: JetStreamManager, name: string, maxMs: number): Promise<void> {
  const { state } = await manager.streams.info(name);
  if (state.messages === 0) return;
  const ageMs = Date.now() - Date.parse(state.first_ts);
  assert.ok(ageMs < maxMs + AGE_SLACK_MS, `${name} has a message of ${ageMs} ms`);
}
