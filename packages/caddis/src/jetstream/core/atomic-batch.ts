/**
 * Atomic batches: messages that a client numbers under a common id, and that are stored all together when it commits
 * them, or not at all. Here is what is decided about each of them by its headers alone.
 */

import { type ApiError, apiError } from "./api-error.ts";

/** Of a batch's id, in bytes. */
const ID_LENGTH_MAX = 64;

/** Why a batch was given up, as the advisory says it. */
export type AbandonReason = "timeout" | "large" | "incomplete" | "unsupported";

/** What the headers of a message say about its batch. */
export interface AtomicHeaders {
  /** Not empty. Wire string. */
  readonly id: string;
  /** `Nats-Batch-Sequence`; null: there is none, or it is no number. */
  readonly seq: number | null;
  /** `Nats-Batch-Commit`; null: there is none. */
  readonly commit: string | null;
  /** The message asks for more than this server can do. */
  readonly isUnsupported: boolean;
}

/** What a message means for its batch. */
export type AtomicStep =
  /** It is the next one of its batch, and not the last. */
  | { readonly do: "stage" }
  /** It commits the batch; `isMarker`: it only says so and is no part of it. */
  | { readonly do: "commit"; readonly isMarker: boolean }
  /** `ends`: its batch is given up, with an advisory unless `reason` is null. */
  | {
      readonly do: "refuse";
      readonly error: ApiError;
      readonly ends: boolean;
      readonly reason: AbandonReason | null;
    };

/**
 * What `headers` mean for a batch that has `lastSeq` messages, 0 before the first one. `isKnown`: it has begun;
 * `hasRoom`: another batch may begin.
 */
export function atomicStep(
  headers: AtomicHeaders,
  lastSeq: number,
  isKnown: boolean,
  hasRoom: boolean,
  sizeMax: number,
): AtomicStep {
  const { id, seq, commit } = headers;
  if (id.length > ID_LENGTH_MAX) return refuse("atomicPublishInvalidBatchID");
  if (seq === null) return refuse("atomicPublishMissingSeq");
  const isMarker = commit === "eob";
  const isTooLarge = (isMarker ? seq - 1 : seq) > sizeMax;
  const tooLarge = apiError("atomicPublishTooLargeBatch", { size: sizeMax });
  if (!isKnown && seq !== 1)
    return isTooLarge ? { do: "refuse", error: tooLarge, ends: false, reason: null } : refuse(INCOMPLETE);
  if (!isKnown && !hasRoom) return refuse("atomicPublishTooManyInflight");
  if (commit !== null && !isMarker && commit !== "1") return give("atomicPublishInvalidBatchCommit", null);
  if (headers.isUnsupported) return give("requiredApiLevel", "unsupported");
  if (seq !== lastSeq + 1 || (seq === 1 && isMarker)) return give(INCOMPLETE, "incomplete");
  if (isTooLarge) return { do: "refuse", error: tooLarge, ends: true, reason: "large" };
  return commit === null ? { do: "stage" } : { do: "commit", isMarker };
}

const INCOMPLETE = "atomicPublishIncompleteBatch";

function refuse(name: Parameters<typeof apiError>[0]): AtomicStep {
  return { do: "refuse", error: apiError(name), ends: false, reason: null };
}

function give(name: Parameters<typeof apiError>[0], reason: AbandonReason | null): AtomicStep {
  return { do: "refuse", error: apiError(name), ends: true, reason };
}
