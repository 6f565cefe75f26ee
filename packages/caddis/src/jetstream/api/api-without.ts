import type { Account } from "../../broker/account.ts";
import { goJson } from "../../broker/go-json.ts";
import { makeMessage, type Message } from "../../broker/message.ts";
import { type Receiver, Subscription } from "../../broker/subscription.ts";
import { apiError } from "../core/api-error.ts";
import { ENDPOINTS } from "./endpoints.ts";
import { Router } from "./router.ts";

const PREFIX = "$JS.API.";
/** What consumers and streams answer themselves: nobody is there. */
const FOR_MESSAGES = /^(?:CONSUMER\.MSG\.NEXT|DIRECT\.GET)\./;

/** The API in an account without JetStream: tells whoever asks for anything. */
export class ApiWithout implements Receiver {
  readonly #account: Account;
  readonly #router = new Router(ENDPOINTS);
  readonly #subscription: Subscription;

  constructor(account: Account) {
    this.#account = account;
    this.#subscription = new Subscription(null, this, `${PREFIX}>`, "", "");
    account.subscribe(this.#subscription);
  }

  close(): void {
    this.#account.unsubscribe(this.#subscription);
  }

  receive({ input, subjectStart, subjectEnd, replyStart, replyEnd }: Message): boolean {
    const subject = input.buf.latin1Slice(subjectStart + PREFIX.length, subjectEnd);
    if (FOR_MESSAGES.test(subject)) return false;
    const reply = input.buf.latin1Slice(replyStart, replyEnd);
    // Answered once the input at hand is parsed.
    queueMicrotask(() => this.#answer(subject, reply));
    return true;
  }

  #answer(subject: string, reply: string): void {
    const endpoint = this.#router.find(subject)?.endpoint;
    if (endpoint === undefined || reply === "") return;
    const type = `io.nats.jetstream.api.v1.${endpoint.type}_response`;
    const json = goJson({ type, error: apiError("notEnabledForAccount"), ...endpoint.fieldsOfErrors });
    this.#account.publish(makeMessage(reply, "", "", Buffer.from(json, "utf8")));
    this.#account.broker.flusher.flush();
  }
}
