import { goQuote } from "../../base/go-quote.ts";
import { subjectsCollide } from "../../subject/overlap.ts";
import { fromWireString, isValidConfiguredSubject, isValidLiteralSubject } from "../../subject/subject.ts";
import { type ApiError, apiError, type ApiErrorName } from "./api-error.ts";
import { isAssetName } from "./asset-name.ts";
import {
  invalidConfig,
  pedanticError,
  type StreamConfigContext,
  type StreamConfigDraft,
} from "./stream-config-draft.ts";
import { firstColliding, PatternSet } from "./pattern-set.ts";
import { transformFault, transformSourceFault } from "./stream-config-transforms.ts";
import type { StreamConfig, StreamSource, SubjectTransformConfig } from "./stream-config.ts";

const ALL = ">";
const API_PREFIX = "$JS.API";

/** Checks what a stream mirrors or sources, and that no stream feeds itself. */
export function checkOrigins(draft: StreamConfigDraft, context: StreamConfigContext): ApiError | null {
  return (
    checkMirror(draft, context) ??
    checkSources(draft, context) ??
    checkPrefixes(draft, context) ??
    checkCycles(draft, context)
  );
}

/**
 * What the reference only finds when it makes a stream: filters of origins that are no subjects. Null when there are
 * none.
 */
export function checkOriginFilters({ mirror, sources }: StreamConfig): ApiError | null {
  if (mirror !== null && hasBadFilter(mirror)) {
    const filter = fromWireString(mirror.filter_subject);
    return apiError("streamCreate", { err: `subject filter '${filter}' for the mirror invalid subject` });
  }
  const bad = sources.find(hasBadFilter);
  if (bad === undefined) return null;
  const filter = fromWireString(bad.filter_subject);
  return apiError("streamCreate", { err: `subject filter '${filter}' for the source: invalid subject` });
}

function hasBadFilter({ filter_subject }: StreamSource): boolean {
  return filter_subject !== "" && !isValidConfiguredSubject(filter_subject);
}

function checkMirror(draft: StreamConfigDraft, context: StreamConfigContext): ApiError | null {
  const { mirror } = draft;
  if (mirror === null) return null;
  const clash = clashWithMirror(draft);
  if (clash !== null) return apiError(clash);
  if (!isConsumerSound(mirror)) return apiError("mirrorDurableConsumerCfgInvalid");
  if (mirror.filter_subject !== "" && mirror.subject_transforms.length > 0) {
    return apiError("mirrorMultipleFiltersNotAllowed");
  }
  // A marker would take up a sequence that the origin gives to something else.
  if (draft.subject_delete_marker_ttl > 0) {
    return invalidConfig("subject delete markers forbidden on mirrors");
  }
  const error = checkMirrorTransforms(mirror.subject_transforms);
  return error ?? (mirror.external === null ? checkMirrorOrigin(draft, mirror, context) : null);
}

/** What a mirror can't have. */
function clashWithMirror(draft: StreamConfigDraft): ApiErrorName | null {
  if (draft.first_seq > 0) return "mirrorWithFirstSeq";
  if (draft.subjects.length > 0) return "mirrorWithSubjects";
  if (draft.sources.length > 0) return "mirrorWithSources";
  if (draft.allow_msg_counter) return "mirrorWithCounters";
  if (draft.allow_atomic) return "mirrorWithAtomicPublish";
  if (draft.allow_batched) return "mirrorWithBatchPublish";
  if (draft.allow_msg_schedules) return "mirrorWithMsgSchedules";
  return null;
}

function checkMirrorTransforms(transforms: readonly SubjectTransformConfig[]): ApiError | null {
  const overlapping = firstColliding(transforms.map(({ src }) => src));
  for (const [index, transform] of transforms.entries()) {
    const sourceFault = transformSourceFault(transform);
    if (sourceFault !== null) return apiError("mirrorInvalidSubjectFilter", { err: sourceFault });
    const fault = transformFault(transform);
    if (fault !== null) return apiError("mirrorInvalidTransformDestination", { err: fault });
    if (index === overlapping) return apiError("mirrorOverlappingSubjectFilters");
  }
  return null;
}

/** The origin need not be there. If it is, messages must fit, and both are read directly or neither. */
function checkMirrorOrigin(
  draft: StreamConfigDraft,
  { name }: StreamSource,
  context: StreamConfigContext,
): ApiError | null {
  if (!isAssetName(name)) return apiError("mirrorInvalidStreamName");
  const origin = context.streamConfig(name);
  if (origin === null) return null;
  if (isSmallerThan(draft, origin)) return apiError("mirrorMaxMessageSizeTooBig");
  if (context.isPedantic && draft.mirror_direct !== origin.allow_direct) {
    return pedanticError("origin stream has direct get set, mirror has it disabled");
  }
  draft.mirror_direct = origin.allow_direct;
  return null;
}

function checkSources(draft: StreamConfigDraft, context: StreamConfigContext): ApiError | null {
  if (draft.sources.length > 0 && draft.allow_msg_schedules) return apiError("sourceWithMsgSchedules");
  const seen = new Set<string>();
  const seenConsumers = new Set<string>();
  for (const source of draft.sources) {
    const clash =
      checkSource(source, seen) ??
      checkSourceTransforms(source) ??
      checkSourceConsumer(source, seenConsumers);
    if (clash !== null) return clash;
    if (source.external !== null) continue;
    const origin = context.streamConfig(source.name);
    if (origin !== null && isSmallerThan(draft, origin)) return apiError("sourceMaxMessageSizeTooBig");
  }
  return null;
}

function checkSource(source: StreamSource, seen: Set<string>): ApiError | null {
  if (!isAssetName(source.name)) return apiError("sourceInvalidStreamName");
  const key = sourceKey(source);
  if (seen.has(key)) return apiError("sourceDuplicateDetected");
  seen.add(key);
  return source.filter_subject !== "" && source.subject_transforms.length > 0
    ? apiError("sourceMultipleFiltersNotAllowed")
    : null;
}

function checkSourceTransforms({ subject_transforms }: StreamSource): ApiError | null {
  for (const transform of subject_transforms) {
    const sourceFault = transformSourceFault(transform);
    if (sourceFault !== null) return apiError("sourceInvalidSubjectFilter", { err: sourceFault });
    const fault = transformFault(transform);
    if (fault !== null) return apiError("sourceInvalidTransformDestination", { err: fault });
  }
  const filters = new PatternSet();
  const isAnyTwice = subject_transforms.map(({ src }) => filters.add(src)).includes(false);
  const overlaps = isAnyTwice || subject_transforms.some(({ src }) => filters.coversByAnother(src));
  return overlaps ? apiError("sourceOverlappingSubjectFilters") : null;
}

function checkSourceConsumer(source: StreamSource, seen: Set<string>): ApiError | null {
  if (source.consumer === null) return null;
  if (!isConsumerSound(source)) return apiError("sourceDurableConsumerCfgInvalid");
  const key = JSON.stringify([source.name, source.external?.api ?? "", source.consumer.name]);
  if (seen.has(key)) return apiError("sourceDurableConsumerDuplicateDetected");
  seen.add(key);
  return null;
}

/** A consumer that is there already decides by itself where it starts and what it filters. */
function isConsumerSound({ consumer, opt_start_seq, opt_start_time, filter_subject }: StreamSource): boolean {
  if (consumer === null) return true;
  if (!isAssetName(consumer.name)) return false;
  const { deliver_subject } = consumer;
  if (!isValidLiteralSubject(deliver_subject) || !isValidConfiguredSubject(deliver_subject)) return false;
  return opt_start_seq === 0 && opt_start_time === null && filter_subject === "";
}

/** What may come only once among the sources: the same stream, by the same way, for the same subjects. */
function sourceKey({ name, external, consumer, filter_subject, subject_transforms }: StreamSource): string {
  const filters =
    subject_transforms.length === 0
      ? [[filter_subject || ALL, ALL]]
      : subject_transforms.map(({ src, dest }) => [src || ALL, dest || ALL]);
  return JSON.stringify([name, external?.api ?? null, consumer?.name ?? null, filters]);
}

/** Not all messages of the origin would fit. */
function isSmallerThan(draft: StreamConfigDraft, origin: StreamConfig): boolean {
  return draft.max_msg_size > 0 && origin.max_msg_size > 0 && draft.max_msg_size < origin.max_msg_size;
}

function checkPrefixes(draft: StreamConfigDraft, context: StreamConfigContext): ApiError | null {
  const origins = draft.mirror === null ? draft.sources : [draft.mirror, ...draft.sources];
  const near = origins.filter(({ external }) => external === null);
  // Thousands of sources may share a few origins.
  const names = new Set(near.map(({ name }) => name));
  const subjects = [...names].flatMap((name) => context.streamConfig(name)?.subjects ?? []);
  for (const prefix of new Set(origins.map(({ external }) => external?.deliver ?? ""))) {
    const error = prefix === "" ? null : checkDeliverPrefix(prefix, subjects);
    if (error !== null) return error;
  }
  for (const { external } of origins) {
    if (external !== null && external.api !== "") {
      const error = checkApiPrefix(external.api);
      if (error !== null) return error;
    }
  }
  return null;
}

function checkDeliverPrefix(wire: string, subjects: readonly string[]): ApiError | null {
  const prefix = fromWireString(wire);
  if (!isPublishSubject(wire)) return apiError("streamInvalidExternalDeliverySubj", { prefix });
  const overlapping = subjects.find((subject) => subjectsCollide(subject, `${wire}.${subject}`));
  return overlapping === undefined
    ? null
    : apiError("streamExternalDelPrefixOverlaps", { prefix, subject: fromWireString(overlapping) });
}

function checkApiPrefix(wire: string): ApiError | null {
  if (!isPublishSubject(wire)) {
    const shown = fromWireString(goQuote(wire));
    return invalidConfig(`stream external api prefix ${shown} must be a valid subject without wildcards`);
  }
  const prefix = fromWireString(wire);
  return subjectsCollide(wire, API_PREFIX)
    ? apiError("streamExternalApiOverlap", { prefix, subject: API_PREFIX })
    : null;
}

function isPublishSubject(subject: string): boolean {
  return isValidConfiguredSubject(subject) && isValidLiteralSubject(subject);
}

/** Walks from origin to origin; one that was seen must not feed what it is fed from. */
function checkCycles(draft: StreamConfigDraft, context: StreamConfigContext): ApiError | null {
  const toVisit: StreamConfig[] = [draft];
  const visited = new Set<string>();
  for (let config = toVisit.shift(); config !== undefined; config = toVisit.shift()) {
    visited.add(config.name);
    for (const { origin, filter } of nearOrigins(config)) {
      if (visited.has(origin)) {
        if (takesAny(config.subjects, filter)) return invalidConfig("detected cycle");
        continue;
      }
      const next = context.streamConfig(origin);
      if (next !== null) toVisit.push(next);
    }
  }
  return null;
}

/** Streams of the same account that feed `config`. `filter` null: with everything, whatever its subjects. */
function* nearOrigins({
  sources,
  mirror,
}: StreamConfig): Generator<{ readonly origin: string; readonly filter: string | null }> {
  for (const { name, external, filter_subject } of sources) {
    if (external === null) yield { origin: name, filter: filter_subject === "" ? null : filter_subject };
  }
  if (mirror !== null && mirror.external === null) yield { origin: mirror.name, filter: null };
}

function takesAny(subjects: readonly string[], filter: string | null): boolean {
  return filter === null || subjects.some((subject) => subjectsCollide(subject, filter));
}
