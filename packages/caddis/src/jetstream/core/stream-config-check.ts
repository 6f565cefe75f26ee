import { type ApiError, apiError } from "./api-error.ts";
import {
  ASSET_NAME_BYTES_MAX,
  DESCRIPTION_BYTES_MAX,
  isAssetName,
  METADATA_BYTES_MAX,
  metadataBytes,
} from "./asset-name.ts";
import {
  invalidConfig,
  pedanticError,
  type StreamConfigContext,
  type StreamConfigDraft,
} from "./stream-config-draft.ts";
import { checkFeatures } from "./stream-config-features.ts";
import { checkOrigins } from "./stream-config-origins.ts";
import { checkSubjects } from "./stream-config-subjects.ts";
import { checkRepublish, checkSubjectTransform } from "./stream-config-transforms.ts";
import type { StreamConfig } from "./stream-config.ts";

const REPLICAS_MAX = 5;
const NS_PER_SECOND = 1e9;
const DEFAULT_DUPLICATE_WINDOW = 120 * NS_PER_SECOND;
/** Shorter ages and windows would only keep timers busy. */
const SHORTEST_SPAN = NS_PER_SECOND / 10;

/** The limits that are -1 where they are off, and what pedantic mode says of less. */
const LIMITS = ["max_msgs", "max_msgs_per_subject", "max_bytes", "max_msg_size", "max_consumers"] as const;

/**
 * Checks a configuration as it was decoded, in the reference's order, and fills in what it leaves open. The result is
 * one to create a stream with, or to hold against the stream that there is (`stream-update.ts`).
 */
export function checkStreamConfig(
  config: StreamConfig,
  context: StreamConfigContext,
): { readonly config: StreamConfig } | { readonly error: ApiError } {
  const draft: StreamConfigDraft = { ...config };
  const error =
    checkNames(draft) ??
    checkLimits(draft, context.isPedantic) ??
    checkAges(draft, context) ??
    checkFeatures(draft, context.isPedantic) ??
    checkOrigins(draft, context) ??
    checkSubjects(draft) ??
    checkMaxBytes(draft, context) ??
    checkSubjectTransform(draft) ??
    checkRepublish(draft, context.isPedantic) ??
    checkPlacement(draft);
  return error === null ? { config: draft } : { error };
}

function checkNames({ name, description, metadata }: StreamConfigDraft): ApiError | null {
  if (!isAssetName(name)) {
    return invalidConfig(String.raw`stream name is required and can not contain '.', '*', '>', '\', '/'`);
  }
  if (name.length > ASSET_NAME_BYTES_MAX) {
    return invalidConfig(`stream name is too long, maximum allowed is ${ASSET_NAME_BYTES_MAX}`);
  }
  if (Buffer.byteLength(description) > DESCRIPTION_BYTES_MAX) {
    return invalidConfig(`stream description is too long, maximum allowed is ${DESCRIPTION_BYTES_MAX}`);
  }
  if (metadataBytes(metadata) > METADATA_BYTES_MAX) {
    return invalidConfig(`stream metadata exceeds maximum size of ${METADATA_BYTES_MAX} bytes`);
  }
  return null;
}

function checkLimits(draft: StreamConfigDraft, isPedantic: boolean): ApiError | null {
  if (draft.num_replicas === 0) draft.num_replicas = 1;
  if (draft.num_replicas > REPLICAS_MAX) return invalidConfig(`maximum replicas is ${REPLICAS_MAX}`);
  if (draft.num_replicas < 0) return apiError("replicasCountCannotBeNegative");
  for (const limit of LIMITS) {
    if (draft[limit] > 0) continue;
    if (isPedantic && draft[limit] < -1) return pedanticError(`${limit} must be set to -1`);
    draft[limit] = -1;
  }
  return null;
}

function checkAges(draft: StreamConfigDraft, context: StreamConfigContext): ApiError | null {
  const { max_age } = draft;
  if (max_age < 0) return invalidConfig("max age can not be negative");
  if (max_age !== 0 && max_age < SHORTEST_SPAN) return invalidConfig("max age needs to be >= 100ms");
  const error = setDefaultDuplicateWindow(draft, context);
  if (error !== null) return error;
  const { duplicate_window } = draft;
  if (duplicate_window < 0) return invalidConfig("duplicates window can not be negative");
  if (max_age !== 0 && duplicate_window > max_age) {
    return invalidConfig("duplicates window can not be larger then max age");
  }
  if (context.duplicateWindowMax > 0 && duplicate_window > context.duplicateWindowMax) {
    const limit = context.duplicateWindowText;
    return invalidConfig(`duplicates window can not be larger then server limit of ${limit}`);
  }
  if (duplicate_window > 0 && duplicate_window < SHORTEST_SPAN) {
    return invalidConfig("duplicates window needs to be >= 100ms");
  }
  return null;
}

/** Two minutes, or less where the server or the age of messages asks for less. What comes from elsewhere has none. */
function setDefaultDuplicateWindow(
  draft: StreamConfigDraft,
  { duplicateWindowMax, isPedantic }: StreamConfigContext,
): ApiError | null {
  if (draft.duplicate_window !== 0 || draft.mirror !== null || draft.sources.length > 0) return null;
  let window = DEFAULT_DUPLICATE_WINDOW;
  if (duplicateWindowMax > 0 && duplicateWindowMax < window) {
    if (isPedantic) return pedanticError("duplicate window limits are higher than current limits");
    window = duplicateWindowMax;
  }
  if (draft.max_age !== 0 && draft.max_age < window) {
    if (isPedantic) return pedanticError("duplicate window cannot be bigger than max age");
    window = draft.max_age;
  }
  draft.duplicate_window = window;
  return null;
}

function checkMaxBytes(draft: StreamConfigDraft, context: StreamConfigContext): ApiError | null {
  const { isRequired, max } = context.maxBytes(draft);
  if (isRequired && draft.max_bytes <= 0) return apiError("streamMaxBytesRequired");
  if (max > 0 && draft.max_bytes > max) return apiError("streamMaxStreamBytesExceeded");
  return null;
}

function checkPlacement(draft: StreamConfigDraft): ApiError | null {
  const { placement } = draft;
  if (placement === null) return null;
  if (placement.preferred !== "") return invalidConfig("preferred server not permitted in placement");
  if (placement.cluster === "" && placement.tags.length === 0) draft.placement = null;
  return null;
}
