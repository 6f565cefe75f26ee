import type { ConsumerSide } from "./jetstream-consumer-side.ts";

const MS = 1e6;
const SECOND = 1e9;

export type Scene = (side: ConsumerSide) => Promise<void>;

/** What clients do with consumers, by name: each begins with a stream of its own. */
export const CONSUMER_SCENES: Readonly<Record<string, Scene>> = {
  "pulled messages, and each way to acknowledge them": async (side) => {
    await side.stream();
    await side.publish("s.a", "s.b", "s.c", "s.d", "s.e", "s.f", "s.g");
    await side.consumer();
    side.pull("p", { batch: 5 });
    await side.next(5);
    side.ack(0);
    side.ack(1, "+ACK", "a1");
    await side.next();
    side.ack(2, "+OK", "a2");
    await side.next();
    side.ack(3, "+WPI", "a3");
    await side.next();
    side.ack(3, "+TERM because", "a4");
    await side.next();
    side.ack(4, "what?", "a5");
    await side.next();
    await side.settle();
    await side.info();
    side.ack(4, "+NXT", "n1");
    await side.next();
    side.ack(10, '+NXT {"batch":2}', "n2");
    await side.next();
    side.ack(1, "", "a6");
    await side.next();
    await side.settle();
    await side.info();
  },

  "what a purge takes counts as acknowledged": async (side) => {
    const cases: readonly (readonly [config: object, purge: object | string, delivered: number])[] = [
      [{}, "", 5],
      [{}, { keep: 2 }, 5],
      [{}, { seq: 4 }, 5],
      [{}, { filter: "s.c" }, 5],
      [{}, { filter: "s.x" }, 5],
      [{}, { filter: "s.a" }, 1],
      [{}, { filter: "s.a" }, 2],
      [{ filter_subject: "s.a" }, { filter: "s.>" }, 2],
      [{ filter_subject: "s.a" }, { filter: "s.b" }, 2],
      [{ filter_subjects: ["s.a", "s.b"] }, { filter: "s.*" }, 3],
      [{ ack_policy: "none" }, { filter: "s.a" }, 3],
      [{}, { seq: 2 }, 0],
      [{}, { seq: 2 }, 1],
      [{}, { seq: 2 }, 2],
      [{}, { keep: 6 }, 0],
    ];
    for (const [config, purge, delivered] of cases) {
      await side.stream();
      await side.publish("s.a", "s.b", "s.a", "s.b", "s.a", "s.c", "s.b");
      // Not before: the reference counts what comes later a little later.
      await side.consumer(config);
      if (delivered > 0) side.pull("p", { batch: delivered });
      await side.next(delivered);
      await side.api("STREAM.PURGE.S", purge);
      await side.info();
      await side.publish("s.a", "s.b");
      await side.info();
      await side.api("STREAM.DELETE.S");
    }
  },

  "what a roll-up takes counts as acknowledged": async (side) => {
    for (const delivered of [0, 1]) {
      await side.stream({ allow_rollup_hdrs: true });
      await side.publish("s.a");
      await side.consumer();
      if (delivered > 0) side.pull("p", { batch: delivered });
      await side.next(delivered);
      for (const subject of ["s.b", "s.c"]) {
        await side.publishWith(subject, "Nats-Rollup: all", "body");
        await side.settle();
        await side.info();
      }
      await side.api("STREAM.DELETE.S");
    }
  },

  "what is not acknowledged comes again": async (side) => {
    await side.stream();
    await side.publish("s.a", "s.b");
    await side.consumer({ ack_wait: SECOND });
    side.pull("p", { batch: 10 });
    await side.next(4);
    side.ack(2, "", "done");
    await side.next();
    side.ack(3, "-NAK");
    await side.next();
    side.ack(5, '-NAK {"delay": 1000000}');
    await side.next();
    side.ack(6, "-NAK 20ms", "n");
    await side.next(2);
    side.ack(8, "-NAK never");
    await side.next();
    side.ack(9, "", "done");
    await side.next();
    await side.settle();
    await side.info();
  },

  "only so many deliveries": async (side) => {
    await side.stream();
    side.say("SUB $JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.> 9\r\n");
    await side.settle();
    await side.publish("s.a");
    await side.consumer({ ack_wait: 500 * MS, max_deliver: 2 });
    side.pull("p", { batch: 10 });
    await side.next(3);
    side.ack(1, "", "late");
    await side.next();
    // What was given up moves the floor there only with the next acknowledgement.
    await side.publish("s.b");
    await side.next();
    side.ack(4, "", "other");
    await side.next();
    await side.settle();
    await side.info();
  },

  backoff: async (side) => {
    await side.stream();
    await side.publish("s.a");
    await side.consumer({ backoff: [100 * MS, 200 * MS], max_deliver: 3 });
    side.pull("p", { batch: 10 });
    await side.next(3);
    await side.info();
  },

  "advisories about acknowledgements": async (side) => {
    await side.stream();
    side.say(
      "SUB $JS.EVENT.ADVISORY.CONSUMER.MSG_NAKED.> 9\r\nSUB $JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.> 7\r\nSUB $JS.EVENT.METRIC.> 8\r\n",
    );
    await side.settle();
    await side.publish("s.a", "s.b", "s.c");
    await side.consumer({ sample_freq: "100%" });
    side.pull("p", { batch: 3 });
    await side.next(3);
    side.ack(0);
    await side.next();
    side.ack(1, "-NAK 10s");
    await side.next();
    side.ack(2, "+TERM no good");
    await side.next();
    await side.api("STREAM.MSG.DELETE.S", { seq: 2 });
    await side.next();
    await side.info();
  },

  "statuses of pull requests": async (side) => {
    await side.stream();
    await side.consumer({ max_batch: 5, max_expires: SECOND, max_bytes: 1000, max_waiting: 2 });
    const refused = [
      { batch: 6 },
      { batch: 1, expires: 2 * SECOND },
      { batch: 1, max_bytes: 2000 },
      { batch: 1, no_wait: true },
      { batch: 1, idle_heartbeat: SECOND, expires: SECOND },
      { batch: 1, min_pending: 1 },
      { batch: 1, id: "x" },
      { batch: 1, priority: 10 },
      { batch: 1, priority: -1 },
      { batch: 1, expires: 10 * MS },
      { batch: 3, expires: 10 * MS, max_bytes: 100 },
      { batch: 2, expires: 50 * MS, no_wait: true },
    ];
    for (const [i, body] of refused.entries()) {
      side.pull(`r${i}`, body);
      await side.next();
    }
    side.pull("w1", { batch: 1 });
    side.pull("w2", { batch: 1 });
    await side.settle();
    await side.info();
    side.pull("w3", { batch: 1 });
    await side.next();
    side.pull("w4", { batch: 1, expires: SECOND, idle_heartbeat: 100 * MS });
    await side.quiet();
    await side.api("CONSUMER.DELETE.S.C");
    await side.next(2);
    side.pull("gone");
    await side.next();
  },

  "requests that are no JSON": async (side) => {
    await side.stream();
    await side.publish("s.a", "s.b", "s.c", "s.d", "s.e", "s.f");
    await side.consumer();
    side.pull("a");
    await side.next();
    side.pull("b", "2");
    await side.next(2);
    side.pull("c", "nonsense");
    await side.next();
    side.pull("d", "0");
    await side.next();
    side.pull("e", " 1 ");
    await side.next();
  },

  "batches that end early": async (side) => {
    await side.stream();
    await side.publish("s.a", "s.b", "s.c");
    await side.consumer();
    side.pull("nw", { batch: 2, no_wait: true });
    await side.next(2);
    side.pull("nw2", { batch: 5, no_wait: true });
    await side.next(2);
    side.pull("nw3", { batch: 5, no_wait: true, expires: SECOND });
    await side.settle();
    await side.publish("s.d");
    await side.next(2);
    await side.quiet();
    await side.info();
  },

  "as many bytes as asked for": async (side) => {
    await side.stream();
    await side.publish("s.a", "s.b", "s.c");
    await side.consumer();
    side.pull("few", { batch: 5, max_bytes: 20 });
    await side.next();
    side.pull("some", { batch: 2, max_bytes: 1000 });
    await side.next(3);
    side.pull("more", { batch: 9, max_bytes: 90, expires: 100 * MS });
    await side.next(2);
  },

  "heartbeats of a pull request": async (side) => {
    await side.stream();
    await side.publish("s.a");
    await side.consumer();
    side.pull("hb", { batch: 3, expires: SECOND, idle_heartbeat: 400 * MS });
    await side.next(4);
  },

  "requests take turns": async (side) => {
    await side.stream();
    await side.consumer();
    side.pull("a", { batch: 3 });
    side.pull("b", { batch: 2 });
    side.pull("c", { batch: 1 });
    await side.settle();
    await side.info();
    for (const subject of ["s.1", "s.2", "s.3", "s.4", "s.5", "s.6"]) {
      await side.publish(subject);
      await side.next();
    }
    await side.info();
  },

  "nobody waits for what a request would get": async (side) => {
    await side.stream();
    await side.consumer();
    side.say("SUB out 5\r\nPUB $JS.API.CONSUMER.MSG.NEXT.S.C out 0\r\n\r\n");
    await side.settle();
    await side.info();
    side.say("UNSUB 5\r\n");
    await side.settle();
    await side.info();
    await side.publish("s.a");
    side.pull("p");
    await side.next();
    await side.info();
  },

  "no more than may be unacknowledged": async (side) => {
    await side.stream();
    await side.publish("s.a", "s.b", "s.c", "s.d");
    await side.consumer({ max_ack_pending: 2 });
    side.pull("p", { batch: 10 });
    await side.next(2);
    await side.quiet();
    side.ack(0);
    await side.next();
    side.ack(1, "-NAK");
    await side.next();
    side.ack(2);
    side.ack(3);
    await side.next();
    await side.settle();
    await side.info();
  },

  "acknowledging all before": async (side) => {
    await side.stream();
    await side.publish("s.a", "s.b", "s.c", "s.d");
    await side.consumer({ ack_policy: "all" });
    side.pull("p", { batch: 4 });
    await side.next(4);
    side.ack(1, "", "a");
    await side.next();
    await side.settle();
    await side.info();
    side.ack(0, "", "b");
    await side.next();
    side.ack(3, "", "c");
    await side.next();
    await side.settle();
    await side.info();
  },

  "no acknowledgements": async (side) => {
    await side.stream();
    await side.publish("s.a", "s.b");
    await side.consumer({ ack_policy: "none" });
    side.pull("p", { batch: 2 });
    await side.next(2);
    side.ack(0, "", "a");
    await side.next();
    await side.settle();
    await side.info();
  },

  "filters and headers": async (side) => {
    await side.stream();
    await side.publish("s.a", "s.b.x", "s.c", "s.b.y");
    await side.publishWith("s.a", "X: 1\r\nY: 2", "body");
    await side.consumer({ filter_subjects: ["s.a", "s.b.*"], headers_only: true });
    side.pull("p", { batch: 4 });
    await side.next(4);
    await side.info();
    await side.consumer({ filter_subjects: ["s.c"] });
    await side.info();
  },

  "where consumers begin": async (side) => {
    await side.stream();
    await side.publish("s.a", "s.b", "s.a", "s.c", "s.b");
    const begins = [
      { deliver_policy: "all" },
      { deliver_policy: "last" },
      { deliver_policy: "last", filter_subject: "s.a" },
      { deliver_policy: "new" },
      { deliver_policy: "by_start_sequence", opt_start_seq: 3 },
      { deliver_policy: "by_start_sequence", opt_start_seq: 30 },
      { deliver_policy: "by_start_time", opt_start_time: "2020-01-01T00:00:00Z" },
      { deliver_policy: "by_start_time", opt_start_time: "2090-01-01T00:00:00Z" },
      { deliver_policy: "last_per_subject", filter_subject: "s.>" },
      { deliver_policy: "last_per_subject", filter_subject: "s.b" },
    ];
    for (const begin of begins) {
      await side.consumer(begin);
      await side.info();
      side.pull("p", { batch: 9, no_wait: true });
      await side.quiet();
      await side.info();
      await side.api("CONSUMER.DELETE.S.C");
    }
  },

  "where consumers begin when the last message is gone": async (side) => {
    for (const storage of ["memory", "file"]) {
      await side.stream({ storage });
      await side.publish("s.a", "s.b", "s.a", "s.b");
      await side.api("STREAM.MSG.DELETE.S", { seq: 4 });
      for (const filter of ["", ">", "s.>", "s.b"]) {
        await side.consumer({ deliver_policy: "last", filter_subject: filter });
        await side.info();
        side.pull("p", { batch: 9, no_wait: true });
        await side.quiet();
        await side.api("CONSUMER.DELETE.S.C");
      }
      await side.api("STREAM.DELETE.S");
    }
  },

  "messages that go away": async (side) => {
    await side.stream();
    await side.publish("s.a", "s.b", "s.c", "s.d", "s.e");
    await side.consumer();
    side.pull("p", { batch: 2 });
    await side.next(2);
    await side.api("STREAM.MSG.DELETE.S", { seq: 1 });
    await side.api("STREAM.MSG.DELETE.S", { seq: 4 });
    await side.settle();
    await side.info();
    await side.api("STREAM.PURGE.S", { filter: "s.c" });
    await side.info();
    side.pull("p", { batch: 5, no_wait: true });
    await side.next(2);
    await side.api("STREAM.PURGE.S");
    await side.info();
  },

  push: async (side) => {
    await side.stream();
    await side.publish("s.a", "s.b");
    await side.consumer({ deliver_subject: "to.me", idle_heartbeat: SECOND });
    await side.info();
    side.say("SUB to.me 3\r\n");
    await side.next(2);
    side.pull("p");
    await side.next();
    await side.info();
    await side.next();
  },

  "whoever overhears does not make it deliver": async (side) => {
    await side.stream();
    await side.publish("s.a");
    side.say("SUB to.> 4\r\n");
    await side.settle();
    await side.consumer({ deliver_subject: "to.me" });
    await side.quiet();
    await side.info();
  },

  "push to a group": async (side) => {
    await side.stream();
    await side.publish("s.a", "s.b");
    await side.consumer({ deliver_subject: "to.me", deliver_group: "g" });
    side.say("SUB to.me 3\r\n");
    await side.quiet();
    side.say("SUB to.me g 4\r\n");
    await side.next(4);
    await side.info();
  },

  "flow control": async (side) => {
    await side.stream();
    side.say("SUB to.me 3\r\n");
    await side.settle();
    await side.consumer({
      deliver_subject: "to.me",
      flow_control: true,
      idle_heartbeat: SECOND,
      ack_policy: "none",
    });
    const large = "x".repeat(400_000);
    // Half of the first window after the third: a request for an answer comes, and then a heartbeat that names it.
    for (const count of [1, 1, 2, 1]) {
      await side.publishWith("s.a", "", large);
      await side.next(count);
    }
    await side.next();
    const request = side.frames.find(({ headers }) => headers.includes("FlowControl"));
    side.say(`PUB ${request?.reply} 0\r\n\r\n`);
    await side.next();
    await side.info();
  },

  paused: async (side) => {
    await side.stream();
    await side.publish("s.a");
    await side.consumer({ pause_until: "2090-01-01T00:00:00Z" });
    side.pull("p", { batch: 1, expires: 300 * MS });
    await side.next();
    await side.info();
    await side.api("CONSUMER.PAUSE.S.C", { pause_until: "2020-01-01T00:00:00Z" });
    side.pull("q", { batch: 1 });
    await side.next();
    await side.info();
  },

  "a pinned client": async (side) => {
    await side.stream();
    side.say(
      "SUB $JS.EVENT.ADVISORY.CONSUMER.PINNED.> 9\r\nSUB $JS.EVENT.ADVISORY.CONSUMER.UNPINNED.> 7\r\n",
    );
    await side.settle();
    await side.consumer({
      priority_groups: ["g"],
      priority_policy: "pinned_client",
      priority_timeout: 60 * SECOND,
    });
    const bad = [{ batch: 1, group: "h" }, { batch: 1 }, { batch: 1, group: "g", min_pending: 1 }];
    for (const body of bad) {
      side.pull("bad", body);
      await side.next();
    }
    side.pull("a", { batch: 2, group: "g" });
    side.pull("b", { batch: 2, group: "g" });
    await side.settle();
    await side.publish("s.a");
    await side.next(2);
    await side.publish("s.b");
    await side.next();
    await side.info();
    side.pull("c", { batch: 1, group: "g", id: "other" });
    await side.next();
    await side.api("CONSUMER.UNPIN.S.C", { group: "g" });
    await side.next();
    await side.publish("s.c");
    await side.next(2);
  },

  overflow: async (side) => {
    await side.stream();
    await side.consumer({ priority_groups: ["g"], priority_policy: "overflow" });
    side.pull("a", { batch: 5, group: "g", min_pending: 3 });
    await side.publish("s.a", "s.b");
    await side.quiet();
    await side.publish("s.c");
    await side.next();
    await side.quiet();
    side.pull("b", { batch: 5, group: "g", min_ack_pending: 1 });
    await side.next(2);
    await side.info();
  },

  "by priority": async (side) => {
    await side.stream();
    await side.consumer({ priority_groups: ["g"], priority_policy: "prioritized" });
    side.pull("low", { batch: 2, group: "g", priority: 5 });
    side.pull("high", { batch: 2, group: "g", priority: 1 });
    side.pull("high2", { batch: 1, group: "g", priority: 1 });
    await side.settle();
    await side.info();
    for (const subject of ["s.a", "s.b", "s.c", "s.d"]) {
      await side.publish(subject);
      await side.next();
    }
    await side.info();
  },

  "begun anew": async (side) => {
    await side.stream();
    await side.publish("s.a", "s.b", "s.c");
    await side.consumer();
    side.pull("p", { batch: 3 });
    await side.next(3);
    side.ack(0, "", "a");
    await side.next();
    side.record.push(
      (await side.api("CONSUMER.RESET.S.C")).replace(/"config":\{.*?\},"delivered"/, '"delivered"'),
    );
    side.pull("q", { batch: 2 });
    await side.next(2);
    side.record.push(
      (await side.api("CONSUMER.RESET.S.C", { seq: 1 })).replace(
        /"config":\{.*?\},"delivered"/,
        '"delivered"',
      ),
    );
    side.pull("r", { batch: 3 });
    await side.next(3);
  },

  "a work queue": async (side) => {
    await side.stream({ retention: "workqueue" });
    await side.publish("s.a", "s.b", "s.c");
    await side.consumer();
    side.pull("p", { batch: 3 });
    await side.next(3);
    side.ack(1, "", "a");
    await side.next();
    side.record.push(await messagesOf(side));
    side.ack(0, "+TERM", "b");
    await side.next();
    side.ack(2, "-NAK 10s", "c");
    await side.next();
    side.record.push(await messagesOf(side));
    await side.info();
  },
};

/** How many messages the stream has, and which is the first. */
async function messagesOf(side: ConsumerSide): Promise<string> {
  const info = await side.api("STREAM.INFO.S");
  return /"messages":\d+,"bytes":\d+,"first_seq":\d+/.exec(info)?.[0] ?? info;
}
