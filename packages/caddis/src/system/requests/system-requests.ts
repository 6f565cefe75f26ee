import { isProblem } from "../../auth/claims/fields.ts";
import type { Account } from "../../broker/account.ts";
import type { MessageHandler, ReceivedMessage } from "../../broker/internal-subscription.ts";
import type { Subscription } from "../../broker/subscription.ts";
import { fromWireString, toWireString } from "../../subject/subject.ts";
import { Statsz } from "../events/statsz.ts";
import type { SystemEvents } from "../events/system-events.ts";
import { ACCOUNT_QUESTIONS, answerStatzOfAll } from "./account-questions.ts";
import { Answerer } from "./answerer.ts";
import { CONNECTION_ORDERS } from "./connection-orders.ts";
import { RequestBody } from "./request-body.ts";
import { type RequestedServer, usageOf } from "./requested-server.ts";
import { isMeant } from "./server-filter.ts";
import { type Answer, SERVER_QUESTIONS } from "./server-questions.ts";
import { askedSubscribers, countSubscribers } from "./subscriber-count.ts";

/** Where the account's name stands in `$SYS.REQ.ACCOUNT.<account>.X`. */
const ACCOUNT_TOKEN = 3;

/**
 * Answers what is asked in the system account: about the server, its accounts and connections, and a few orders.
 * Subjects, options and answers are the reference's.
 */
export class SystemRequests {
  readonly #server: RequestedServer;
  readonly #events: SystemEvents;
  readonly #answerer: Answerer;
  readonly #statsz: Statsz;
  /** Where it listens; null while it does not. */
  #account: Account | null = null;
  #subscriptions: Subscription[] = [];

  constructor(server: RequestedServer, events: SystemEvents) {
    this.#server = server;
    this.#events = events;
    this.#answerer = new Answerer(server);
    this.#statsz = new Statsz(
      server.broker,
      () => usageOf(server),
      () => server.jetStream ?? null,
    );
  }

  /** Listens, and begins to tell statistics. */
  start(): void {
    this.follow();
    this.#statsz.start(this.#server.startMs);
  }

  /** Goes where the system account is now: another one after a reload, perhaps, or none. */
  follow(): void {
    const { systemAccount } = this.#server.broker;
    if (systemAccount === this.#account) return;
    for (const subscription of this.#subscriptions) this.#account?.unsubscribe(subscription);
    this.#subscriptions = [];
    this.#account = systemAccount;
    if (systemAccount !== null) this.#listen();
  }

  #listen(): void {
    this.#listenForServer();
    this.#listenForAccounts();
    this.#on("$SYS.REQ.ACCOUNT.NSUBS", (request) => this.#countSubscribersOf(request));
    this.#on("$SYS.DEBUG.SUBSCRIBERS", (request) => this.#countOwnSubscribers(request));
  }

  #listenForServer(): void {
    const own = `$SYS.REQ.SERVER.${this.#server.broker.serverId}`;
    const all = "$SYS.REQ.SERVER.PING";
    const statsz: MessageHandler = (request) => this.#tellStatsz(request);
    this.#on(all, statsz);
    for (const prefix of [own, all]) {
      this.#on(`${prefix}.IDZ`, (request) => this.#tellId(request));
      this.#on(`${prefix}.STATSZ`, statsz);
      for (const [name, question] of SERVER_QUESTIONS) {
        this.#onQuestion(`${prefix}.${name}`, (body) => question(this.#server, body));
      }
    }
    for (const [name, order] of CONNECTION_ORDERS) {
      this.#onOrder(`${own}.${name}`, (body) => order(this.#server.broker, body.uint("cid")));
    }
    this.#onOrder(`${own}.RELOAD`, () => this.#server.reloadConfiguration());
  }

  #listenForAccounts(): void {
    for (const [name, question] of ACCOUNT_QUESTIONS) {
      this.#onQuestion(`$SYS.REQ.ACCOUNT.*.${name}`, (body, request) =>
        question(this.#server, body, accountAsked(request)),
      );
    }
    this.#on("$SYS.REQ.ACCOUNT.*.CONNS", (request) => this.#tellConnectionCount(request));
    this.#onQuestion("$SYS.REQ.ACCOUNT.PING.STATZ", (body) => answerStatzOfAll(this.#server, body));
  }

  #on(subject: string, handler: MessageHandler): void {
    if (this.#account !== null) this.#subscriptions.push(this.#account.listen(subject, "", handler));
  }

  /** Requests with options, which go to those servers that are meant. */
  #onQuestion(subject: string, answer: (body: RequestBody, request: ReceivedMessage) => Answer): void {
    this.#on(subject, (request) => {
      if (request.reply === "") return;
      const body = this.#bodyOf(request);
      if (body !== null) this.#answerer.answer(request, body, () => answer(body, request));
    });
  }

  /** Requests to do something; `obey` gives why it is not done, or null. As in the reference not without a reply. */
  #onOrder(subject: string, obey: (body: RequestBody) => string | null | Promise<string | null>): void {
    this.#on(subject, (request) => {
      if (request.reply === "") return;
      const body = this.#bodyOf(request);
      if (body !== null) void this.#answerer.report(request, body, () => obey(body));
    });
  }

  /** Null for a request that is not for this server, or has been told what is wrong with it. */
  #bodyOf(request: ReceivedMessage): RequestBody | null {
    const body = RequestBody.parse(request.payload);
    if (isProblem(body)) {
      this.#answerer.refuse(request, body.problem);
      return null;
    }
    const isForUs = isMeant(this.#server.broker, body);
    if (body.fault !== null) this.#answerer.refuse(request, body.fault);
    return isForUs && body.fault === null ? body : null;
  }

  #tellId({ reply }: ReceivedMessage): void {
    const { serverName, host, serverId } = this.#server.broker;
    if (reply !== "") this.#answerer.send(reply, { name: serverName, host, id: serverId });
  }

  /** Who names no subject for the answer wants it where it comes by the clock. */
  #tellStatsz(request: ReceivedMessage): void {
    if (this.#bodyOf(request) === null) return;
    if (request.reply === "") this.#statsz.announce();
    else this.#statsz.tell(request.reply);
  }

  #tellConnectionCount(request: ReceivedMessage): void {
    const { broker } = this.#server;
    const name = accountAsked(request);
    const body = RequestBody.parse(request.payload);
    const account = broker.accounts.get(name);
    if (request.reply === "" || isProblem(body) || account === undefined) return;
    const isAboutAnother = request.payload.length > 0 && (body.text("acc") || name) !== name;
    if (isAboutAnother || account.connectionCount === 0) return;
    this.#events.tellConnectionCount(account, fromWireString(request.reply));
  }

  /** Asked by other servers, which add our number to theirs. */
  #countSubscribersOf({ payload, reply }: ReceivedMessage): void {
    const body = RequestBody.parse(payload);
    if (reply === "" || isProblem(body)) return;
    const account = this.#server.broker.accounts.get(body.text("acc"));
    if (account === undefined || account.connectionCount === 0) return;
    const subject = toWireString(body.text("subject"));
    const queue = Buffer.from(body.text("queue"), "base64").toString("latin1");
    if (body.fault !== null) return;
    this.#answerer.send(reply, countSubscribers(account, subject, queue === "" ? null : queue));
  }

  /** Asked by clients, about the account they are in. */
  #countOwnSubscribers({ payload, reply, info, origin, account: system }: ReceivedMessage): void {
    if (reply === "" || origin === null) return;
    const account = info === null ? system : this.#server.broker.accounts.get(info.svc ?? info.acc);
    if (account === undefined) return;
    const { subject, queue } = askedSubscribers(payload.toString("latin1"));
    this.#answerer.send(reply, countSubscribers(account, subject, queue));
  }
}

/** The account that a subject names, as a text. */
function accountAsked({ subject }: ReceivedMessage): string {
  return fromWireString(subject.split(".")[ACCOUNT_TOKEN] ?? "");
}
