import type { JetStreamAccount } from "../account.ts";
import { goDuration } from "../core/go-duration.ts";
import type { StreamConfigContext } from "../core/stream-config-draft.ts";
import type { StreamConfig } from "../core/stream-config.ts";

const NS_PER_MS = 1e6;

/** What configurations of streams of an account are checked against. */
export function streamConfigContext(owner: JetStreamAccount, isPedantic: boolean): StreamConfigContext {
  const window = owner.jetStream.settings.limits.duplicateWindowMs * NS_PER_MS;
  return {
    streamConfig: (name) => owner.streams.get(name)?.config ?? null,
    maxBytes: (config) => maxBytesRule(owner, config),
    duplicateWindowMax: window,
    duplicateWindowText: goDuration(window),
    isPedantic,
  };
}

function maxBytesRule(
  { limits }: JetStreamAccount,
  { num_replicas, storage }: StreamConfig,
): { readonly isRequired: boolean; readonly max: number } {
  const tier = limits.get("") ?? limits.get(`R${num_replicas}`);
  if (tier === undefined) return { isRequired: false, max: 0 };
  const max = storage === "memory" ? tier.memoryMaxStreamBytes : tier.storeMaxStreamBytes;
  return { isRequired: tier.maxBytesRequired, max };
}
