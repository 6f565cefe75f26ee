import assert from "node:assert/strict";
import { test } from "node:test";
import { consumerConfigProblem, isGroupName } from "./consumer-config-check.ts";
import type { ConsumerConfig } from "./consumer-config.ts";
import { consumerConfigOf } from "./consumer-config-decode.ts";
import { type ConsumerBounds, withConsumerDefaults, withThreshold } from "./consumer-config-defaults.ts";
import type { StreamConfig } from "./stream-config.ts";
import { streamConfigOf } from "./stream-config-decode.ts";

const MS = 1_000_000;
const SECOND = 1_000_000_000;
const TIME = { ms: 0, ns: 0 };
const UNBOUNDED: ConsumerBounds = {
  serverMaxAckPending: 0,
  serverMaxRequestBatch: 0,
  accountMaxAckPending: -1,
};
const STREAM = { name: "S", subjects: ["a.>", "b"], num_replicas: 1 };

interface Asked {
  readonly config: Partial<ConsumerConfig>;
  readonly stream?: Partial<StreamConfig>;
  readonly bounds?: Partial<ConsumerBounds>;
  readonly isPedantic?: boolean;
}

/** The number and the text of what is wrong, through defaults and checks; null: nothing. */
function problemOf({ config, stream, bounds, isPedantic = false }: Asked): readonly [number, string] | null {
  const place = streamConfigOf({ ...STREAM, ...stream } as Parameters<typeof streamConfigOf>[0]);
  const limits = { ...UNBOUNDED, ...bounds };
  const settled = withConsumerDefaults({ ...consumerConfigOf({}), ...config }, place, limits, isPedantic);
  const error = "error" in settled ? settled.error : consumerConfigProblem(settled.config, place, limits);
  return error === null ? null : [error.err_code, error.description];
}

const PUSH = { deliver_subject: "to" } as const;
const FLOW = { ack_policy: "flow_control", deliver_subject: "to" } as const;
const NAME_TEXT = "name can not contain '.', '*', '>', '\\', '/'";

const REFUSED: readonly (readonly [Asked, number, string?])[] = [
  [{ config: { name: "a.b" } }, 10052, `consumer ${NAME_TEXT}`],
  [{ config: { durable_name: "a b" } }, 10052, `consumer durable ${NAME_TEXT}`],
  [{ config: { num_replicas: 3 } }, 10126],
  [{ config: { num_replicas: -1 } }, 10133],
  [
    {
      config: { num_replicas: 1, ack_policy: "explicit" },
      stream: { retention: "workqueue", num_replicas: 3 },
    },
    10134,
  ],
  [{ config: { backoff: [-1] } }, 10184],
  [{ config: { ack_wait: -1 } }, 10183],
  [{ config: { ack_policy: "flow_control" } }, 10218],
  [{ config: { ...FLOW }, isPedantic: true }, 10219],
  [
    { config: { ...FLOW, flow_control: true, idle_heartbeat: 2 * SECOND }, isPedantic: true },
    10052,
    "flow control ack policy heartbeat needs to be 1s",
  ],
  [{ config: { ...FLOW, max_ack_pending: -1 } }, 10220],
  [{ config: { ...FLOW, ack_wait: 1 } }, 10221],
  [{ config: { ...FLOW, backoff: [1] } }, 10221],
  [{ config: { ...FLOW, max_deliver: 1 } }, 10222],
  [{ config: { backoff: [1, 2], max_deliver: 1 } }, 10116],
  [
    { config: { description: "é".repeat(2_049) } },
    10107,
    "consumer description is too long, maximum allowed is 4096",
  ],
  [{ config: { deliver_subject: "x.*" } }, 10079],
  [{ config: { deliver_subject: "x..y" } }, 10112],
  [{ config: { deliver_subject: "a.x" } }, 10081],
  [{ config: { ...PUSH, max_waiting: 1 } }, 10080],
  [{ config: { ...PUSH, max_ack_pending: 1 } }, 10082],
  [{ config: { ...PUSH, idle_heartbeat: 99 * MS } }, 10083],
  [{ config: {}, stream: { retention: "workqueue" } }, 10084],
  [{ config: { rate_limit_bps: 1 } }, 10086],
  [{ config: { idle_heartbeat: SECOND } }, 10088],
  [{ config: { flow_control: true } }, 10089],
  [{ config: { max_expires: MS - 1 } }, 10115],
  [{ config: { max_batch: 6 }, bounds: { serverMaxRequestBatch: 5 } }, 10125],
  [
    { config: { max_ack_pending: 6, ack_policy: "all" }, bounds: { serverMaxAckPending: 5 } },
    10121,
    "consumer max ack pending exceeds system limit of 5",
  ],
  [{ config: { max_ack_pending: 6, ack_policy: "all" }, bounds: { accountMaxAckPending: 5 } }, 10121],
  [
    {
      config: { max_ack_pending: 6, ack_policy: "all" },
      stream: { consumer_limits: { max_ack_pending: 5, inactive_threshold: 0 } },
    },
    10121,
  ],
  [
    {
      config: { inactive_threshold: 2 * SECOND },
      stream: { consumer_limits: { max_ack_pending: 0, inactive_threshold: SECOND + 5 * MS } },
    },
    10153,
    "consumer inactive threshold exceeds system limit of 1.005s",
  ],
  [{ config: { direct: true } }, 10090],
  [{ config: { ...PUSH, direct: true, durable_name: "d" } }, 10091],
  [{ config: { filter_subject: "a.b", filter_subjects: ["b"] } }, 10136],
  [{ config: { filter_subject: "a b" } }, 10052, "invalid subject"],
  [{ config: { filter_subjects: ["a.b", ""] } }, 10139],
  [{ config: { filter_subjects: ["a.b", "a..c"] } }, 10052, "invalid subject"],
  [{ config: { filter_subjects: ["a.b", "a.*"] } }, 10138],
  [{ config: { filter_subjects: ["a.b", "a.b"] } }, 10138],
  ...(["all", "last", "new"] as const).flatMap((policy): readonly (readonly [Asked, number, string])[] => [
    [
      { config: { deliver_policy: policy, opt_start_seq: 1 } },
      10094,
      `consumer delivery policy is deliver ${policy}, but optional start sequence is also set`,
    ],
    [
      { config: { deliver_policy: policy, opt_start_time: TIME } },
      10094,
      `consumer delivery policy is deliver ${policy}, but optional start time is also set`,
    ],
  ]),
  [
    { config: { deliver_policy: "last_per_subject" } },
    10094,
    "consumer delivery policy is deliver last per subject, but optional filter subject is not set",
  ],
  [
    { config: { deliver_policy: "last_per_subject", opt_start_seq: 1 } },
    10094,
    "consumer delivery policy is deliver last per subject, but optional start sequence is also set",
  ],
  [
    { config: { deliver_policy: "by_start_sequence" } },
    10094,
    "consumer delivery policy is deliver by start sequence, but optional start sequence is not set",
  ],
  [
    { config: { deliver_policy: "by_start_sequence", opt_start_seq: 1, opt_start_time: TIME } },
    10094,
    "consumer delivery policy is deliver by start sequence, but optional start time is also set",
  ],
  [
    { config: { deliver_policy: "by_start_time" } },
    10094,
    "consumer delivery policy is deliver by start time, but optional start time is not set",
  ],
  [
    { config: { deliver_policy: "by_start_time", opt_start_seq: 1, opt_start_time: TIME } },
    10094,
    "consumer delivery policy is deliver by start time, but optional start start sequence is also set",
  ],
  [{ config: { sample_freq: "x" } }, 10095],
  [{ config: { ...PUSH, flow_control: true } }, 10108],
  [{ config: { durable_name: "a", name: "b" } }, 10132],
  [
    { config: { metadata: new Map([["k", "v".repeat(128 * 1024)]]) } },
    10135,
    "consumer metadata exceeds maximum size of 128KB",
  ],
  [{ config: { ...PUSH, priority_policy: "overflow", priority_groups: ["g"] } }, 10178],
  [{ config: { priority_policy: "overflow" } }, 10159],
  [{ config: { priority_policy: "overflow", priority_groups: [""] } }, 10161],
  [{ config: { priority_policy: "overflow", priority_groups: ["a b"] } }, 10162],
  [{ config: { priority_groups: ["g"] } }, 10196],
  [{ config: { priority_timeout: SECOND } }, 10197],
  [
    { config: {}, stream: { placement: { cluster: "", tags: [], preferred: "x" } } },
    10052,
    "preferred server not permitted in placement",
  ],
];

const PEDANTIC: readonly (readonly [Asked, string])[] = [
  [{ config: { max_deliver: -2 } }, "max_deliver must be set to -1"],
  [{ config: { max_waiting: -1 } }, "max_waiting must not be negative"],
  [{ config: { max_ack_pending: -2 } }, "max_ack_pending must be set to -1"],
  [{ config: { max_batch: -1 } }, "max_batch must not be negative"],
  [{ config: { max_expires: -1 } }, "max_expires must not be negative"],
  [{ config: { max_bytes: -1 } }, "max_bytes must not be negative"],
  [{ config: { idle_heartbeat: -1 } }, "idle_heartbeat must not be negative"],
  [{ config: { inactive_threshold: -1 } }, "inactive_threshold must not be negative"],
  [{ config: { priority_timeout: -1 } }, "priority_timeout must not be negative"],
  [{ config: { backoff: [1], ack_wait: 2 } }, "first backoff value has to equal batch AckWait"],
  [
    { config: {}, stream: { consumer_limits: { max_ack_pending: 1, inactive_threshold: 0 } } },
    "max_ack_pending must be set if it's configured in stream limits",
  ],
  [
    { config: {}, stream: { consumer_limits: { max_ack_pending: 0, inactive_threshold: 1 } } },
    "inactive_threshold must be set if it's configured in stream limits",
  ],
  [
    { config: {}, bounds: { serverMaxRequestBatch: 5 } },
    "max_request_batch must be set if it's JetStream limits are set",
  ],
];

test("each thing that can be wrong with a consumer has its error", () => {
  for (const [asked, number, text] of REFUSED) {
    const problem = problemOf(asked);
    const shown = JSON.stringify(asked).slice(0, 300);
    assert.equal(problem?.[0], number, shown);
    if (text !== undefined) assert.equal(problem[1], text, shown);
  }
});

test("pedantic requests are refused where others are completed", () => {
  for (const [asked, text] of PEDANTIC) {
    assert.deepEqual(problemOf({ ...asked, isPedantic: true }), [10157, `pedantic mode: ${text}`]);
    assert.equal(problemOf(asked), null, text);
  }
});

test("what may be asked for is not refused", () => {
  const allowed: readonly Asked[] = [
    { config: {} },
    { config: { durable_name: "d", name: "d", ack_policy: "explicit" }, stream: { retention: "workqueue" } },
    { config: { ...FLOW } },
    { config: { backoff: [1, 2], max_deliver: 2 } },
    { config: { ...PUSH, idle_heartbeat: 100 * MS, flow_control: true } },
    { config: { filter_subjects: ["a.*.c", "a.b.*"] } },
    { config: { filter_subject: "nowhere" } },
    { config: { deliver_policy: "last_per_subject", filter_subject: ">" } },
    { config: { max_expires: MS } },
    { config: { priority_policy: "overflow", priority_groups: ["a-Z_0/9=", "x"] } },
    { config: { ...PUSH, direct: true, name: "d" } },
  ];
  for (const asked of allowed) assert.equal(problemOf(asked), null, JSON.stringify(asked));
});

test("what is left open is filled in", () => {
  const stream = streamConfigOf({
    ...STREAM,
    consumer_limits: { inactive_threshold: 7, max_ack_pending: 70 },
  });
  const plain = streamConfigOf(STREAM);
  const fill = (
    config: Partial<ConsumerConfig>,
    place = plain,
    bounds: Partial<ConsumerBounds> = {},
  ): ConsumerConfig => {
    const asked = { ...consumerConfigOf({}), ...config };
    const settled = withConsumerDefaults(asked, place, { ...UNBOUNDED, ...bounds }, false);
    assert.ok("config" in settled);
    return settled.config;
  };
  const explicit = fill({ ack_policy: "explicit" });
  assert.deepEqual(
    [explicit.ack_wait, explicit.max_ack_pending, explicit.max_deliver, explicit.max_waiting],
    [30 * SECOND, 1_000, -1, 512],
  );
  const none = fill({ ...PUSH });
  assert.deepEqual([none.ack_wait, none.max_ack_pending, none.max_waiting], [0, 0, 0]);
  assert.equal(
    fill({ ack_policy: "all" }, plain, { serverMaxAckPending: 9, accountMaxAckPending: 8 }).max_ack_pending,
    8,
  );
  assert.equal(fill({ ack_policy: "all" }, stream).max_ack_pending, 70);
  assert.equal(fill({}, stream).inactive_threshold, 7);
  assert.equal(fill({ backoff: [5, 6], ack_wait: 3 }).ack_wait, 5);
  assert.equal(fill({}, plain, { serverMaxRequestBatch: 5 }).max_batch, 5);
  assert.equal(fill({ priority_policy: "pinned_client" }).priority_timeout, 120 * SECOND);
  const flow = fill({ ...FLOW });
  assert.deepEqual(
    [flow.flow_control, flow.idle_heartbeat, flow.ack_wait, flow.max_ack_pending],
    [true, SECOND, 0, 1_000],
  );
  assert.equal(withThreshold(none).inactive_threshold, 5 * SECOND);
  assert.equal(withThreshold({ ...none, durable_name: "d" }).inactive_threshold, 0);
});

test("a group's name has up to sixteen characters of a few kinds", () => {
  for (const name of ["a", "A-z_0/9=", "x".repeat(16)]) assert.ok(isGroupName(name), name);
  for (const name of ["", "a b", "x".repeat(17), "ü", "a\n", "a)", "a+"]) assert.ok(!isGroupName(name), name);
});
