import { serverHash } from "../auth/server-hash.ts";
import { fromWireString } from "../subject/subject.ts";
import { keyText, type SourceKey } from "./core/source-header.ts";
import type { StreamSource } from "./core/stream-config.ts";
import type { Stream } from "./stream.ts";

const ALL = ">";
/** Between the filters of one source. */
const SEPARATOR = "\f";

/** What names `source` among the sources of a stream, in headers that are stored; as in the reference. */
export function sourceKeyOf({
  name,
  external,
  consumer,
  filter_subject,
  subject_transforms,
}: StreamSource): SourceKey {
  let origin = name;
  if (external !== null) origin += `:${serverHash(fromWireString(external.api))}`;
  if (consumer !== null) origin += `:C=${serverHash(fromWireString(consumer.name))}`;
  if (subject_transforms.length === 0) return { origin, filters: filter_subject || ALL, destinations: ALL };
  return {
    origin,
    filters: subject_transforms.map(({ src }) => src || ALL).join(SEPARATOR),
    destinations: subject_transforms.map(({ dest }) => dest || ALL).join(SEPARATOR),
  };
}

/** What `streamAndSeq` of older servers knew a source by: their headers hold no more. */
export function oldOriginOf({ name, external }: StreamSource): string {
  return external === null ? name : `${name}:${serverHash(fromWireString(external.api))}`;
}

/** What a mirror's consumers at its origin are called. */
export function mirrorConsumerName(stream: Stream): string {
  return `JS_MIRROR_${hashOf(stream)}`;
}

/** What the consumers of a stream's sources are called at their origins. */
export class SourceNames {
  readonly #stream: Stream;
  /** Empty: nobody asked yet, as in most streams, which have no sources. */
  #id = "";
  /** The one that a source has whose origin no other one has. */
  #name = "";
  /** Origins of several sources: their consumers need names of their own. */
  readonly #shared: ReadonlySet<string>;

  /** `sources`: all of the stream. */
  constructor(stream: Stream, sources: readonly StreamSource[]) {
    this.#stream = stream;
    const seen = new Set<string>();
    const shared = new Set<string>();
    for (const { name } of sources) (seen.has(name) ? shared : seen).add(name);
    this.#shared = shared;
  }

  of(source: StreamSource): string {
    this.#id ||= hashOf(this.#stream);
    if (!this.#shared.has(source.name)) return (this.#name ||= `JS_SRC_${serverHash(this.#id)}`);
    return `JS_SRC_${serverHash(`${this.#id} ${fromWireString(keyText(sourceKeyOf(source)))}`)}`;
  }
}

/** The metadata of consumers at an origin: on whose behalf they are there. */
export function originMetadata({ owner, name }: Stream, isMirror: boolean): ReadonlyMap<string, string> {
  const { account, jetStream } = owner;
  const prefix = isMirror ? "_nats.mirror" : "_nats.src";
  const metadata = new Map([
    [`${prefix}.stream`, fromWireString(name)],
    [`${prefix}.acc`, account.name],
  ]);
  if (jetStream.domain !== "") metadata.set(`${prefix}.domain`, jetStream.domain);
  return metadata;
}

function hashOf({ owner, name }: Stream): string {
  const { account, jetStream } = owner;
  const id = `${fromWireString(name)} ${account.name}`;
  return serverHash(jetStream.domain === "" ? id : `${id} ${jetStream.domain}`);
}
