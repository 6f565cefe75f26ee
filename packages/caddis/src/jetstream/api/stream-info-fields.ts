import { formatInstant, GO_ZERO_TIME, type Instant, instantOf } from "../../base/instant.ts";
import { encodeStreamConfig } from "../core/stream-config-encode.ts";
import type { Stream } from "../stream.ts";
import { mirrorFields, sourcesFields } from "./origin-fields.ts";
import type { ApiFields } from "./endpoint.ts";

/**
 * Sequences that are listed as deleted at most, the first ones: some megabytes of JSON. A purge or a mirror's origin can
 * leave out more than there is memory; `num_deleted` says how many they are.
 */
const DELETED_MAX = 500_000;
/** Sequences that are listed as lost at most, the first ones; `/jsz` and metrics say how many they are. */
const LOST_MAX = 10_000;

/** What is said of a stream beside what always is. */
export interface StreamInfoOptions {
  /** Its metadata as it is stored, without the server's: as lists show it. */
  readonly hasStoredMetadata?: boolean;
  /** Without the domain: as the answer to its creation is. */
  readonly hasNoDomain?: boolean;
  /** Who serves it. */
  readonly hasLeader?: boolean;
  /** The sequences that have no message any more are listed. */
  readonly hasDeleted?: boolean;
  /** How many messages each subject has. */
  readonly subjects?: ApiFields;
}

/** A stream as answers show it, in the reference's order of fields. */
export function streamInfoFields(stream: Stream, options: StreamInfoOptions = {}): ApiFields {
  const { jetStream, account } = stream.owner;
  return {
    config: encodeStreamConfig(stream.config, options.hasStoredMetadata),
    created: formatInstant(stream.created),
    state: streamStateFields(stream, options),
    domain: options.hasNoDomain === true ? undefined : jetStream.domain || undefined,
    cluster: options.hasLeader === true ? { leader: account.broker.serverName } : undefined,
    mirror: mirrorFields(stream),
    sources: sourcesFields(stream),
    ts: formatInstant(instantOf(account.broker.clock.nowMs())),
  };
}

/** The state of a stream as its JSON has it. */
export function streamStateFields(stream: Stream, options: StreamInfoOptions = {}): ApiFields {
  const { store, consumers } = stream;
  const { state } = store;
  const { lostCount, lostBytes } = state;
  return {
    messages: state.messages,
    bytes: state.bytes,
    first_seq: state.firstSeq,
    first_ts: shownTime(state.firstTime),
    last_seq: state.lastSeq,
    last_ts: shownTime(state.lastTime),
    num_subjects: state.subjectCount || undefined,
    subjects: options.subjects,
    num_deleted: state.deletedCount || undefined,
    deleted:
      options.hasDeleted === true && state.deletedCount > 0
        ? [...Iterator.from(store.deleted()).take(DELETED_MAX)]
        : undefined,
    lost:
      lostCount > 0 ? { msgs: [...Iterator.from(store.lost()).take(LOST_MAX)], bytes: lostBytes } : undefined,
    consumer_count: [...consumers.values()].filter(({ config }) => !config.direct).length,
  };
}

function shownTime(time: Instant | null): string {
  return time === null ? GO_ZERO_TIME : formatInstant(time);
}
