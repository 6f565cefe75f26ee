import type { Account } from "../../broker/account.ts";
import { goJson } from "../../broker/go-json.ts";
import { makeMessage, type Message } from "../../broker/message.ts";
import { type Receiver, Subscription } from "../../broker/subscription.ts";
import { headerBlockOf } from "../../broker/header-block.ts";
import { type ApiError, apiError } from "../core/api-error.ts";
import { type ApiEndpoint, problemBeforeLevel } from "./endpoint.ts";
import { ENDPOINTS } from "./endpoints.ts";
import { levelProblem } from "./request-level.ts";
import { Router } from "./router.ts";

const PREFIX = "$JS.API.";
/** What consumers and streams answer themselves: nobody is there. */
const FOR_MESSAGES = /^(?:CONSUMER\.MSG\.NEXT|DIRECT\.GET)\./;

/** The API in an account without JetStream: tells whoever asks for anything. */
export class ApiWithout implements Receiver {
  readonly #account: Account;
  readonly #router = new Router(ENDPOINTS);
  readonly #isStrict: () => boolean;
  readonly #subscription: Subscription;

  /** `isStrict`: requests with fields that nobody knows are no good. */
  constructor(account: Account, isStrict: () => boolean) {
    this.#account = account;
    this.#isStrict = isStrict;
    this.#subscription = new Subscription(null, this, `${PREFIX}>`, "", "");
    account.subscribe(this.#subscription);
  }

  close(): void {
    this.#account.unsubscribe(this.#subscription);
  }

  receive(message: Message): boolean {
    // As where there is JetStream: what is stored is no request.
    if (message.inbox !== "") return true;
    const { input, subjectStart, subjectEnd, replyStart, replyEnd, payloadStart, payloadEnd } = message;
    const { buf } = input;
    const subject = buf.latin1Slice(subjectStart + PREFIX.length, subjectEnd);
    if (FOR_MESSAGES.test(subject)) return false;
    const endpoint = this.#router.find(subject)?.endpoint;
    if (endpoint === undefined || replyStart === replyEnd || endpoint.quiet === "all") return true;
    const reply = buf.latin1Slice(replyStart, replyEnd);
    const level = levelProblem(message.headerBytes === 0 ? "" : headerBlockOf(message));
    const body = buf.subarray(payloadStart + message.headerBytes, payloadEnd);
    const error = refusalOf(endpoint, level, body, this.#isStrict());
    // Answered once the input at hand is parsed.
    queueMicrotask(() => this.#answer(endpoint, reply, error));
    return true;
  }

  #answer({ type: kind, fieldsOfErrors }: ApiEndpoint, reply: string, error: ApiError): void {
    const json = goJson({ type: `io.nats.jetstream.api.v1.${kind}_response`, error, ...fieldsOfErrors });
    this.#account.publish(makeMessage(reply, "", "", Buffer.from(json, "utf8")));
    this.#account.broker.flusher.flush();
  }
}

/** In the reference's order: some requests are looked at before it is asked whether there is JetStream. */
function refusalOf(
  endpoint: ApiEndpoint,
  level: ApiError | null,
  body: Uint8Array,
  isStrict: boolean,
): ApiError {
  if (endpoint.needsCluster === true) return apiError("clusterRequired");
  const early = problemBeforeLevel(endpoint, body, isStrict) ?? level;
  return early ?? endpoint.screen?.problem(body, isStrict) ?? apiError("notEnabledForAccount");
}
