import { formatInstant } from "../../base/instant.ts";
import type { JetStreamAccount } from "../../jetstream/account.ts";
import { consumerFields } from "../../jetstream/api/consumer-info.ts";
import type { ApiFields } from "../../jetstream/api/endpoint.ts";
import { mirrorFields, sourcesFields } from "../../jetstream/api/origin-fields.ts";
import { streamStateFields } from "../../jetstream/api/stream-info-fields.ts";
import type { Consumer } from "../../jetstream/consumer.ts";
import type { Storage } from "../../jetstream/core/stream-config.ts";
import { encodeStreamConfig } from "../../jetstream/core/stream-config-encode.ts";
import type { Stream } from "../../jetstream/stream.ts";
import { fromWireString } from "../../subject/subject.ts";
import type { JetStreamStats } from "./jetstream-stats.ts";

/** What details are wanted. */
export interface JszDetails {
  readonly streams: boolean;
  readonly consumers: boolean;
  readonly directConsumers: boolean;
  readonly config: boolean;
}

/** An account in /jsz. Fields stand in the reference's order; one that is undefined is left out. */
export interface JszAccount extends JetStreamStats {
  readonly name: string;
  readonly id: string;
  readonly stream_detail: Iterable<ApiFields> | undefined;
}

/** As the reference writes a limit that is none: -1 in a type without a sign. */
const NO_LIMIT = 2n ** 64n - 1n;

export function jszAccount(owner: JetStreamAccount, details: JszDetails): JszAccount {
  const { account, jetStream, streams, limits } = owner;
  const api = jetStream.apiCountsOf(account.name);
  const flat = limits.get("");
  return {
    name: account.shownName,
    id: account.name,
    memory: usedBytes(owner, "memory"),
    storage: usedBytes(owner, "file"),
    // Its limits, whatever is reserved of them.
    reserved_memory: shownLimit(flat?.maxMemory ?? 0),
    reserved_storage: shownLimit(flat?.maxStore ?? 0),
    accounts: 0,
    ha_assets: 0,
    api: { level: 0, total: api.total, errors: api.errors },
    stream_detail: details.streams && streams.size > 0 ? streamDetails(owner, details) : undefined,
  };
}

function usedBytes({ streams }: JetStreamAccount, storage: Storage): number {
  let bytes = 0;
  for (const { config, store } of streams.values())
    if (config.storage === storage) bytes += store.state.bytes;
  return bytes;
}

function shownLimit(limit: number): number | bigint {
  return limit < 0 ? NO_LIMIT : limit;
}

/** One after the other, while the answer is written. */
function* streamDetails({ streams }: JetStreamAccount, details: JszDetails): Generator<ApiFields> {
  for (const stream of streams.values()) yield streamDetail(stream, details);
}

function streamDetail(stream: Stream, { consumers: wanted, directConsumers, config }: JszDetails): ApiFields {
  const consumers = wanted ? [...stream.consumers.values()] : [];
  const shown = (isDirect: boolean): readonly ApiFields[] | undefined => {
    const list = consumers.filter((consumer) => consumer.config.direct === isDirect);
    return list.length === 0 ? undefined : list.map((consumer) => consumerDetail(stream, consumer, config));
  };
  return {
    name: fromWireString(stream.config.name),
    created: formatInstant(stream.created),
    cluster: { leader: stream.owner.account.broker.serverName },
    config: config ? encodeStreamConfig(stream.config, true) : undefined,
    state: streamStateFields(stream),
    consumer_detail: shown(false),
    direct_consumer_detail: directConsumers ? shown(true) : undefined,
    mirror: mirrorFields(stream),
    sources: sourcesFields(stream),
  };
}

function consumerDetail(stream: Stream, consumer: Consumer, withConfig: boolean): ApiFields {
  const fields = consumerFields(stream.config.name, consumer, true);
  return withConfig ? fields : { ...fields, config: undefined };
}
