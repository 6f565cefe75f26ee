/** One thing that is done in a scene, by a user of the account `A`, or of `B` where it says so. */
export type MirrorStep =
  /** A request to the API, whose answer is compared. */
  | { readonly ask: string; readonly body?: object; readonly user?: "b" }
  /** A message that is published and acknowledged. */
  | {
      readonly publish: string;
      readonly headers?: readonly string[];
      readonly body?: string;
      readonly user?: "b";
    }
  /** Waits until a stream has come to this last sequence, or has so many messages. */
  | {
      readonly until: string;
      readonly lastSeq?: number;
      readonly messages?: number;
      readonly error?: boolean;
      readonly user?: "b";
    }
  /** All that a stream says and holds is compared. */
  | { readonly dump: string; readonly user?: "b" }
  /** What is published to a subject from now on is compared, at the next dump. */
  | { readonly hear: string; readonly user?: "b" }
  /** A request that goes to a subject as it is; headers and body of the answer are compared. */
  | { readonly raw: string; readonly body?: string; readonly user?: "b" };

export interface MirrorScene {
  readonly name: string;
  readonly steps: readonly MirrorStep[];
}

const storage = "memory";

function make(name: string, config: object, user?: "b"): MirrorStep {
  return { ask: `STREAM.CREATE.${name}`, body: { name, storage, ...config }, ...(user && { user }) };
}

function update(name: string, config: object): MirrorStep {
  return { ask: `STREAM.UPDATE.${name}`, body: { name, storage, ...config } };
}

function publish(...subjects: string[]): MirrorStep[] {
  return subjects.map((subject) => ({ publish: subject, body: `of ${subject}` }));
}

const WITH_HEADERS: readonly MirrorStep[] = [
  { publish: "o.a", headers: ["Nats-Msg-Id: 1", "X: y"], body: "one" },
  { publish: "o.a", headers: ["Nats-Expected-Last-Sequence: 1"], body: "two" },
  { publish: "o.b", headers: ["A: 1", "Nats-Expected-Stream: O", "Nats-Msg-Id: 2", "B: 2"], body: "" },
  { publish: "o.b", headers: ["Nats-TTL: never", "Nats-Rollup: sub"], body: "four" },
];

const TWO = [
  { src: "o.a", dest: "t.a" },
  { src: "o.b", dest: "t.b" },
];

export const MIRROR_SCENES: readonly MirrorScene[] = [
  {
    name: "a mirror",
    steps: [
      make("O", { subjects: ["o.>"], allow_direct: true }),
      ...publish("o.a", "o.b", "o.c", "o.d"),
      { ask: "STREAM.MSG.DELETE.O", body: { seq: 2 } },
      make("M", { mirror: { name: "O" } }),
      { until: "M", lastSeq: 4 },
      { dump: "M" },
      { dump: "O" },
      ...publish("o.e"),
      { until: "M", lastSeq: 5 },
      { ask: "STREAM.PURGE.O" },
      ...publish("o.f"),
      { until: "M", lastSeq: 6 },
      { dump: "M" },
      { ask: "CONSUMER.NAMES.O" },
      { raw: "$JS.API.DIRECT.GET.M", body: '{"seq":5}' },
      { ask: "STREAM.DELETE.M" },
    ],
  },
  {
    name: "headers that a mirror and a source keep",
    steps: [
      make("O", { subjects: ["o.>"], allow_rollup_hdrs: true, allow_msg_ttl: true }),
      ...WITH_HEADERS,
      make("M", { mirror: { name: "O" } }),
      make("S", { sources: [{ name: "O" }] }),
      make("T", { sources: [{ name: "S" }], allow_msg_ttl: true, allow_rollup_hdrs: true }),
      { until: "M", lastSeq: 4 },
      { until: "T", lastSeq: 3 },
      { dump: "M" },
      { dump: "S" },
      { dump: "T" },
    ],
  },
  {
    name: "a mirror with a filter, from a sequence on",
    steps: [
      make("O", { subjects: ["o.>"] }),
      ...publish("o.a", "o.b", "o.a", "o.b", "o.a", "o.b"),
      make("M", { mirror: { name: "O", filter_subject: "o.a", opt_start_seq: 2 } }),
      { until: "M", lastSeq: 5 },
      ...publish("o.b", "o.a"),
      { until: "M", lastSeq: 8 },
      { dump: "M" },
    ],
  },
  {
    name: "a mirror that changes subjects",
    steps: [
      make("O", { subjects: ["o.>"] }),
      ...publish("o.a.1", "o.b.2", "o.c.3"),
      make("M", {
        mirror: {
          name: "O",
          subject_transforms: [
            { src: "o.a.*", dest: "to.$1.a" },
            { src: "o.b.>", dest: "" },
          ],
        },
      }),
      { until: "M", lastSeq: 2 },
      { dump: "M" },
      make("N", { mirror: { name: "O", subject_transforms: [{ src: "o.>", dest: "n.>" }] } }),
      { until: "N", lastSeq: 3 },
      { dump: "N" },
    ],
  },
  {
    name: "sources with filters and transforms beside own messages",
    steps: [
      make("O", { subjects: ["o.>"] }),
      make("P", { subjects: ["p.>"] }),
      ...publish("o.a", "o.b", "p.a", "o.c", "p.b"),
      make("S", {
        subjects: ["s"],
        sources: [{ name: "O", filter_subject: "o.a" }],
      }),
      { until: "S", lastSeq: 1 },
      update("S", {
        subjects: ["s"],
        sources: [
          { name: "O", filter_subject: "o.a" },
          { name: "P", subject_transforms: [{ src: "p.*", dest: "from.$1" }], opt_start_seq: 2 },
        ],
      }),
      { until: "S", lastSeq: 2 },
      update("S", {
        subjects: ["s"],
        sources: [
          { name: "O", filter_subject: "o.a" },
          { name: "P", subject_transforms: [{ src: "p.*", dest: "from.$1" }], opt_start_seq: 2 },
          { name: "O", filter_subject: "o.c" },
        ],
      }),
      { until: "S", lastSeq: 3 },
      ...publish("s"),
      { dump: "S" },
      { ask: "CONSUMER.NAMES.O" },
    ],
  },
  {
    name: "a source that comes back goes on where it was",
    steps: [
      make("O", { subjects: ["o.>"] }),
      ...publish("o.a", "o.b"),
      make("S", { subjects: ["s"], sources: [{ name: "O" }] }),
      { until: "S", lastSeq: 2 },
      update("S", { subjects: ["s"] }),
      ...publish("o.c", "s"),
      update("S", { subjects: ["s"], sources: [{ name: "O" }] }),
      { until: "S", lastSeq: 4 },
      { dump: "S" },
    ],
  },
  {
    name: "ids are known across sources",
    steps: [
      make("O", { subjects: ["o.>"] }),
      make("P", { subjects: ["p.>"] }),
      { publish: "o.a", headers: ["Nats-Msg-Id: 1"], body: "one" },
      { publish: "p.a", headers: ["Nats-Msg-Id: 1"], body: "one again" },
      { publish: "p.b", headers: ["Nats-Msg-Id: 2"], body: "two" },
      make("S", { sources: [{ name: "O" }] }),
      { until: "S", lastSeq: 1 },
      update("S", { sources: [{ name: "O" }, { name: "P" }] }),
      { until: "S", lastSeq: 2 },
      { dump: "S" },
    ],
  },
  {
    name: "counters that are sourced",
    steps: [
      make("O", { subjects: ["o.>"], allow_msg_counter: true, allow_direct: true }),
      make("P", { subjects: ["p.>"], allow_msg_counter: true, allow_direct: true }),
      { publish: "o.n", headers: ["Nats-Incr: 5"], body: "" },
      { publish: "o.n", headers: ["Nats-Incr: +2"], body: "" },
      { publish: "p.n", headers: ["Nats-Incr: 10"], body: "" },
      make("S", {
        allow_msg_counter: true,
        allow_direct: true,
        sources: [{ name: "O", subject_transforms: [{ src: "o.n", dest: "sum" }] }],
      }),
      { until: "S", lastSeq: 2 },
      update("S", {
        allow_msg_counter: true,
        allow_direct: true,
        sources: [
          { name: "O", subject_transforms: [{ src: "o.n", dest: "sum" }] },
          { name: "P", subject_transforms: [{ src: "p.n", dest: "sum" }] },
        ],
      }),
      { until: "S", lastSeq: 3 },
      { publish: "o.n", headers: ["Nats-Incr: -7"], body: "" },
      { until: "S", lastSeq: 4 },
      { dump: "S" },
    ],
  },
  {
    name: "a mirror that becomes a stream of its own",
    steps: [
      make("O", { subjects: ["o.>"] }),
      ...publish("o.a"),
      make("M", { mirror: { name: "O" } }),
      { until: "M", lastSeq: 1 },
      { raw: "M", body: "nobody is here" },
      update("M", { subjects: ["m"] }),
      ...publish("m", "o.b"),
      { dump: "M" },
      update("M", { subjects: ["m"], mirror: { name: "O" } }),
    ],
  },
  {
    name: "what a work queue has is moved",
    steps: [
      make("O", { subjects: ["o.>"], retention: "workqueue" }),
      ...publish("o.a", "o.b", "o.c"),
      make("S", { sources: [{ name: "O" }] }),
      { until: "S", lastSeq: 3 },
      { until: "O", messages: 0 },
      { dump: "S" },
      { ask: "CONSUMER.LIST.O" },
      { ask: "STREAM.DELETE.S" },
    ],
  },
  {
    name: "by way of a consumer that is there",
    steps: [
      make("O", { subjects: ["o.>"], retention: "interest" }),
      {
        ask: "CONSUMER.CREATE.O.C",
        body: {
          stream_name: "O",
          config: {
            name: "C",
            durable_name: "C",
            deliver_subject: "to.c",
            ack_policy: "flow_control",
            flow_control: true,
            idle_heartbeat: 1_000_000_000,
            max_ack_pending: 1000,
          },
        },
      },
      ...publish("o.a", "o.b"),
      make("S", { sources: [{ name: "O", consumer: { name: "C", deliver_subject: "to.c" } }] }),
      { until: "S", lastSeq: 2 },
      { until: "O", messages: 0 },
      { dump: "S" },
    ],
  },
  {
    name: "what is asked of origins",
    steps: [
      { hear: "$JS.API.CONSUMER.>" },
      make("O", { subjects: ["o.>"] }),
      ...publish("o.a", "o.b", "o.a"),
      make("M", { mirror: { name: "O", opt_start_seq: 2 } }),
      { until: "M", lastSeq: 3 },
      make("N", { mirror: { name: "O", filter_subject: "o.a" } }),
      { until: "N", lastSeq: 3 },
      make("P", { mirror: { name: "O", opt_start_time: "2020-02-02T02:02:02.5Z", subject_transforms: TWO } }),
      { until: "P", lastSeq: 3 },
      make("Q", { sources: [{ name: "O", opt_start_seq: 3 }] }),
      { until: "Q", lastSeq: 1 },
      make("R", { sources: [{ name: "O", subject_transforms: TWO }] }),
      { until: "R", lastSeq: 3 },
      make("S", {
        sources: [{ name: "O", subject_transforms: TWO.slice(0, 1), opt_start_time: "2020-02-02T02:02:02Z" }],
      }),
      { until: "S", lastSeq: 2 },
      { dump: "S" },
      make("T", {
        sources: [
          { name: "O", filter_subject: "o.b" },
          { name: "O", filter_subject: "o.c" },
        ],
      }),
      { until: "T", lastSeq: 1 },
      { dump: "T" },
    ],
  },
  {
    name: "into a stream that keeps only what is wanted, and one that is full",
    steps: [
      make("O", { subjects: ["o.>"] }),
      ...publish("o.a", "o.b", "o.c"),
      make("S", { retention: "interest", sources: [{ name: "O" }] }),
      { until: "S", lastSeq: 3 },
      { dump: "S" },
      make("M", { retention: "interest", mirror: { name: "O" } }),
      { until: "M", lastSeq: 3 },
      { dump: "M" },
      make("T", { max_msgs: 2, mirror: { name: "O" } }),
      { until: "T", lastSeq: 3 },
      { dump: "T" },
      make("U", { subject_transform: { src: "o.a", dest: "u" }, sources: [{ name: "O" }] }),
      { until: "U", lastSeq: 3 },
      { dump: "U" },
    ],
  },
  {
    name: "an origin that is not there, or does not fit",
    steps: [
      make("M", { mirror: { name: "NONE" } }),
      make("S", { sources: [{ name: "NONE", filter_subject: "x" }] }),
      { until: "M", error: true },
      { until: "S", error: true },
      { dump: "M" },
      { dump: "S" },
    ],
  },
  {
    name: "between accounts",
    steps: [
      make("O", { subjects: ["o.>"], allow_direct: true }),
      ...publish("o.a", "o.b"),
      make(
        "M",
        { mirror: { name: "O", external: { api: "A.API", deliver: "A.deliver" } }, mirror_direct: true },
        "b",
      ),
      make("S", { sources: [{ name: "O", external: { api: "A.API", deliver: "A.deliver" } }] }, "b"),
      { until: "M", lastSeq: 2, user: "b" },
      { until: "S", lastSeq: 2, user: "b" },
      { dump: "M", user: "b" },
      { dump: "S", user: "b" },
      { raw: "$JS.API.DIRECT.GET.O", body: '{"seq":1}', user: "b" },
      { raw: "$JS.API.DIRECT.GET.M", body: '{"seq":1}', user: "b" },
    ],
  },
  {
    name: "a mirror far behind the start of its origin, republished and limited",
    steps: [
      make("O", { subjects: ["o.>"], first_seq: 1000 }),
      ...publish("o.a", "o.b", "o.a"),
      make("M", { mirror: { name: "O" }, max_msgs_per_subject: 1 }),
      { until: "M", lastSeq: 1002 },
      { dump: "M" },
      make("S", { sources: [{ name: "O" }], republish: { src: "o.>", dest: "again.>" } }),
      { until: "S", lastSeq: 3 },
      { dump: "S" },
    ],
  },
];
