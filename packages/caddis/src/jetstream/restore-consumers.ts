import type { Instant } from "../base/instant.ts";
import { fromWireString } from "../subject/subject.ts";
import type { ApiError } from "./core/api-error.ts";
import { consumerConfigProblem } from "./core/consumer-config-check.ts";
import { CONSUMER_CONFIG_FIELDS, consumerConfigOf } from "./core/consumer-config-decode.ts";
import { withConsumerDefaults, withThreshold } from "./core/consumer-config-defaults.ts";
import { newConsumerProblem } from "./core/consumer-config-place.ts";
import type { ConsumerConfig } from "./core/consumer-config.ts";
import { decodeProgress, type KeptProgress } from "./core/consumer-state-file.ts";
import { type DecodedFields, decodeRequest, objectOf } from "./core/json-fields.ts";
import { isLevelSupported, withLevelOf } from "./core/versioning.ts";
import { refuseRestore, type RestoreTarget } from "./restore-target.ts";

/** A consumer that is to be there with the stream. */
export interface RestoredConsumer {
  /** Wire string. */
  readonly name: string;
  readonly config: ConsumerConfig;
  /** Null: the archive does not say. */
  readonly created: Instant | null;
  readonly progress: KeptProgress;
}

type ConfigFields = DecodedFields<typeof CONSUMER_CONFIG_FIELDS>;

const ARCHIVED = objectOf("SnapshotConsumerState", {
  config: objectOf("server.ConsumerConfig", CONSUMER_CONFIG_FIELDS),
});
/** As a server's file has it: the configuration with two fields more. */
const FILED = objectOf("FileConsumerInfo", { ...CONSUMER_CONFIG_FIELDS, created: "time" });

/** Adds a consumer to what is restored, from an archive's entry; returns why it can't be there. */
export function addArchivedConsumer(target: RestoreTarget, name: string, json: Buffer): ApiError | null {
  const shown = fromWireString(name);
  const decoded = decodeRequest(json, ARCHIVED, false);
  if ("problem" in decoded)
    return refuseRestore(`failed to decode consumer "${shown}" state: ${decoded.problem}`);
  const { config } = decoded.fields;
  if (config === undefined) return refuseRestore(`consumer "${shown}" is missing config`);
  const state = parsed(json)?.["state"];
  if (state === undefined || state === null) return refuseRestore(`consumer "${shown}" is missing state`);
  const progress = decodeProgress(state);
  if (progress === null) return refuseRestore(`failed to decode consumer "${shown}" state`);
  return add(target, name, config, null, progress);
}

/** The same, from what a server had in its files. */
export function addFiledConsumer(
  target: RestoreTarget,
  name: string,
  json: Buffer,
  progress: KeptProgress,
): ApiError | null {
  const decoded = decodeRequest(json, FILED, false);
  if ("problem" in decoded)
    return refuseRestore(`error restoring consumer ["${fromWireString(name)}"]: ${decoded.problem}`);
  const { created, ...config } = decoded.fields;
  return add(target, name, config, created ?? null, progress);
}

function add(
  target: RestoreTarget,
  name: string,
  fields: ConfigFields,
  created: Instant | null,
  progress: KeptProgress,
): ApiError | null {
  const checked = checkConsumer(target, { ...consumerConfigOf(fields), name });
  if ("problem" in checked)
    return refuseRestore(`failed to add consumer "${fromWireString(name)}": ${checked.problem}`);
  target.addConsumer({ name, config: checked.config, created, progress });
  return null;
}

/** The configuration with its defaults, checked as that of a new consumer is. */
function checkConsumer(
  { owner, config: stream, consumers }: RestoreTarget,
  asked: ConsumerConfig,
): { readonly config: ConsumerConfig } | { readonly problem: string } {
  const { name, durable_name } = asked;
  if (durable_name !== "" && durable_name !== name) return { problem: "its names differ" };
  if (consumers.some((other) => other.name === name)) return { problem: "it is there twice" };
  if (asked.direct) return { problem: "it belongs to another stream" };
  if (!isLevelSupported(asked.metadata)) return { problem: "it needs a newer server" };
  const { limits } = owner.jetStream.settings;
  const tier = owner.tierOf(stream);
  const bounds = {
    serverMaxAckPending: limits.maxAckPending,
    serverMaxRequestBatch: limits.maxRequestBatch,
    accountMaxAckPending: tier?.maxAckPending ?? -1,
  };
  const settled = withConsumerDefaults(asked, stream, bounds, false);
  if ("error" in settled) return { problem: settled.error.description };
  // The level that it needs is what was stored with it.
  const metadata = withLevelOf(asked.metadata, asked.metadata);
  const config = withThreshold({ ...settled.config, metadata });
  const counts = {
    accountMaxConsumers: tier?.maxConsumers ?? -1,
    defaultMaxConsumers: limits.defaultMaxConsumers,
  };
  const problem =
    consumerConfigProblem(config, stream, bounds) ?? newConsumerProblem(config, stream, counts, consumers);
  return problem === null ? { config } : { problem: problem.description };
}

function parsed(json: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(json.toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
