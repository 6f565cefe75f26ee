import type { ApiCall } from "../load/operations.ts";
import type { Measurements } from "../metrics.ts";
import { messageCounts, throughputOf, type Scenario } from "./scenario.ts";

const STREAM = "BENCH";
const BUCKET = "KV_bench";
const KEYS = "$KV.bench.";

/**
 * Least messages of a warm-up, each published and acknowledged alone or with others: what runs this often is compiled.
 * By share of a short phase it would not be, and a server starts once.
 */
const WARM_UP_ALONE = 50_000;
const WARM_UP_TOGETHER = 100_000;

/** Creates the stream that cases publish to. */
function createStream(storage: "file" | "memory", subjects: string, max_consumers = -1): ApiCall {
  const config = {
    name: STREAM,
    subjects: [subjects],
    storage,
    retention: "limits",
    num_replicas: 1,
    max_consumers,
  };
  return { subject: `$JS.API.STREAM.CREATE.${STREAM}`, payload: JSON.stringify(config) };
}

/** Creates a bucket as the clients do. */
function createBucket(): ApiCall {
  const config = {
    name: BUCKET,
    subjects: [`${KEYS}>`],
    storage: "file",
    retention: "limits",
    discard: "new",
    max_msgs_per_subject: 1,
    num_replicas: 1,
    allow_rollup_hdrs: true,
    deny_delete: true,
    allow_direct: true,
  };
  return { subject: `$JS.API.STREAM.CREATE.${BUCKET}`, payload: JSON.stringify(config) };
}

/** Messages published with `window` of them not yet acknowledged. */
export function publishing(shape: {
  readonly storage: "file" | "memory";
  readonly payloadBytes: number;
  readonly window: number;
  /** Acknowledged messages per second with the reference on a small machine; sizes the run, nothing else. */
  readonly perSecond: number;
}): Scenario {
  const { storage, payloadBytes, window, perSecond } = shape;
  return async (server, load, scale) => {
    await load.call("openJetStream", { port: server.port });
    await load.call("api", { calls: [createStream(storage, "bench")] });
    const { messages, warmUp: share } = messageCounts(perSecond, 1, scale);
    const warmUp = scale.short ? share : Math.max(share, window === 1 ? WARM_UP_ALONE : WARM_UP_TOGETHER);
    const plan = { subject: "bench", numbered: false, distinct: 1, payloadBytes, window, inOrder: true };
    const warmed = await load.call("runWindow", { ...plan, count: warmUp });
    // At its own pace: what takes one server long the other would have done before it is at full speed.
    const atItsPace = Math.round((warmUp / warmed.elapsedMicros) * 1e6 * scale.seconds);
    const count = scale.short ? messages : Math.max(messages, atItsPace);
    const cpuBefore = server.cpu();
    const result = await load.call("runWindow", { ...plan, count });
    const measured = throughputOf(count, result, cpuBefore, server.cpu());
    await expectMessages(load, count + warmUp);
    if (window > 1) return measured;
    return { ...measured, latencyP50: result.latencyP50Micros, latencyP99: result.latencyP99Micros };
  };
}

async function expectMessages(load: Parameters<Scenario>[1], count: number): Promise<void> {
  const info = await load.call("api", { calls: [{ subject: `$JS.API.STREAM.INFO.${STREAM}`, payload: "" }] });
  if (!info.includes(`"messages":${count},`)) throw new Error(`not ${count} messages: ${info}`);
}

/** Reading a stream back by a pull consumer. */
export function consuming(shape: {
  readonly acknowledge: boolean;
  readonly payloadBytes: number;
  readonly batch: number;
  readonly perSecond: number;
}): Scenario {
  const { acknowledge, payloadBytes, batch, perSecond } = shape;
  return async (server, load, scale) => {
    await load.call("openJetStream", { port: server.port });
    const consumer = {
      stream_name: STREAM,
      config: {
        durable_name: "C",
        ack_policy: acknowledge ? "explicit" : "none",
        max_ack_pending: acknowledge ? 4 * batch : -1,
        deliver_policy: "all",
        replay_policy: "instant",
      },
    };
    await load.call("api", { calls: [createStream("file", "bench")] });
    const { messages, warmUp } = messageCounts(perSecond, batch, scale);
    await load.call("runWindow", {
      subject: "bench",
      numbered: false,
      distinct: 1,
      payloadBytes,
      window: 4096,
      count: messages + warmUp,
      inOrder: false,
    });
    await load.call("api", {
      calls: [{ subject: `$JS.API.CONSUMER.DURABLE.CREATE.${STREAM}.C`, payload: JSON.stringify(consumer) }],
    });
    const plan = { stream: STREAM, consumer: "C", batch, acknowledge };
    await load.call("consume", { ...plan, count: warmUp });
    const cpuBefore = server.cpu();
    const span = await load.call("consume", { ...plan, count: messages });
    return throughputOf(messages, span, cpuBefore, server.cpu());
  };
}

/** Puts into a bucket with so many keys, or gets by key, or the watch of all keys. */
export function keyValue(shape: {
  readonly what: "put" | "get" | "watch";
  readonly keys: number;
  readonly perSecond: number;
}): Scenario {
  const { what, perSecond } = shape;
  return async (server, load, scale) => {
    const keys = scale.short ? 1000 : shape.keys;
    await load.call("openJetStream", { port: server.port });
    await load.call("api", { calls: [createBucket()] });
    const before = server.memory().residentMib;
    const put = {
      subject: `${KEYS}key`,
      numbered: true,
      distinct: keys,
      payloadBytes: 128,
      window: 1024,
      inOrder: false,
    };
    await load.call("runWindow", { ...put, count: keys });
    const bytesPerKey = ((server.memory().residentMib - before) * 1024 * 1024) / keys;
    let cpuBefore = server.cpu();
    const measured = (
      messages: number,
      span: { elapsedMicros: number; loadCpuMicros: number },
    ): Measurements => ({
      ...throughputOf(messages, span, cpuBefore, server.cpu()),
      bytesPerKey,
    });
    if (what === "watch") {
      const config = {
        deliver_policy: "last_per_subject",
        ack_policy: "none",
        filter_subject: `${KEYS}>`,
        deliver_subject: "{inbox}",
        max_deliver: 1,
        mem_storage: true,
        num_replicas: 1,
      };
      const create = {
        subject: `$JS.API.CONSUMER.CREATE.${BUCKET}`,
        payload: JSON.stringify({ stream_name: BUCKET, config }),
      };
      // The first one warms up: a server starts once.
      if (!scale.short) await load.call("watch", { create, count: keys });
      cpuBefore = server.cpu();
      return measured(keys, await load.call("watch", { create, count: keys }));
    }
    const { messages } = messageCounts(perSecond, 1, scale);
    const get = { ...put, subject: `$JS.API.DIRECT.GET.${BUCKET}.${KEYS}key`, payloadBytes: 0, window: 64 };
    return measured(
      messages,
      await load.call("runWindow", { ...(what === "put" ? put : get), count: messages }),
    );
  };
}

/** Publishing to a stream with many consumers, each with a filter of its own. */
export function manyConsumers(shape: { readonly consumers: number; readonly perSecond: number }): Scenario {
  return async (server, load, scale) => {
    const consumers = scale.short ? 50 : shape.consumers;
    await load.call("openJetStream", { port: server.port });
    const calls: ApiCall[] = [createStream("file", "bench.>", 2 * consumers)];
    for (let i = 0; i < consumers; i++) {
      const name = `C${i}`;
      const filter_subject = `bench.${String(i).padStart(9, "0")}`;
      const config = { durable_name: name, ack_policy: "explicit", deliver_policy: "all", filter_subject };
      calls.push({
        subject: `$JS.API.CONSUMER.CREATE.${STREAM}.${name}.${filter_subject}`,
        payload: JSON.stringify({ stream_name: STREAM, config: { ...config, name } }),
      });
    }
    await load.call("api", { calls });
    const { messages, warmUp } = messageCounts(shape.perSecond, 1, scale);
    const plan = {
      subject: "bench.",
      numbered: true,
      distinct: consumers,
      payloadBytes: 128,
      window: 4096,
      inOrder: true,
    };
    await load.call("runWindow", { ...plan, count: warmUp });
    const cpuBefore = server.cpu();
    const span = await load.call("runWindow", { ...plan, count: messages });
    return throughputOf(messages, span, cpuBefore, server.cpu());
  };
}
