import type { Account } from "../../broker/account.ts";
import type { Broker } from "../../broker/broker.ts";
import { goJson } from "../../broker/go-json.ts";
import { makeMessage } from "../../broker/message.ts";
import { toWireString } from "../../subject/subject.ts";
import { formatTime } from "../format.ts";
import { serverInfo, type ServerInfo } from "../server-info.ts";
import { EventIds } from "./event-ids.ts";
import { isInterested } from "./interest.ts";

/** A message on its way: which account, subject as a wire string, JSON. */
interface Announcement {
  readonly account: Account;
  readonly subject: string;
  readonly json: string;
}

/** What all events begin with. */
interface EventHead {
  readonly type: string;
  readonly id: string;
  readonly timestamp: string;
}

/**
 * Publishes what the server has to say, to those who are interested, and makes nothing for nobody. What was said
 * is delivered after the work at hand, in its order, since that may be a delivery itself.
 */
export class Announcer {
  readonly #broker: Broker;
  readonly #ids: EventIds;
  #waiting: Announcement[] = [];

  constructor(broker: Broker) {
    this.#broker = broker;
    this.#ids = new EventIds(broker.random);
  }

  /**
   * An event of `type` in `account` (null: nobody can be interested), on each of `subjects`, as texts. `body`
   * makes what it says, with the server block it is given in its place.
   */
  announce(
    account: Account | null,
    type: string,
    subjects: readonly string[],
    body: (server: ServerInfo) => object,
  ): void {
    if (account === null) return;
    const wanted = subjects.map(toWireString).filter((subject) => isInterested(account, subject));
    if (wanted.length === 0) return;
    const head: EventHead = {
      type: `io.nats.server.advisory.v1.${type}`,
      id: this.#ids.next(),
      timestamp: formatTime(this.#broker.clock.nowMs()),
    };
    for (const subject of wanted) {
      this.#enqueue({ account, subject, json: goJson({ ...head, ...body(serverInfo(this.#broker)) }) });
    }
  }

  #enqueue(announcement: Announcement): void {
    this.#waiting.push(announcement);
    if (this.#waiting.length === 1) queueMicrotask(() => this.#publish());
  }

  #publish(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { account, subject, json } of waiting) {
      account.publish(makeMessage(subject, "", "", Buffer.from(json, "utf8")));
    }
  }
}
