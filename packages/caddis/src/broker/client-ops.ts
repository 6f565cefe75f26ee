import type { Authorizer } from "../auth/authorizer.ts";
import type { Bytes } from "../base/bytes.ts";
import { isValidLiteralSubject, isValidSubject, tokenCount } from "../subject/subject.ts";
import type { ClientOps, ParseFault } from "../wire/operations.ts";
import { type ConnectOptions, decodeConnect } from "../wire/connect.ts";
import { decodeGoObject } from "../wire/go-json.ts";
import { INFO_FIELDS } from "../wire/info.ts";
import {
  publishNotAllowed,
  queueNotAllowed,
  replyNotAllowed,
  subscriptionNotAllowed,
  tooManyTokens,
  WIRE_ERRORS,
  type WireError,
} from "../wire/errors.ts";
import { withCookies } from "./arrival.ts";
import { admit } from "./admission.ts";
import type { Client } from "./client.ts";
import type { CloseReason } from "./close-reason.ts";
import { deliver } from "./deliver.ts";
import { makeMessage, type Message } from "./message.ts";
import type { MessageTracer } from "./message-tracer.ts";
import { sidKey } from "./sid-key.ts";
import { Subscription } from "./subscription.ts";
import { startTrace } from "./trace-start.ts";
import {
  faultLine,
  malformedLine,
  mappingLine,
  operationLine,
  payloadLine,
  quoteWire,
  RepeatedLine,
  textOf,
} from "./trace.ts";

/** The queue name that servers keep for themselves. */
const SYSTEM_QUEUE = "_sys_";
/** Nobody but servers publishes below these, between clusters. */
const GATEWAY_PREFIXES = ["$GR.", "_GR_."] as const;
/** Nobody but servers and the system account publishes below this, among the members of a Raft group. */
const RAFT_PREFIXES = ["$NRG."] as const;
/** Subjects that stand for replies the server itself has rewritten: no client may give them as a reply. */
const SERVER_REPLY_PREFIXES = ["_R_.", "$JS.ACK.", "$GR.", "_GR_."] as const;

const DOLLAR = 0x24;
const UNDERSCORE = 0x5f;

/** What is said on the wire about a fault, and the reason under which the connection is closed. */
const FAULTS: Readonly<
  Record<ParseFault, { readonly error: WireError | null; readonly reason: CloseReason }>
> = {
  "unknown operation": { error: "unknownOperation", reason: "protocolViolation" },
  "control line too long": { error: "maxControlLine", reason: "maxControlLineExceeded" },
  "payload too large": { error: "maxPayload", reason: "maxPayloadExceeded" },
  "headers disabled": { error: null, reason: "protocolViolation" },
  "bad arguments": { error: null, reason: "protocolViolation" },
  "not connected": { error: "authorizationViolation", reason: "authenticationViolation" },
};

/** For what a single operation is refused. */
type Refusal = "subscriptions" | "subscription" | "tokens" | "queue" | "subject" | "reply";

/** What each operation of the client protocol does. */
export class ClientOperations implements ClientOps {
  readonly #client: Client;
  /** What was logged of refusals that the connection outlives; made by the first. */
  #refusals: Map<Refusal, RepeatedLine> | null = null;
  /** Whether the publish at hand is only allowed as an answer: the next to the same subject is a question of its own. */
  #usedPermit = false;

  constructor(client: Client) {
    this.#client = client;
  }

  onPub(
    input: Bytes,
    subjectStart: number,
    subjectEnd: number,
    replyStart: number,
    replyEnd: number,
    headerBytes: number,
    suffixStart: number,
    payloadStart: number,
    payloadEnd: number,
  ): void {
    const client = this.#client;
    const broker = client.broker;
    client.inMessages++;
    client.inBytes += payloadEnd - payloadStart;
    // Nobody wants this subject, as with the publish before, and nobody has to be told.
    const last = client.lastReceivers;
    if (
      last !== null &&
      last.isEmpty &&
      headerBytes === 0 &&
      replyStart === replyEnd &&
      !client.isVerbose &&
      !client.isTracing &&
      client.account.mappings === null &&
      client.account.sublist.isCurrent(last) &&
      last.isFor(input.buf, subjectStart, subjectEnd)
    ) {
      client.account.sublist.matchCount++;
      return;
    }
    const message = broker.message;
    message.input = input;
    message.subjectStart = subjectStart;
    message.subjectEnd = subjectEnd;
    message.replyStart = replyStart;
    message.replyEnd = replyEnd;
    message.headerBytes = headerBytes;
    message.suffixStart = suffixStart;
    message.payloadStart = payloadStart;
    message.payloadEnd = payloadEnd;
    message.origin = client;
    if (headerBytes > 0) this.#publishWithHeaders(message);
    else this.#publishAsMapped(message);
  }

  /** Headers may ask for a trace. */
  #publishWithHeaders(message: Message): void {
    const { broker } = this.#client;
    const traced = startTrace(this.#client, message, this.#mayTraceTo);
    if (traced === null) return;
    if (broker.tracer === null) this.#publishAsMapped(traced);
    else this.#publishFollowed(traced, broker.tracer);
    const { trace } = traced;
    if (trace === null) return;
    traced.trace = null;
    broker.traces?.send(trace);
  }

  #publishFollowed(message: Message, tracer: MessageTracer): void {
    const { broker } = this.#client;
    broker.followed = tracer.begin(message);
    this.#publishAsMapped(message);
    broker.followed?.end();
    broker.followed = null;
  }

  #publishAsMapped(message: Message): void {
    const { mappings } = this.#client.account;
    if (mappings === null) {
      this.#publish(message);
      return;
    }
    const { input, subjectStart, subjectEnd } = message;
    this.#publishMapped(message, mappings.map(input.buf.latin1Slice(subjectStart, subjectEnd)));
  }

  onPubLine(input: Bytes, subjectStart: number, subjectEnd: number): void {
    if (!isValidLiteralSubject(input.buf.latin1Slice(subjectStart, subjectEnd))) {
      this.#client.sendError(WIRE_ERRORS.invalidPublishSubject);
    }
  }

  onSub(subject: string, queue: string, sid: string): void {
    const client = this.#client;
    const { options } = client.broker;
    const subscription = new Subscription(client, null, subject, queue, sid);
    if (queue === SYSTEM_QUEUE || !client.authorize(subscription)) {
      this.#refuseSubscription(subscription);
      return;
    }
    if (options.max_subscription_tokens > 0 && tokenCount(subject) > options.max_subscription_tokens) {
      client.sendError(tooManyTokens(subject));
      const line = `Subscription Violation Too Many Tokens - Subject ${quoteWire(subject)}, SID ${textOf(sid)}`;
      this.#logRefusal("tokens", line);
      return;
    }
    if (client.subscriptionsMax >= 0 && client.subscriptions.size >= client.subscriptionsMax) {
      this.#logRefusal("subscriptions", WIRE_ERRORS.maxSubscriptions);
      client.sendError(WIRE_ERRORS.maxSubscriptions);
      return;
    }
    // The first subscription under a sid stays.
    const key = sidKey(sid);
    if (!client.subscriptions.has(key)) {
      if (!isValidSubject(subject)) {
        client.sendError(WIRE_ERRORS.invalidSubject);
        return;
      }
      client.subscriptions.set(key, subscription);
      client.account.subscribe(subscription);
    }
    this.#ok();
  }

  onUnsub(sid: string, max: number): void {
    const client = this.#client;
    const subscription = client.subscriptions.get(sidKey(sid));
    this.#ok();
    if (subscription === undefined) return;
    if (max > subscription.delivered) subscription.max = max;
    else client.removeSubscription(subscription);
  }

  onConnect(json: string): void {
    const client = this.#client;
    const decoded = decodeConnect(json, client.connect);
    if ("problem" in decoded) {
      this.#refuse(null, "protocolViolation", malformedLine("CONNECT", decoded.problem));
      return;
    }
    const connect = client.arrival === null ? decoded : withCookies(decoded, client.arrival);
    // A second CONNECT begins anew.
    if (client.state === "connected") {
      client.removeAllSubscriptions();
      client.lastReceivers = null;
      // Requests that somebody else got are not for this one to answer.
      client.responsePermits = null;
    }
    client.connect = connect;
    client.pings.onConnect();
    admit(client, connect, () => {
      if (this.#begin(connect)) this.#ok();
    });
  }

  /** An operation came in place of CONNECT, where clients need not say who they are. */
  onUnannounced(): void {
    const client = this.#client;
    const { connect } = client;
    admit(client, connect, () => void this.#begin(connect));
  }

  /** What CONNECT asked for holds from now on; false when that can't be. */
  #begin(connect: ConnectOptions): boolean {
    const client = this.#client;
    const { broker } = client;
    client.introducedBy ??= connect;
    if (connect.protocol !== 0 && connect.protocol !== 1) {
      this.#refuse(WIRE_ERRORS.invalidClientProtocol, "badClientProtocolVersion", null);
      return false;
    }
    client.takesHeaders = connect.headers && !broker.options.no_header_support;
    if (connect.no_responders && !client.takesHeaders) {
      this.#refuse(WIRE_ERRORS.noRespondersRequiresHeaders, "noRespondersRequiresHeaders", null);
      return false;
    }
    client.parser.headersEnabled = client.takesHeaders;
    client.parser.pedantic = connect.pedantic;
    client.echo = connect.echo;
    client.isVerbose = connect.verbose;
    if (client.state === "connecting") {
      client.state = "connected";
      client.wasConnected = true;
      if (client.parser.connectOnly) client.pings.scheduleFirst();
      client.parser.connectOnly = false;
      broker.events.onConnect(client);
    }
    return true;
  }

  onPing(): void {
    const client = this.#client;
    if (client.isTracing) client.trace("->> [PONG]");
    client.send("PONG\r\n");
    // The first PING after CONNECT also brings what the server knows about this connection by now.
    if (client.state === "connected" && !client.connectInfoSent && client.connect.protocol >= 1) {
      client.connectInfoSent = true;
      client.sendInfo(true);
    }
  }

  onPong(): void {
    this.#client.pings.onPong();
  }

  onInfo(json: string): void {
    // Nothing follows from a client's INFO; but it has to be one.
    const decoded = decodeGoObject(json, INFO_FIELDS);
    if ("problem" in decoded) this.#refuse(null, "protocolViolation", malformedLine("INFO", decoded.problem));
  }

  onOk(): void {}

  onErr(text: string): void {
    this.#client.error(`Client Error ${text}`);
    this.#client.close("parseError");
  }

  onFault(fault: ParseFault, detail: string): void {
    const { error, reason } = FAULTS[fault];
    const text = error === null ? null : WIRE_ERRORS[error];
    if (fault === "unknown operation" && text !== null) {
      // As the reference does, which logs the -ERR first here.
      this.#client.sendError(text);
      this.#refuse(null, reason, faultLine(fault, detail, this.#client.parser.maxPayload));
      return;
    }
    this.#refuse(text, reason, faultLine(fault, detail, this.#client.parser.maxPayload));
  }

  onTrace(verb: string, argument: string): void {
    const line = operationLine(verb, argument);
    if (line !== null) this.#client.trace(line);
  }

  /** Delivers `message` to whoever is interested, once its subject stands. */
  #publish(message: Message): void {
    const client = this.#client;
    const broker = client.broker;
    const buf = message.input.buf;
    const start = message.subjectStart;
    const end = message.subjectEnd;
    const hasReply = message.replyEnd > message.replyStart;
    if (client.isTracing) this.#tracePayload(message);
    // Set only by a publish that was allowed, and forgotten when permissions change.
    let receivers = client.lastReceivers;
    const sublist = client.account.sublist;
    const isRepeated = receivers !== null && receivers.isFor(buf, start, end);
    if (receivers !== null && isRepeated && sublist.isCurrent(receivers)) {
      sublist.matchCount++;
    } else {
      const { authorizer } = client;
      if (!isRepeated && this.#isServersOwn(buf, start, end)) {
        this.#refusePublish(message);
        return;
      }
      receivers = sublist.match(buf, start, end);
      this.#usedPermit = false;
      // An answer from the cache remembers whose permissions let somebody publish to its subject.
      if (authorizer !== null && receivers.permittedBy !== authorizer) {
        if (!this.#mayPublish(message, authorizer)) return;
        if (!this.#usedPermit) receivers.permittedBy = authorizer;
      }
      client.lastReceivers = receivers.isKept && !this.#usedPermit ? receivers : null;
    }
    if (hasReply && (buf[message.replyStart] === DOLLAR || buf[message.replyStart] === UNDERSCORE)) {
      if (!this.#mayReply(message)) return;
    }
    if (client.isVerbose) this.#ok();
    const count = receivers.isEmpty ? 0 : deliver(message, receivers, broker.random);
    if (count === 0 && hasReply && client.connect.no_responders) this.#sendNoResponders(message);
  }

  #publishMapped(message: Message, mapped: string): void {
    const { input, replyStart, replyEnd, payloadStart, payloadEnd, headerBytes } = message;
    const buf = input.buf;
    const original = buf.latin1Slice(message.subjectStart, message.subjectEnd);
    if (mapped === original) {
      this.#publish(message);
      return;
    }
    if (this.#client.isTracing) this.#client.trace(mappingLine(original, mapped));
    message.trace?.addMapping(mapped);
    if (mapped === "") {
      if (this.#client.isTracing) this.#tracePayload(message);
      this.#ok();
      return;
    }
    const headers = buf.latin1Slice(payloadStart, payloadStart + headerBytes);
    const body = buf.subarray(payloadStart + headerBytes, payloadEnd);
    const rewritten = makeMessage(mapped, buf.latin1Slice(replyStart, replyEnd), headers, body);
    rewritten.origin = message.origin;
    rewritten.trace = message.trace;
    this.#publish(rewritten);
  }

  /** Tells a requester that nobody is there to answer: an empty message with status 503 to its reply subject. */
  #sendNoResponders(message: Message): void {
    const client = this.#client;
    const buf = message.input.buf;
    const reply = buf.latin1Slice(message.replyStart, message.replyEnd);
    const subject = buf.latin1Slice(message.subjectStart, message.subjectEnd);
    const waiting = client.account.sublist
      .match(buf, message.replyStart, message.replyEnd)
      .plain.find((subscription) => subscription.client === client);
    if (waiting === undefined) return;
    const headers = `NATS/1.0 503\r\nNats-Subject: ${subject}\r\n\r\n`;
    client.send(`HMSG ${reply} ${waiting.sid} ${headers.length} ${headers.length}\r\n${headers}\r\n`);
  }

  /** Whether the client may publish `message`, be it as the answer to a request. */
  #mayPublish(message: Message, authorizer: Authorizer): boolean {
    const client = this.#client;
    const { input, subjectStart, subjectEnd } = message;
    const { buf } = input;
    if (authorizer.mayPublish(buf, subjectStart, subjectEnd)) return true;
    const permits = client.responsePermits;
    if (permits === null) return this.#refusePublish(message);
    const subject = buf.latin1Slice(subjectStart, subjectEnd);
    this.#usedPermit = permits.take(subject, client.broker.clock.monotonicMs());
    return this.#usedPermit || this.#refusePublish(message);
  }

  /** Whether the subject is one that only servers publish to, or the system account. */
  #isServersOwn(buf: Buffer, start: number, end: number): boolean {
    if (buf[start] !== DOLLAR && buf[start] !== UNDERSCORE) return false;
    const { account, broker } = this.#client;
    if (startsWithAny(buf, start, end, GATEWAY_PREFIXES)) return true;
    return account !== broker.systemAccount && startsWithAny(buf, start, end, RAFT_PREFIXES);
  }

  /** Whether a trace may go to `destination`: where the client may publish, other than as an answer. */
  readonly #mayTraceTo = (destination: string): boolean => {
    const buf = Buffer.from(destination, "latin1");
    const isAllowed = this.#client.authorizer?.mayPublish(buf, 0, buf.length) ?? true;
    return (isAllowed && !this.#isServersOwn(buf, 0, buf.length)) || this.#refuseSubject(destination);
  };

  #refusePublish({ input, subjectStart, subjectEnd, trace }: Message): false {
    const subject = input.buf.latin1Slice(subjectStart, subjectEnd);
    trace?.refuse(publishNotAllowed(subject));
    return this.#refuseSubject(subject);
  }

  #refuseSubject(subject: string): false {
    this.#client.sendError(publishNotAllowed(subject));
    this.#logRefusal("subject", `Publish Violation - Subject ${quoteWire(subject)}`);
    return false;
  }

  #refuseSubscription({ subject, queue, sid }: Subscription): void {
    this.#client.sendError(queue === "" ? subscriptionNotAllowed(subject) : queueNotAllowed(subject, queue));
    const group = queue === "" ? "" : ` Queue: ${quoteWire(queue)},`;
    const line = `Subscription Violation - Subject ${quoteWire(subject)},${group} SID ${textOf(sid)}`;
    this.#logRefusal(queue === "" ? "subscription" : "queue", line);
  }

  #mayReply(message: Message): boolean {
    const client = this.#client;
    const { input, replyStart, replyEnd } = message;
    if (!startsWithAny(input.buf, replyStart, replyEnd, SERVER_REPLY_PREFIXES)) return true;
    const reply = input.buf.latin1Slice(replyStart, replyEnd);
    message.trace?.refuse(replyNotAllowed(reply));
    client.sendError(replyNotAllowed(reply));
    this.#logRefusal("reply", `Publish Violation - Reply ${quoteWire(reply)}`);
    return false;
  }

  #ok(): void {
    const client = this.#client;
    if (!client.isVerbose) return;
    if (client.isTracing) client.trace("->> [OK]");
    client.send("+OK\r\n");
  }

  /**
   * Ends the connection for what the peer did, with or without an -ERR. With no line of its own for it the
   * log repeats the -ERR at the end.
   */
  #refuse(text: string | null, reason: CloseReason, line: string | null): void {
    const client = this.#client;
    if (line !== null) client.error(line);
    if (text !== null) client.sendError(text);
    client.close(reason);
    if (line === null && text !== null) client.error(text);
  }

  /** Logs a refusal that the connection outlives, now and then one of each kind. */
  #lineFor(refusal: Refusal): RepeatedLine {
    if (refusal === "subscriptions") return this.#client.account.subscriptionLimitLine;
    this.#refusals ??= new Map();
    let repeated = this.#refusals.get(refusal);
    if (repeated === undefined) {
      repeated = new RepeatedLine();
      this.#refusals.set(refusal, repeated);
    }
    return repeated;
  }

  #logRefusal(refusal: Refusal, text: string): void {
    const line = this.#lineFor(refusal).next(text, this.#client.broker.clock.monotonicMs());
    if (line !== null) this.#client.error(line);
  }

  #tracePayload(message: Message): void {
    const line = payloadLine("<<-", message, true, this.#client.broker.options);
    if (line !== null) this.#client.trace(line);
  }
}

/** Whether `buf[start, end)` begins with one of `prefixes`; makes no string, since inboxes are asked about often. */
function startsWithAny(buf: Buffer, start: number, end: number, prefixes: readonly string[]): boolean {
  for (let p = 0; p < prefixes.length; p++) {
    const prefix = prefixes[p];
    if (prefix.length > end - start) continue;
    let i = 0;
    while (i < prefix.length && buf[start + i] === prefix.charCodeAt(i)) i++;
    if (i === prefix.length) return true;
  }
  return false;
}
