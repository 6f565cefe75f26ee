import type { Message } from "./message.ts";
import type { MessageTrace } from "./message-trace.ts";
import type { Subscription } from "./subscription.ts";

/**
 * Follows single messages through the server, for whoever collects traces. Null at the broker, nobody does. What it
 * is told is the hot path's: it keeps nothing of a message but copies, and throws nothing.
 */
export interface MessageTracer {
  /** A client has published a message with headers. Null: this one is not followed. */
  begin(message: Message): FollowedMessage | null;
}

/** One message on its way, all of which happens within one call. */
export interface FollowedMessage {
  /** It was queued for the client of `subscription`, maybe in another account. */
  onDelivered(subscription: Subscription): void;
  /** Nobody else gets it. */
  end(): void;
}

/** Takes traces that messages asked for, when they are done, within the publish: it publishes them. */
export interface TraceSink {
  send(trace: MessageTrace): void;
}
