import { SeededRandom } from "../../../packages/caddis/src/io/seeded-random.ts";
import type { ServerOptions } from "../../../packages/caddis/src/server/embedded-options.ts";
import { FaultyDisk } from "../faulty-disk.ts";
import { slowed } from "../slow-disk.ts";
import { restoreSnapshot, takeSnapshot } from "./backup.ts";
import { type Act, perform } from "./script.ts";
import { makeStream, STREAMS } from "./streams.ts";
import { Trial } from "./trial.ts";
import type { AckWay } from "./user.ts";

const LIVES = 4;
const ACTS_MAX = 40;
/** After so many things done to the disk the power goes, at most: in a life, and in a start after a crash. */
const STEPS_MAX = 250;
const START_STEPS_MAX = 25;
const TOKENS = ["a", "b", "c"];
const WAYS: readonly AckWay[] = ["nothing", "ack", "confirmed", "nak", "term"];
const LARGE_BYTES = 90_000;

const ORIGINS = new Set(STREAMS.map(({ terms }) => terms.copies));

/** How a server is set up. With an interval between syncs the power never goes, only the process. */
const SET_UPS: readonly { readonly options: ServerOptions; readonly keepsSystem: boolean }[] = [
  { options: {}, keepsSystem: false },
  { options: {}, keepsSystem: true },
  { options: { jetstream: { encryption_key: "secret", cipher: "aes" } }, keepsSystem: false },
  { options: { jetstream: { sync_interval: "2m" } }, keepsSystem: true },
];

/**
 * Some lives of a whole server that is used in every way, each of which ends with a crash or in good order, by `seed`.
 * Throws where what it has afterwards is not what it promised.
 */
export async function jetStreamLives(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const { options, keepsSystem } = SET_UPS[seed % SET_UPS.length];
  const isSlow = random.below(2) === 0;
  await using trial = new Trial(new FaultyDisk(seed), seed, options, (disk, clock) =>
    isSlow ? slowed(disk, random, clock) : disk,
  );
  for (let life = 0; life < LIVES; life++) {
    if (random.below(4) > 0) trial.disk.killAt(trial.disk.steps.length + random.below(STEPS_MAX));
    await perform(
      trial,
      Array.from({ length: random.below(ACTS_MAX) }, () => actOf(random)),
    );
    if (!trial.disk.isKilled && random.below(3) === 0) await trial.stop();
    if (trial.disk.isKilled || trial.hasServer) await trial.crash(keepsSystem);
    trial.disk.killAt(Infinity);
    if (random.below(3) === 0) {
      trial.disk.killAt(trial.disk.steps.length + random.below(START_STEPS_MAX));
      await trial.start();
      await trial.crash(keepsSystem);
    }
    await trial.start();
    const findings = await trial.check();
    if (findings.length > 0) throw new Error(`life ${life}: ${JSON.stringify(findings)}`);
    if (random.below(2) === 0) await trial.stop();
    else await trial.crash(keepsSystem);
  }
}

/** Something to do; what it is about is made where it is missing. */
function actOf(random: SeededRandom): Act {
  const used = STREAMS[random.below(STREAMS.length)];
  const { name } = used.config;
  const subject = `${name.toLowerCase()}.${TOKENS[random.below(TOKENS.length)]}`;
  return async (user, trial) => {
    const stream = trial.ledger.stream(name);
    if (stream.presence !== "yes") return makeStream(user, used);
    const dice = random.below(30);
    const seqs = stream.live.map(({ seq }) => seq);
    const someSeq = (): number => seqs[random.below(seqs.length)] ?? 1;
    const consumer = used.consumers[random.below(Math.max(1, used.consumers.length))]?.durable_name ?? "none";
    if (dice === 0) return trial.restart();
    // What is copied from a stream is no copy of another one that has its name later.
    if (dice === 1 && !ORIGINS.has(name)) return user.deleteStream(name);
    if (dice === 2) return user.updateStream({ ...used.config, description: `d${random.below(100)}` });
    if (dice === 3) return user.deleteConsumer(name, consumer);
    if (dice === 4) return remakeConsumer();
    if (dice < 7) return user.server.advance(random.below(5_000));
    if (dice === 7 && name === "LOG" && trial.ledger.stream("RESTORED").presence === "no") {
      const archive = await takeSnapshot(user, name);
      return archive === null ? undefined : restoreSnapshot(user, archive, name, "RESTORED");
    }
    if (stream.terms.copies !== "") return user.server.advance(random.below(500));
    if (stream.terms.isCounter) return user.count(name, subject, 1 + random.below(9));
    if (dice < 11) return user.deleteMessage(name, someSeq(), random.below(2) === 0);
    if (dice === 11) return user.purge(name, random.below(2) === 0 ? subject : "", someSeq());
    if (dice === 12) return user.purge(name, "", 0);
    if (dice < 18 && consumer !== "push" && consumer !== "none")
      return void (await user.fetch(name, consumer, 1 + random.below(8), WAYS[random.below(WAYS.length)]));
    if (dice === 18 && name === "LOG") return user.publishBatch(name, subject, 2 + random.below(5));
    if (dice === 18 && name === "KEYS") return user.rollup(name, subject);
    if (dice === 19) return user.publish(name, subject, { count: 5, size: LARGE_BYTES });
    const ttlSeconds = name === "KEYS" && random.below(3) === 0 ? 1 + random.below(5) : 0;
    return user.publish(name, subject, {
      count: 1 + random.below(8),
      size: random.below(300),
      hasId: random.below(3) === 0,
      ttlSeconds,
    });

    async function remakeConsumer(): Promise<void> {
      const config = used.consumers.find(({ durable_name }) => durable_name === consumer);
      if (config !== undefined)
        await user.createConsumer(name, { ...config, description: `c${random.below(100)}` });
    }
  };
}
