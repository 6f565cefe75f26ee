import { goQuote } from "../base/go-quote.ts";
import type { KeptConsumer } from "../store/consumer-store.ts";
import { fromWireString } from "../subject/subject.ts";
import type { StreamConfig } from "./core/stream-config.ts";
import { API_LEVEL, isLevelSupported, REQUIRED_LEVEL } from "./core/versioning.ts";
import { decodeConsumerMeta } from "./stream-meta.ts";

/**
 * Why a kept stream is too new to be run here; null: it is not. It stays as it is then, for a server that knows what
 * is asked of it. Texts are the reference's.
 */
export function newerStreamReason({ metadata }: StreamConfig): string | null {
  if (isLevelSupported(metadata)) return null;
  const level = metadata.get(REQUIRED_LEVEL) ?? "";
  return `unsupported - required API level: ${fromWireString(level)}, current API level: ${API_LEVEL}`;
}

/** As `newerStreamReason`, for the sake of its consumers: without one of them messages could be lost to it. */
export function newerConsumerReason(consumers: ReadonlyMap<string, KeptConsumer>): string | null {
  for (const [name, { config }] of consumers) {
    // Most say nothing but what every server knows, and are read by whoever brings them back.
    const isSupported =
      SUPPORTED.test(config) || isLevelSupported(decodeConsumerMeta(config)?.config.metadata ?? NOTHING);
    if (!isSupported) return `stopped - unsupported consumer ${fromWireString(goQuote(name))}`;
  }
  return null;
}

const NOTHING: ReadonlyMap<string, string> = new Map();
/** As configurations are kept: levels of one digit that are reached. */
const SUPPORTED = new RegExp(`\\["${REQUIRED_LEVEL.replaceAll(".", "\\.")}","[0-${API_LEVEL}]"\\]`);
