import type { Account } from "./account.ts";
import type { ServiceLink } from "./account-links.ts";
import { headerBlockOf, withField } from "./header-block.ts";
import { makeMessage, type Message, routedSubject } from "./message.ts";
import {
  encodeRequestInfo,
  REQUEST_INFO_FIELD,
  requestInfoOf,
  type RequestInfo,
  throughService,
  withServer,
  withTellingReply,
} from "./request-info.ts";
import { AwaitedAnswers } from "./service-answers.ts";
import { nextHop } from "./service-hop.ts";
import { LatencyProbe } from "./service-latency.ts";
import { sampledHeaders } from "./service-sampling.ts";
import { type Receiver, Subscription } from "./subscription.ts";
import { headersWithoutTrace } from "./trace-start.ts";

/**
 * Replies that stand for messages of a stream: they go through unchanged, since what they say is in them; as in
 * the reference.
 */
const ACK_PREFIX = "$JS.ACK.";

/**
 * One service import at work: a subscription in the importing account that takes requests over to the exporting
 * one, and the answers that are awaited there.
 */
export class ServiceImport implements Receiver {
  readonly link: ServiceLink;
  readonly importer: Account;
  readonly exporter: Account;
  readonly answers: AwaitedAnswers;
  readonly #subscription: Subscription;

  constructor(link: ServiceLink, importer: Account, exporter: Account) {
    this.link = link;
    this.importer = importer;
    this.exporter = exporter;
    this.answers = new AwaitedAnswers(link, exporter.broker);
    this.#subscription = new Subscription(null, this, link.renaming.here, "", "");
    importer.sublist.insert(this.#subscription);
  }

  /** Takes no more requests, and no answers to earlier ones. */
  end(): void {
    this.importer.sublist.remove(this.#subscription);
    this.answers.end();
  }

  receive(message: Message): boolean {
    const { link, exporter } = this;
    const { input, subjectStart, subjectEnd, replyStart, replyEnd } = message;
    const reply = input.buf.latin1Slice(replyStart, replyEnd);
    const info = this.#infoFor(message, reply);
    const hop = nextHop(message.via, link.door, info, link.shares);
    if (hop === null) return false;
    const requested = routedSubject(message);
    const subject = exporter.mapped(link.renaming.toThere(requested));
    if (subject === "") return false;
    const { trace } = message;
    trace?.addServiceImport(exporter, requested, subject);
    const allowsTrace = link.exported?.allow_trace ?? false;
    if (trace !== null && trace.isTraceOnly && !allowsTrace) return false;

    const block = headerBlockOf(message);
    const probe = this.#probe(message, block, reply !== "");
    const awaits = reply !== "" && !reply.startsWith(ACK_PREFIX);
    const awaited = awaits ? this.answers.expect(exporter, this.importer, reply, probe) : null;
    const told = info === null ? block : withField(block, REQUEST_INFO_FIELD, encodeRequestInfo(info));
    // Whoever sends these headers on in the other account is not made to publish traces there.
    const headers = trace === null ? told : headersWithoutTrace(told);
    const body = input.buf.subarray(message.payloadStart + message.headerBytes, message.payloadEnd);
    const shown = this.#keepsSubject(message) ? input.buf.latin1Slice(subjectStart, subjectEnd) : subject;
    const request = makeMessage(shown, awaited?.subject ?? reply, headers, body);
    if (message.inbox !== "") request.inbox = subject;
    request.origin = message.origin;
    request.via = hop;
    if (allowsTrace) request.trace = trace;
    const isTaken = exporter.route(request) > 0;
    if (!isTaken) awaited?.onNobody();
    // Nobody got the request, so nobody answers it.
    else if (trace !== null && trace.isTraceOnly) awaited?.close();
    return isTaken;
  }

  /**
   * Whether the service sees `message` under the subject that it was stored under, as in the reference. Not where
   * subjects tell the service who asks: that is not for the importer to choose.
   */
  #keepsSubject({ inbox }: Message): boolean {
    const { link, exporter } = this;
    const isTelling =
      exporter === exporter.broker.systemAccount || (link.exported?.account_token_position ?? 0) > 0;
    return inbox !== "" && !isTelling;
  }

  /** Who asks, as far as the exporting account may know; never what a message says about that itself. */
  #infoFor({ origin, via }: Message, reply: string): RequestInfo | null {
    const { link, importer, exporter } = this;
    const { broker } = exporter;
    const isSystem = exporter === broker.systemAccount;
    if (via !== null && via.info !== null) {
      const info = throughService(via.info, importer.name);
      return !via.shares && (link.shares || isSystem) ? withServer(info, broker) : info;
    }
    const asker = origin === null ? { acc: importer.name } : requestInfoOf(origin, link.shares);
    const info = withTellingReply(asker, reply);
    return isSystem && !link.shares ? withServer(info, broker) : info;
  }

  /** What measures this request; null when nobody wants to know. */
  #probe({ origin }: Message, block: string, hasReply: boolean): LatencyProbe | null {
    const { exported, shares } = this.link;
    const latency = exported?.latency ?? null;
    if (latency === null || origin === null) return null;
    const headers = sampledHeaders(latency.sampling, block, this.exporter.broker.random);
    if (headers === null) return null;
    const probe = new LatencyProbe(this.exporter, latency.subject, origin, shares, headers);
    if (hasReply) return probe;
    probe.report("bad request", null);
    return null;
  }
}
