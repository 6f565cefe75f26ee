import { Interested } from "../subject/interested.ts";
import type { Client } from "./client.ts";

/** Interest of one client, under an id of the client's choice. Subject, queue and sid are wire strings. */
export class Subscription extends Interested {
  readonly client: Client;
  readonly sid: string;
  /** Messages appended for it so far. */
  delivered = 0;
  /** Removed after so many messages; 0: stays. */
  max = 0;

  constructor(client: Client, subject: string, queue: string, sid: string) {
    super(subject, queue);
    this.client = client;
    this.sid = sid;
  }
}
