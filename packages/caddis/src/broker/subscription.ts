import { Interested } from "../subject/interested.ts";
import type { Client } from "./client.ts";
import type { Message } from "./message.ts";

/** Takes messages for a subscription that is no connection's own: an import, or a part of the server. */
export interface Receiver {
  /** Streams that its account imports go to it as to a connection; not set: it stands for somebody elsewhere. */
  readonly takesImports?: boolean;
  /**
   * Takes `message`, whose ranges are valid until this returns. False when nobody got it: then another
   * member of the queue group is asked, or the requester told that nobody is there.
   */
  receive(message: Message, subscription: Subscription): boolean;
}

/** Interest in a subject, under an id of its owner's choice. Subject, queue and sid are wire strings. */
export class Subscription extends Interested {
  /** The connection it delivers to; null for one that `receiver` takes. Exactly one of both is not null. */
  readonly client: Client | null;
  readonly receiver: Receiver | null;
  readonly sid: string;
  /** Messages appended for it so far. */
  delivered = 0;
  /** Removed after so many messages; 0: stays. */
  max = 0;
  /** The connection may not get everything this subject covers: each delivery is asked about. */
  isScreened = false;
  /** Its connection has let go of it, and it is on its way out of the sublist; then it is screened as well. */
  isEnded = false;

  constructor(client: Client | null, receiver: Receiver | null, subject: string, queue: string, sid: string) {
    super(subject, queue);
    this.client = client;
    this.receiver = receiver;
    this.sid = sid;
  }
}
