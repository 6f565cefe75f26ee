import { type ConsumerConfig, PLAIN_CONSUMER_CONFIG } from "./consumer-config.ts";
import type { OriginStart } from "./origin-start.ts";
import type { StreamSource } from "./stream-config.ts";

const API_PREFIX = "$JS.API";
const NS_PER_SECOND = 1e9;
const HOURS_22 = 22 * 3600 * NS_PER_SECOND;

/** How often a consumer at an origin says that it is there. */
const HEARTBEAT_NS = NS_PER_SECOND;
/** An origin that says nothing for so long is asked for another consumer; it forgets the old one after as long. */
export const ORIGIN_SILENCE_MS = 10_000;
const NS_PER_MS = 1e6;

/** What a consumer at an origin is asked to be, besides what its stream says. */
export interface OriginConsumer {
  readonly name: string;
  readonly deliverSubject: string;
  readonly start: OriginStart;
  readonly metadata: ReadonlyMap<string, string>;
  /** False: the origin's server does not know about `sourcing`. */
  readonly isSourcing: boolean;
}

/** The configuration of the consumer by which `source` is followed. Wire strings. */
export function originConsumerConfig(
  source: StreamSource,
  { name, deliverSubject, start, metadata, isSourcing }: OriginConsumer,
): ConsumerConfig {
  return {
    ...PLAIN_CONSUMER_CONFIG,
    ...start,
    ...filtersOf(source),
    name,
    ack_policy: "none",
    ack_wait: HOURS_22,
    max_deliver: 1,
    flow_control: true,
    deliver_subject: deliverSubject,
    idle_heartbeat: HEARTBEAT_NS,
    inactive_threshold: ORIGIN_SILENCE_MS * NS_PER_MS,
    direct: true,
    sourcing: isSourcing,
    metadata,
  };
}

/** One filter has a place of its own: requests for such consumers can be permitted by their subject. */
function filtersOf({
  filter_subject,
  subject_transforms,
}: StreamSource): Pick<ConsumerConfig, "filter_subject" | "filter_subjects"> {
  const filters = subject_transforms.map(({ src }) => src);
  if (filters.length === 1 && filter_subject === "")
    return { filter_subject: filters[0], filter_subjects: [] };
  return { filter_subject, filter_subjects: filters };
}

/** The subject of the request for a consumer that is to be made. */
export function createSubject({ name, external }: StreamSource, config: ConsumerConfig): string {
  const { name: consumer, filter_subject } = config;
  const what = filter_subject === "" ? name : `${name}.${consumer}.${filter_subject}`;
  return originSubject(`${API_PREFIX}.CONSUMER.CREATE.${what}`, external);
}

/** The subject of the request to a consumer that is there to begin anew. */
export function resetSubject({ name, external }: StreamSource, consumer: string): string {
  return originSubject(`${API_PREFIX}.CONSUMER.RESET.${name}.${consumer}`, external);
}

export function deleteSubject({ name, external }: StreamSource, consumer: string): string {
  return originSubject(`${API_PREFIX}.CONSUMER.DELETE.${name}.${consumer}`, external);
}

/** Where messages are delivered to: `unique` tells it from all others. */
export function deliverSubject({ external }: StreamSource, isMirror: boolean, unique: string): string {
  const kind = isMirror ? "M" : "S";
  if (external === null || external.deliver === "") return `$JS.${kind}.${unique}`;
  return `${external.deliver}.${kind}.${unique}`.replaceAll("..", ".");
}

function originSubject(subject: string, external: StreamSource["external"]): string {
  if (external === null || external.api === "") return subject;
  return subject.replace(API_PREFIX, () => external.api).replaceAll("..", ".");
}
