import { same } from "../../base/same.ts";
import { type ApiError, apiError } from "./api-error.ts";
import { invalidConfig, type StreamConfigDraft } from "./stream-config-draft.ts";
import { checkDiscardPerSubject } from "./stream-config-features.ts";
import type { StreamConfig } from "./stream-config.ts";

/**
 * The configuration with which a stream that has `old` goes on when it is asked for `wanted`, which has been checked
 * (`stream-config-check.ts`); or why it can't. What depends on other streams, on consumers and on what the account may
 * use is not looked at.
 */
export function updatedStreamConfig(
  old: StreamConfig,
  wanted: StreamConfig,
): { readonly config: StreamConfig } | { readonly error: ApiError } {
  const error = checkChange(old, wanted);
  if (error !== null) return { error };
  return { config: wanted.sealed ? sealed(wanted) : wanted };
}

function checkChange(old: StreamConfig, wanted: StreamConfig): ApiError | null {
  if (wanted.name !== old.name) return invalidConfig("stream configuration name must match original");
  if (wanted.num_replicas > 1) return apiError("streamReplicasNotSupported");
  const refusal = refusedChange(old, wanted);
  if (refusal !== null) return invalidUpdate(refusal);
  // A mirror that is none any more becomes a stream of its own.
  if (wanted.mirror !== null && !same(wanted.mirror, old.mirror)) {
    return apiError("streamMirrorNotUpdatable");
  }
  const error = checkDiscardPerSubject(wanted);
  if (error !== null) return error;
  const late = refusedFeatureChange(old, wanted);
  return late === null ? null : invalidConfig(late);
}

/** What a stream is for good. */
function refusedChange(old: StreamConfig, wanted: StreamConfig): string | null {
  if (wanted.storage !== old.storage) return "can not change storage type";
  if (wanted.retention !== old.retention && [wanted.retention, old.retention].includes("workqueue")) {
    return "can not change retention policy to/from workqueue";
  }
  if (old.sealed && !wanted.sealed) return "can not unseal a sealed stream";
  if (old.deny_delete && !wanted.deny_delete) return "can not cancel deny message deletes";
  if (old.deny_purge && !wanted.deny_purge) return "can not cancel deny purge";
  return null;
}

function refusedFeatureChange(old: StreamConfig, wanted: StreamConfig): string | null {
  if (old.allow_msg_ttl && !wanted.allow_msg_ttl) return "message TTL status can not be disabled";
  if (old.allow_msg_counter !== wanted.allow_msg_counter) {
    return "stream configuration update can not change message counter setting";
  }
  if (old.allow_msg_schedules && !wanted.allow_msg_schedules) return "message schedules can not be disabled";
  if (old.persist_mode !== wanted.persist_mode) {
    return "stream configuration update can not change persist mode";
  }
  return null;
}

function invalidUpdate(what: string): ApiError {
  return invalidConfig(`stream configuration update ${what}`);
}

/** Nothing comes in or goes out any more, whatever else was asked for. */
function sealed(config: StreamConfig): StreamConfig {
  const draft: StreamConfigDraft = { ...config };
  draft.max_age = 0;
  draft.discard = "new";
  draft.deny_delete = true;
  draft.deny_purge = true;
  draft.allow_rollup_hdrs = false;
  return draft;
}
