import type { Account } from "./account.ts";
import type { Client } from "./client.ts";
import { type Message, routedSubject } from "./message.ts";
import type { RequestInfo } from "./request-info.ts";
import type { Receiver } from "./subscription.ts";

/** A message that the server itself receives: a copy, to keep. Subject, reply and headers are wire strings. */
export interface ReceivedMessage {
  readonly subject: string;
  /** Empty: nobody waits for an answer. */
  readonly reply: string;
  /** The header block, `NATS/1.0 CR LF …`; empty: none. */
  readonly headers: string;
  readonly payload: Buffer;
  /** The account in which it was received. */
  readonly account: Account;
  /** The connection that published it; null for the server. */
  readonly origin: Client | null;
  /** Who asks from another account, as the server says it; null for what was published in this one. */
  readonly info: RequestInfo | null;
}

export type MessageHandler = (message: ReceivedMessage) => void;

/**
 * Interest of the server itself. The handler runs once the input at hand is parsed, so it may publish,
 * subscribe and close connections as it likes.
 */
export class InternalSubscription implements Receiver {
  readonly takesImports = true;
  readonly #account: Account;
  readonly #handler: MessageHandler;

  constructor(account: Account, handler: MessageHandler) {
    this.#account = account;
    this.#handler = handler;
  }

  receive(message: Message): boolean {
    const { input, payloadStart, headerBytes } = message;
    const { buf } = input;
    const received: ReceivedMessage = {
      // Not what a stored message is called: handlers read in it what they are asked.
      subject: routedSubject(message),
      reply: buf.latin1Slice(message.replyStart, message.replyEnd),
      headers: buf.latin1Slice(payloadStart, payloadStart + headerBytes),
      payload: Buffer.from(buf.subarray(payloadStart + headerBytes, message.payloadEnd)),
      account: this.#account,
      origin: message.origin,
      info: message.via?.info ?? null,
    };
    queueMicrotask(() => {
      this.#handler(received);
      this.#account.broker.flusher.flush();
    });
    return true;
  }
}
