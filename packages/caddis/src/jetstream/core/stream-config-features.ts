import type { ApiError } from "./api-error.ts";
import { invalidConfig, type StreamConfigDraft } from "./stream-config-draft.ts";

const SHORTEST_MARKER_TTL = 1e9;

/** Checks what features of a stream need of each other, and turns on what they can't do without. */
export function checkFeatures(draft: StreamConfigDraft, isPedantic: boolean): ApiError | null {
  if (draft.deny_purge && draft.allow_rollup_hdrs) {
    return invalidConfig("roll-ups require the purge permission");
  }
  return (
    checkCounter(draft) ??
    checkDiscardPerSubject(draft) ??
    checkDeleteMarkers(draft, isPedantic) ??
    checkSchedules(draft, isPedantic) ??
    checkPersistMode(draft)
  );
}

/** Refusing new messages of a subject needs a discard policy and a limit that call for it. */
export function checkDiscardPerSubject(draft: StreamConfigDraft): ApiError | null {
  if (!draft.discard_new_per_subject) return null;
  if (draft.discard !== "new") {
    return invalidConfig("discard new per subject requires discard new policy to be set");
  }
  if (draft.max_msgs_per_subject <= 0) {
    return invalidConfig("discard new per subject requires max msgs per subject > 0");
  }
  return null;
}

function checkCounter(draft: StreamConfigDraft): ApiError | null {
  if (!draft.allow_msg_counter) return null;
  if (draft.discard === "new") return invalidConfig("counter stream cannot use discard new");
  if (draft.allow_msg_ttl) return invalidConfig("counter stream cannot use message TTLs");
  if (draft.allow_msg_schedules) return invalidConfig("counter stream cannot use message schedules");
  if (draft.retention !== "limits") return invalidConfig("counter stream can only use limits retention");
  return null;
}

function checkDeleteMarkers(draft: StreamConfigDraft, isPedantic: boolean): ApiError | null {
  const ttl = draft.subject_delete_marker_ttl;
  if (ttl < 0) return invalidConfig("subject delete marker TTL must not be negative");
  if (ttl === 0) return null;
  if (ttl < SHORTEST_MARKER_TTL) {
    return invalidConfig("subject delete marker TTL must be at least 1 second");
  }
  if (isPedantic && !draft.allow_msg_ttl) {
    return invalidConfig("subject delete marker cannot be set if message TTLs are disabled");
  }
  draft.allow_msg_ttl = true;
  if (isPedantic && !draft.allow_rollup_hdrs) {
    return invalidConfig("subject delete marker cannot be set if roll-ups are disabled");
  }
  allowRollup(draft);
  return null;
}

function checkSchedules(draft: StreamConfigDraft, isPedantic: boolean): ApiError | null {
  if (!draft.allow_msg_schedules) return null;
  if (draft.discard === "new") return invalidConfig("message scheduling cannot use discard new");
  if (isPedantic && !draft.allow_rollup_hdrs) {
    return invalidConfig("message scheduling cannot be set if roll-ups are disabled");
  }
  allowRollup(draft);
  return null;
}

function checkPersistMode(draft: StreamConfigDraft): ApiError | null {
  if (draft.persist_mode !== "async") return null;
  if (draft.storage !== "file") return invalidConfig("async persist mode is only supported on file storage");
  if (draft.num_replicas > 1) {
    return invalidConfig("async persist mode is not supported on replicated streams");
  }
  if (draft.allow_atomic) {
    return invalidConfig("async persist mode is not supported with atomic batch publish");
  }
  return null;
}

/** Roll-ups purge, so that has to be allowed with them. */
function allowRollup(draft: StreamConfigDraft): void {
  if (draft.allow_rollup_hdrs) return;
  draft.allow_rollup_hdrs = true;
  draft.deny_purge = false;
}
