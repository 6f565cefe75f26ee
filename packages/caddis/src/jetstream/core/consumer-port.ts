import type { StoredMessage } from "../../store/stored-message.ts";
import type { StreamStore } from "../../store/stream-store.ts";

/** Where messages of a consumer go: a deliver subject, or the inbox of a pull request. */
export interface Inbox {
  /** Wire string. */
  readonly subject: string;
  /** The same as bytes, made once. */
  readonly bytes: Buffer;
}

/** `subject` is a wire string without wildcards. */
export function makeInbox(subject: string): Inbox {
  return { subject, bytes: Buffer.from(subject, "latin1") };
}

/** What a consumer sees of its stream. */
export interface StreamView {
  readonly store: StreamStore;
  /** The last sequence that consumers may see. */
  readonly visibleSeq: number;
}

/**
 * What came of a message that was to be sent. sent: somebody got it. refused: somebody is there and has too much waiting
 * to take more now. nobody: nobody is there.
 */
export type Sent = "sent" | "refused" | "nobody";

/** All that a consumer's decisions bring about; nothing of it waits. */
export interface ConsumerPort {
  /**
   * Makes `message` ready to be sent, with its acknowledgement subject and, where `pinId` is not empty, the id of
   * the pinned client. Returns its size: subject, reply, headers and payload.
   */
  prepare(
    message: StoredMessage,
    deliveries: number,
    consumerSeq: number,
    numPending: number,
    pinId: string,
  ): number;
  /** Sends what was prepared last. */
  send(inbox: Inbox): Sent;
  /** Sends a message without payload; `headers` is a whole header block. */
  status(inbox: Inbox, headers: string, reply: string): void;
  /** Somebody waits at the inbox of a pull request. */
  hasInterest(inbox: Inbox): boolean;
  /** Somebody listens at the deliver subject of a push consumer: to itself, not to more than it, and in its group. */
  isListening(inbox: Inbox): boolean;
  advise(advice: ConsumerAdvice): void;
  /** The consumer has no more use for a message: what retention by interest asks about. */
  done(seq: number): void;
  /** An id nobody can guess. */
  makeId(): string;
  /** A subject at which an answer to a flow control request reaches this consumer. */
  makeFlowReply(): string;
  /** An integer from 0 to 99, by chance. */
  percent(): number;
}

/** What is told to whoever listens for advisories and metrics; `streamSeq` and `consumerSeq` of the message it is about. */
export type ConsumerAdvice =
  | {
      readonly kind: "acked";
      readonly consumerSeq: number;
      readonly streamSeq: number;
      /** Since it was delivered, in nanoseconds. */
      readonly delay: number;
      readonly deliveries: number;
    }
  | {
      readonly kind: "naked";
      readonly consumerSeq: number;
      readonly streamSeq: number;
      readonly deliveries: number;
    }
  | {
      readonly kind: "terminated";
      readonly consumerSeq: number;
      readonly streamSeq: number;
      readonly deliveries: number;
      readonly reason: string;
    }
  | { readonly kind: "maxDeliveries"; readonly streamSeq: number; readonly deliveries: number }
  | { readonly kind: "pinned"; readonly group: string; readonly id: string }
  | { readonly kind: "unpinned"; readonly group: string; readonly reason: "admin" | "timeout" };
