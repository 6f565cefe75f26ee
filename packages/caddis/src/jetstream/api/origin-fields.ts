import { nanoseconds } from "../../broker/go-json.ts";
import { fromWireString } from "../../subject/subject.ts";
import { encodeExternal, encodeTransform } from "../core/stream-config-encode.ts";
import type { OriginLink } from "../origin-link.ts";
import type { Stream } from "../stream.ts";
import type { ApiFields } from "./endpoint.ts";

/** How a mirror stands to its origin, as its info shows it; undefined: it is none. */
export function mirrorFields({ origins }: Pick<Stream, "origins">): ApiFields | undefined {
  return origins.mirror === null ? undefined : linkFields(origins.mirror, 0);
}

/** How a stream stands to its sources; undefined: it has none. */
export function sourcesFields({ origins }: Pick<Stream, "origins">): readonly ApiFields[] | undefined {
  const fields = Array.from(origins.sources, ({ source, link }) => linkFields(link, source.cursor.storedSeq));
  return fields.length === 0 ? undefined : fields;
}

function linkFields({ role, progress, error, silentMs, hasAsked }: OriginLink, seq: number): ApiFields {
  const { name, external, subject_transforms } = role.source;
  // The reference does not know it any sooner.
  const filter = role.isMirror && !hasAsked ? "" : role.source.filter_subject;
  return {
    name: fromWireString(name),
    external: external === null ? undefined : encodeExternal(external),
    lag: progress.lag,
    seq: seq || undefined,
    active: silentMs === Infinity ? -1 : nanoseconds(silentMs),
    error: error ?? undefined,
    filter_subject: fromWireString(filter) || undefined,
    subject_transforms: subject_transforms.length > 0 ? subject_transforms.map(encodeTransform) : undefined,
  };
}
