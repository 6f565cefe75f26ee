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
  return isLevelSupported(metadata) ? null : levelReason(metadata);
}

/**
 * Those of a kept stream's consumers that are too new, by name, with the reason. Where there is one the stream is not
 * run either: messages could be lost to it.
 */
export function newerConsumers(consumers: ReadonlyMap<string, KeptConsumer>): ReadonlyMap<string, string> {
  const newer = new Map<string, string>();
  for (const [name, { config }] of consumers) {
    // Most say nothing but what every server knows, and are read by whoever brings them back.
    if (SUPPORTED.test(config)) continue;
    const metadata = decodeConsumerMeta(config)?.config.metadata ?? NOTHING;
    if (!isLevelSupported(metadata)) newer.set(name, levelReason(metadata));
  }
  return newer;
}

/** Why a stream with such consumers is not run; null: there are none. */
export function newerConsumersReason(newer: ReadonlyMap<string, string>): string | null {
  const [name] = newer.keys();
  return name === undefined ? null : `stopped - unsupported consumer ${fromWireString(goQuote(name))}`;
}

function levelReason(metadata: ReadonlyMap<string, string>): string {
  const level = metadata.get(REQUIRED_LEVEL) ?? "";
  return `unsupported - required API level: ${fromWireString(level)}, current API level: ${API_LEVEL}`;
}

const NOTHING: ReadonlyMap<string, string> = new Map();
/** As configurations are kept: levels of one digit that are reached. */
const SUPPORTED = new RegExp(`\\["${REQUIRED_LEVEL.replaceAll(".", "\\.")}","[0-${API_LEVEL}]"\\]`);
