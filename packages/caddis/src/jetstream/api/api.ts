import { Timer } from "../../base/timer-queue.ts";
import { goJson } from "../../broker/go-json.ts";
import { headerBlockOf } from "../../broker/header-block.ts";
import type { ReceivedMessage } from "../../broker/internal-subscription.ts";
import { makeMessage, type Message } from "../../broker/message.ts";
import { requestInfoOf } from "../../broker/request-info.ts";
import type { MessageTrace } from "../../broker/message-trace.ts";
import { type Receiver, Subscription } from "../../broker/subscription.ts";
import type { JetStreamAccount } from "../account.ts";
import { tellApiLimitReached } from "../advisories.ts";
import { DirectGets } from "../direct-get.ts";
import type { ApiCounts } from "../usage.ts";
import { type ApiAnswer, type ApiEndpoint, problemBeforeLevel } from "./endpoint.ts";
import { ENDPOINTS } from "./endpoints.ts";
import { levelProblem } from "./request-level.ts";
import { RequestQueue } from "./request-queue.ts";
import { type Route, Router } from "./router.ts";

/** What all its subjects begin with. */
const API_PREFIX = "$JS.API.";
const NEXT_MESSAGE = "CONSUMER.MSG.NEXT.";
const DIRECT_GET = "DIRECT.GET.";
const TYPE_PREFIX = "io.nats.jetstream.api.v1.";

/**
 * The API of one account: takes requests to `$JS.API.>` and answers them in their order. Those for messages go straight
 * to consumers and streams; the rest is copied and waits for its turn.
 */
export class Api implements Receiver {
  /** How often this account asked. */
  readonly counts: ApiCounts = { total: 0, errors: 0, inflight: 0 };
  readonly #owner: JetStreamAccount;
  readonly #subscription: Subscription;
  readonly #router = new Router(ENDPOINTS);
  readonly #queue: RequestQueue;
  readonly #directGets: DirectGets;
  #isClosed = false;

  /** Answers from now on. */
  constructor(owner: JetStreamAccount) {
    this.#owner = owner;
    this.#directGets = new DirectGets(owner.account, owner.streams, (origin) =>
      owner.directMirrors.find(origin),
    );
    this.#queue = new RequestQueue({
      later: (run) => owner.account.broker.timers.setIn(new Timer(run), 0),
      limit: (isInfo) => this.#limit(isInfo),
      onDropped: (count) => this.#onDropped(count),
    });
    this.#subscription = new Subscription(null, this, `${API_PREFIX}>`, "", "");
    owner.account.subscribe(this.#subscription);
  }

  close(): void {
    this.#isClosed = true;
    this.#owner.account.unsubscribe(this.#subscription);
    this.#owner.jetStream.api.inflight -= this.#queue.length;
    this.counts.inflight -= this.#queue.length;
    this.#queue.close();
  }

  receive(message: Message): boolean {
    // What is stored asks for nothing, wherever a consumer sends it: its subject is whatever its publisher chose.
    if (message.inbox !== "") return true;
    const subject = message.input.buf.latin1Slice(
      message.subjectStart + API_PREFIX.length,
      message.subjectEnd,
    );
    if (subject.startsWith(NEXT_MESSAGE)) return this.#onNextMessage(subject, message);
    if (subject.startsWith(DIRECT_GET)) return this.#onDirectGet(subject, message);
    if (message.trace !== null && !this.#trace(message, message.trace)) return false;
    const route = this.#router.find(subject);
    // What nobody knows is taken, and left without an answer.
    if (route === null) return true;
    const received = this.#copy(message);
    this.#count(1);
    this.#queue.push({ isInfo: route.endpoint.isInfo ?? false, run: () => this.#serve(route, received) });
    return true;
  }

  /** Tells, as the reference, that the account of the servers answers; false: more than a trace is not wanted. */
  #trace({ input, subjectStart, subjectEnd }: Message, trace: MessageTrace): boolean {
    const subject = input.buf.latin1Slice(subjectStart, subjectEnd);
    const { systemAccount } = this.#owner.account.broker;
    if (systemAccount !== null) trace.addServiceImport(systemAccount, subject, subject);
    return !trace.isTraceOnly;
  }

  /** False where there is no such consumer: then nobody is there to ask. */
  #onNextMessage(subject: string, message: Message): boolean {
    const dot = subject.indexOf(".", NEXT_MESSAGE.length);
    const stream = this.#owner.streams.get(subject.slice(NEXT_MESSAGE.length, dot));
    const consumer = dot < 0 ? undefined : stream?.consumers.get(subject.slice(dot + 1));
    return consumer?.onNext(message) ?? false;
  }

  #onDirectGet(subject: string, message: Message): boolean {
    const requiresMore = message.headerBytes > 0 && levelProblem(headerBlockOf(message)) !== null;
    return this.#directGets.receive(message, subject.slice(DIRECT_GET.length), requiresMore);
  }

  #copy(message: Message): ReceivedMessage {
    const { input, payloadStart, headerBytes } = message;
    const { buf } = input;
    return {
      subject: buf.latin1Slice(message.subjectStart, message.subjectEnd),
      reply: buf.latin1Slice(message.replyStart, message.replyEnd),
      headers: buf.latin1Slice(payloadStart, payloadStart + headerBytes),
      payload: Buffer.from(buf.subarray(payloadStart + headerBytes, message.payloadEnd)),
      account: this.#owner.account,
      origin: message.origin,
      info: message.via?.info ?? null,
    };
  }

  #serve(route: Route, received: ReceivedMessage): void | Promise<void> {
    try {
      const answer = this.#answerTo(route, received);
      if (answer instanceof Promise) return this.#serveLater(route, received, answer);
      this.#send(route.endpoint, received, answer);
    } catch (error) {
      this.#onFault(received, error);
    }
    return undefined;
  }

  async #serveLater(route: Route, received: ReceivedMessage, answer: Promise<ApiAnswer>): Promise<void> {
    try {
      this.#send(route.endpoint, received, await answer);
    } catch (error) {
      this.#onFault(received, error);
    }
  }

  #answerTo({ endpoint, names }: Route, received: ReceivedMessage): ApiAnswer | Promise<ApiAnswer> {
    const owner = this.#owner;
    const tooNew = endpoint.needsCluster === true ? null : levelProblem(received.headers);
    if (tooNew !== null) {
      const { strict } = owner.jetStream.settings;
      return { error: problemBeforeLevel(endpoint, received.payload, strict) ?? tooNew };
    }
    const request = { owner, names, received, counts: this.counts };
    const [stream] = names;
    if (stream === undefined || owner.streams.has(stream)) return endpoint.answer(request);
    // It may be on its way back from the disk.
    return owner.whenLoaded(stream).then(() => endpoint.answer(request));
  }

  #send(endpoint: ApiEndpoint, received: ReceivedMessage, answer: ApiAnswer): void {
    this.#count(-1);
    if (answer === null || this.#isClosed) return;
    const type = `${TYPE_PREFIX}${endpoint.type}_response`;
    const json = goJson(
      "ok" in answer ? { type, ...answer.ok } : { type, error: answer.error, ...endpoint.fieldsOfErrors },
    );
    const isQuiet = endpoint.quiet === "all" || (endpoint.quiet === "successes" && "ok" in answer);
    if (!isQuiet) this.#countAnswer("error" in answer && answer.isUncounted !== true);
    const { account } = this.#owner;
    if (received.reply !== "") {
      const headers = "ok" in answer ? (answer.headers ?? "") : "";
      account.publish(makeMessage(received.reply, "", headers, Buffer.from(json, "utf8")));
    }
    if (!isQuiet) this.#audit(received, json);
    account.broker.flusher.flush();
  }

  #countAnswer(isError: boolean): void {
    for (const counts of [this.counts, this.#owner.jetStream.api]) {
      counts.total++;
      if (isError) counts.errors++;
    }
  }

  #audit({ subject, payload, info, origin }: ReceivedMessage, response: string): void {
    const client = info ?? (origin === null ? null : requestInfoOf(origin, true));
    this.#owner.advisories.apiAudit(subject, client, payload.toString("utf8"), response);
  }

  /** Our own fault: the request stays without an answer, the others are served. */
  #onFault({ subject }: ReceivedMessage, error: unknown): void {
    this.#count(-1);
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#owner.account.broker.log.error(`JetStream API request ${subject} failed: ${reason}`);
  }

  #limit(isInfo: boolean): number {
    const { infoQueueLimit, requestQueueLimit } = this.#owner.jetStream.settings;
    return isInfo ? infoQueueLimit : requestQueueLimit;
  }

  #onDropped(count: number): void {
    const { jetStream, account } = this.#owner;
    this.#count(-count);
    account.broker.log.warn(`JetStream API queue limit reached, dropping ${count} requests`);
    const { systemAccount } = account.broker;
    if (systemAccount !== null) tellApiLimitReached(systemAccount, jetStream.domain, count);
  }

  #count(requests: number): void {
    this.counts.inflight += requests;
    this.#owner.jetStream.api.inflight += requests;
  }
}
