import { restoreSnapshot, takeSnapshot } from "./backup.ts";
import { makeStream, STREAMS } from "./streams.ts";
import type { Trial } from "./trial.ts";
import type { User } from "./user.ts";

/** Some of these fill a block; what is removed of them is worth giving back. */
const LARGE_BYTES = 90_000;

/** Something to do. The power may go during each of them. */
export type Act = (user: User, trial: Trial) => Promise<void>;

const later =
  (ms: number): Act =>
  (user) =>
    user.server.advance(ms);

/** Everything that writes, in a first life, and in one that begins with what a power cut left. */
export const SCRIPT: readonly (readonly Act[])[] = [
  [
    ...STREAMS.map(
      (stream): Act =>
        (user) =>
          makeStream(user, stream),
    ),
    (user) => user.publish("LOG", "log.a", { count: 10, hasId: true }),
    (user) => user.publish("ZIP", "zip.a", { count: 5, size: 600 }),
    (user) => user.publish("RING", "ring.a", { count: 20 }),
    (user) => user.publish("AGE", "age.a", { count: 4 }),
    (user) => user.publish("WORK", "work.a", { count: 6 }),
    (user) => user.publish("KEYS", "keys.a", { count: 4 }),
    (user) => user.publish("KEYS", "keys.b", { count: 2, ttlSeconds: 3 }),
    (user) => user.rollup("KEYS", "keys.a"),
    (user) => user.publishBatch("LOG", "log.b", 4),
    (user) => user.count("SUMS", "sums.a", 3),
    (user) => user.count("SUMS", "sums.a", 4),
    async (user) => void (await user.fetch("LOG", "reader", 4, "confirmed")),
    async (user) => void (await user.fetch("LOG", "reader", 3, "ack")),
    async (user) => void (await user.fetch("LOG", "some", 3, "nak")),
    async (user) => void (await user.fetch("WORK", "reader", 3, "confirmed")),
    async (user) => void (await user.fetch("RING", "reader", 2, "term")),
    later(1000),
    (user) => user.deleteMessage("LOG", 3, true),
    (user) => user.deleteMessage("LOG", 5, false),
    (user) => user.purge("LOG", "log.b", 0),
    (user) => user.updateStream({ ...STREAMS[0].config, description: "second" }),
    (user) => user.createConsumer("LOG", { ...STREAMS[0].consumers[0], description: "second" }),
    (user) => user.createConsumer("LOG", { durable_name: "brief", ack_policy: "explicit" }),
    (user) => user.deleteConsumer("LOG", "brief"),
    later(5000),
    (user) => user.publish("ZIP", "zip.b", { count: 12, size: LARGE_BYTES }),
    (user) => user.deleteMessage("ZIP", 6, true),
    (user) => user.purge("ZIP", "", 14),
    later(20_000),
    (user) => user.publish("LOG", "log.c", { count: 12, size: LARGE_BYTES }),
    (user) => user.purge("LOG", "log.c", 0),
    (user) => user.publish("LOG", "log.a", { count: 3, hasId: true }),
    later(1000),
    (_user, trial) => trial.restart(),
    (user) => user.publish("LOG", "log.a", { count: 3, hasId: true }),
    (user) => user.publish("AGE", "age.b", { count: 3 }),
  ],
  [
    async (user) => void (await user.fetch("LOG", "reader", 5, "confirmed")),
    (user) => user.publish("ZIP", "zip.a", { count: 4, size: LARGE_BYTES }),
    async (user) => {
      await user.createStream({ name: "TEMP", subjects: ["temp.*"] });
      await user.publish("TEMP", "temp.a", { count: 3 });
      await user.deleteStream("TEMP");
    },
    async (user) => {
      await user.createStream({ name: "TEMP", subjects: ["temp.*"] });
      await user.publish("TEMP", "temp.a", { count: 2 });
    },
    async (user) => {
      const archive = await takeSnapshot(user, "LOG");
      if (archive !== null) await restoreSnapshot(user, archive, "LOG", "RESTORED");
    },
    (user) => user.publish("RESTORED", "restored.a", { count: 2 }),
    (user) => user.purge("RING", "", 0),
    (user) => user.publish("RING", "ring.b", { count: 3 }),
    later(1000),
    (_user, trial) => trial.restart(),
    (user) => user.publish("LOG", "log.a", { count: 2 }),
    (user) => user.deleteStream("ZIP"),
  ],
];

/** What is done after a crash, to see that what is left can be used. */
const AFTERWARDS: readonly Act[] = [
  (user) => user.publish("LOG", "log.a", { count: 3, hasId: true }),
  async (user) => void (await user.fetch("LOG", "reader", 2, "confirmed")),
  (user) => user.publish("ZIP", "zip.a", { count: 2, size: 500 }),
  (user) => user.count("SUMS", "sums.a", 2),
];

/** Does all of `acts`, until the power goes. */
export async function perform(trial: Trial, acts: readonly Act[]): Promise<void> {
  await trial.start();
  for (const act of acts) {
    if (trial.disk.isKilled || !trial.hasServer) return;
    await act(trial.user, trial);
  }
}

export function performAfterwards(trial: Trial): Promise<void> {
  return perform(
    trial,
    AFTERWARDS.filter((_, i) => i !== 2 || trial.ledger.stream("ZIP").presence === "yes"),
  );
}
