import type { JetStreamTiers } from "../config/read-jetstream-account.ts";
import type { Storage } from "./core/stream-config.ts";

/** Bytes that limits promise, all tiers together; unlimited ones promise nothing. */
export function reservedBy(tiers: JetStreamTiers, storage: Storage): number {
  let bytes = 0;
  for (const { maxMemory, maxStore } of tiers.values()) {
    bytes += Math.max(storage === "memory" ? maxMemory : maxStore, 0);
  }
  return bytes;
}

/** What `after` promises beyond `before`, tier by tier. */
export function promisedMore(before: JetStreamTiers, after: JetStreamTiers): JetStreamTiers {
  return new Map(
    [...after].map(([name, tier]) => {
      const was = before.get(name);
      if (was === undefined) return [name, tier];
      return [
        name,
        {
          ...tier,
          maxMemory: more(was.maxMemory, tier.maxMemory),
          maxStore: more(was.maxStore, tier.maxStore),
        },
      ];
    }),
  );
}

function more(before: number, after: number): number {
  return Math.max(Math.max(after, 0) - Math.max(before, 0), 0);
}
