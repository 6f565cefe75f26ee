import type { StoredMessage } from "../../store/stored-message.ts";
import type { ApiError } from "./api-error.ts";
import type { StreamConfig } from "./stream-config.ts";

/**
 * A stream as the decision about a message sees it. The stream itself is one; a batch that is being checked is
 * another: the stream with the batch's messages on top. Subjects and ids are wire strings.
 */
export interface StreamView {
  readonly config: StreamConfig;
  readonly lastSeq: number;
  /** The `Nats-Msg-Id` of the last message; empty: it had none. */
  readonly lastMsgId: string;
  readonly messages: number;
  readonly bytes: number;
  /** The last sequence of a subject, which may have wildcards; 0: none. */
  lastSeqOf(subject: string): number;
  /** How many messages a literal subject has. */
  countOf(subject: string): number;
  /** What the oldest message of a literal subject counts in `bytes`; 0: there is none. */
  sizeOfFirst(subject: string): number;
  /** Brings the last message of a literal subject; false: there is none that can be read. */
  loadLast(subject: string, into: StoredMessage): boolean;
  /** The sequence of a message with this id within the duplicate window; 0: none. */
  seqOfId(msgId: string): number;
  /** Whether some consumer's filter takes `subject`. */
  hasInterest(subject: string): boolean;
  /** Whether all streams of the server together are beyond what it may use of this kind of storage. */
  isServerFull(): boolean;
  /** Why the account may not store so many bytes more; null: it may. */
  refusalOfAccount(bytes: number): ApiError | null;
  /** What a message may be at most where it grows by being stored: the server's `max_payload`. */
  readonly maxPayload: number;
}
