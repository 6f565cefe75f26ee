import type { Authorizer } from "../auth/authorizer.ts";
import { ANYBODY, type Authenticator, type Identity } from "../auth/identity.ts";
import { ResponsePermits } from "../auth/response-permits.ts";
import { assert } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import { BEHIND_SHARE, CLOSE_LINGER_MS, SHUTDOWN_LINGER_MS, VERDICT_GRACE_MS } from "../base/limits.ts";
import { Timer } from "../base/timer-queue.ts";
import { formatDuration } from "../config/duration.ts";
import type { Options } from "../config/options.ts";
import type { Pipe, PipeEvents } from "../io/pipe.ts";
import type { TlsSession } from "../io/tls.ts";
import { ClientParser } from "../wire/client-parser.ts";
import { type ConnectOptions, defaultConnectOptions } from "../wire/connect.ts";
import { errorLine, subscriptionRevoked, WIRE_ERRORS } from "../wire/errors.ts";
import type { Account, Receivers } from "./account.ts";
import type { Arrival, Door } from "./arrival.ts";
import type { Broker } from "./broker.ts";
import { ClientInput, type WaitingClient } from "./client-input.ts";
import { clientLabel } from "./client-label.ts";
import { ClientOperations } from "./client-ops.ts";
import { CLOSE_REASONS, type CloseReason } from "./close-reason.ts";
import { closeStatus } from "./close-status.ts";
import type { Message } from "./message.ts";
import { Outbound, type OutboundOwner } from "./outbound.ts";
import { type PingedClient, Pings } from "./pings.ts";
import { Securing } from "./securing.ts";
import { sidKey, type SidKey } from "./sid-key.ts";
import type { Subscription } from "./subscription.ts";
import type { Timing } from "./timing.ts";
import { deliveryLine, errorReplyLine, payloadLine, revokedLine, unsubscribedLine } from "./trace.ts";
import { WriteDeadline } from "./write-deadline.ts";

/**
 * The life of a client connection:
 *
 *     securing ── TLS, or past it ──▶ connecting ── CONNECT accepted ──▶ connected
 *         │                               │                                  │
 *         └───────── close(reason) ───────┴──┬───────────────────────────────┘
 *                                            ▼
 *                                         closing ── last bytes sent, or too slow ──▶ closed
 *
 * Only a port with TLS begins with `securing` (`securing.ts`). While closing a connection takes no operation
 * and no delivery; its subscriptions are gone.
 */
export type ClientState = "securing" | "connecting" | "connected" | "closing" | "closed";

/** How a client reached the server. */
export type ClientTransport = "tcp" | "in-process" | "websocket";

/** A connected application. Owns its pipe, parser, output and subscriptions. */
export class Client implements PipeEvents, OutboundOwner, WaitingClient, PingedClient {
  readonly cid: number;
  readonly broker: Broker;
  readonly pipe: Pipe;
  readonly transport: ClientTransport;
  /** Null: it came by the port for clients, or from inside the process. */
  readonly arrival: Arrival | null;
  readonly parser: ClientParser;
  readonly outbound: Outbound;
  readonly pings: Pings;
  subscriptions = new Map<SidKey, Subscription>();
  /** Wall-clock milliseconds. */
  readonly startMs: number;

  state: ClientState = "connecting";
  account: Account;
  connect: ConnectOptions = defaultConnectOptions();
  /** Who it is, once CONNECT was accepted. */
  identity: Identity = ANYBODY;
  /** What it may do; null: everything. */
  authorizer: Authorizer | null = null;
  /** The requests it may answer beyond that; null where answers have no rule of their own. */
  responsePermits: ResponsePermits | null = null;
  /** How many subscriptions it may have; -1: any number. */
  subscriptionsMax = -1;
  /** What INFO gave it to sign; empty: nothing. */
  readonly nonce: string;
  /** Null in the clear. */
  tls: TlsSession | null = null;
  /** Whether the handshake came before INFO. */
  isTlsFirst = false;
  /** From CONNECT, kept here for the delivery path. */
  echo = true;
  isVerbose = true;
  takesHeaders = false;
  isTracing = false;
  /** The first CONNECT that was let in: it names the connection in the log, for good. */
  introducedBy: ConnectOptions | null = null;
  connectInfoSent = false;
  /** Whether a CONNECT was accepted, also after the end. */
  wasConnected = false;

  inMessages = 0;
  inBytes = 0;
  stallCount = 0;
  lastActivityMs: number;
  /** When something came from the peer last, on the monotonic scale. */
  lastInMs: number;
  closeReason: CloseReason | null = null;
  /** Where the last publish went: most publishers stay with one subject. */
  lastReceivers: Receivers | null = null;

  readonly #input = new ClientInput(this);
  /** Before CONNECT the authentication deadline, then the ping interval, at last the linger of a close. */
  readonly #timer = new Timer(() => this.#onTimer());
  /** Made for the first write that does not go through at once. */
  #writeDeadline: WriteDeadline | null = null;
  /** When its credentials end; made for those that do. */
  #expiryTimer: Timer | null = null;
  /** Until the protocol begins, on a port with TLS. */
  #securing: Securing | null = null;

  constructor(
    broker: Broker,
    cid: number,
    pipe: Pipe,
    transport: ClientTransport,
    arrival: Arrival | null = null,
  ) {
    const options = broker.options;
    this.broker = broker;
    this.cid = cid;
    this.pipe = pipe;
    this.transport = transport;
    this.arrival = arrival;
    this.account = broker.globalAccount;
    this.nonce = broker.makeNonce(this.authenticator);
    this.startMs = broker.clock.nowMs();
    this.lastActivityMs = this.startMs;
    this.lastInMs = broker.clock.monotonicMs();
    this.pings = new Pings(this, this.#timer, this.lastInMs);
    const operations = new ClientOperations(this);
    this.parser = new ClientParser(operations, options.max_control_line, options.max_payload, false);
    if (this.authenticator.takesUnannounced) this.parser.onUnannounced = () => operations.onUnannounced();
    this.outbound = new Outbound(
      this,
      pipe,
      broker.slabs,
      broker.flusher,
      options.max_pending,
      options.no_fast_producer_stall,
    );
    this.account.join(this);
    this.#followLog();
    this.#applyLimits();
  }

  /** Greets the peer, by way of TLS where the port has it. */
  start(): void {
    this.debug("Client connection created");
    const setup = this.transport === "tcp" ? this.broker.tls : null;
    if (setup === null) {
      this.onGreeted(this.arrival?.tls ?? null, false);
      return;
    }
    this.state = "securing";
    this.#securing = new Securing(this, setup);
    this.#securing.start();
  }

  /** The protocol begins, in the clear when `tls` is null: starts the clock on CONNECT. */
  onGreeted(tls: TlsSession | null, isInfoSent: boolean): void {
    this.state = "connecting";
    this.#securing = null;
    this.tls = tls;
    this.isTlsFirst = tls !== null && !isInfoSent && this.arrival === null;
    if (!isInfoSent) this.sendInfo(false);
    if (this.authenticator.expectsConnect) {
      this.parser.connectOnly = true;
      this.broker.timers.setIn(this.#timer, this.#authTimeoutMs);
    } else {
      this.pipe.admit?.();
      this.pings.scheduleFirst();
    }
  }

  /** Greets the peer like any other, and sends it away: there are too many. */
  refuse(): void {
    this.debug("Client connection created");
    this.sendInfo(false);
    this.sendError(WIRE_ERRORS.maxConnections);
    this.error(WIRE_ERRORS.maxConnections);
    this.close("maxConnectionsExceeded");
  }

  // ── what the pipe tells ──────────────────────────────────────────────────

  onData(input: Bytes, length: number): void {
    if (this.state === "closing" || this.state === "closed") return;
    this.lastInMs = this.broker.clock.monotonicMs();
    this.lastActivityMs = this.broker.clock.nowMs();
    if (this.#securing !== null && !this.#securing.onData(input, length)) return;
    const held = this.#input;
    if (held.isHeld) {
      held.keep(input, 0, length);
      return;
    }
    const { inMessages } = this;
    const parsed = this.parser.parse(input, 0, length);
    if (parsed < length && this.parser.state === "suspended") held.keep(input, parsed, length);
    const { timing, flusher } = this.broker;
    const isTimed =
      timing !== null && this.inMessages > inMessages && flusher.dirtyCount > 0 && timing.isDue();
    if (isTimed) this.#flushTimed(timing);
    else flusher.flush();
  }

  #flushTimed(timing: Timing): void {
    const { clock, flusher } = this.broker;
    const queuedMs = clock.monotonicMs();
    flusher.flush();
    timing.onRead(this.lastInMs, queuedMs, clock.monotonicMs());
  }

  onSecured(session: TlsSession): void {
    this.#securing?.onSecured(session);
    this.broker.flusher.flush();
  }

  onWritten(): void {
    this.outbound.onWritten();
    this.broker.flusher.flush();
    if (this.state === "closing") this.#finishClose();
  }

  onClosed(error: Error | null): void {
    if (this.state === "closed") return;
    const { state } = this;
    if (state === "securing") this.#securing?.onClosed(error);
    if (state !== "closing") {
      this.#leave(state === "securing" ? "tlsHandshakeError" : error === null ? "clientClosed" : "readError");
    }
    this.#ended();
  }

  // ── what the outbound asks ───────────────────────────────────────────────

  onPendingExceeded(): void {
    const { max_pending } = this.broker.options;
    this.#noteSlow(`Slow Consumer Detected: MaxPending of ${max_pending} Exceeded`, "pending");
    this.closeNow("slowConsumerPendingBytes");
  }

  onWritePending(): void {
    this.#writeDeadline ??= new WriteDeadline(this.broker, (isRepeated) => this.#onLateWrite(isRepeated));
    this.#writeDeadline.begin();
    // While closing, the linger of the close is the deadline.
    if (this.state !== "closing") this.#writeDeadline.arm();
  }

  onWrite(hasMessages: boolean): void {
    if (hasMessages) this.lastActivityMs = this.broker.clock.nowMs();
  }

  onWriteDone(): void {
    this.#writeDeadline?.end();
  }

  onOutrun(message: Message): void {
    const publisher = message.origin;
    const { options } = this.broker;
    if (publisher === null || publisher === this || options.no_fast_producer_stall) return;
    // Waiting helps a receiver that is taking something. For one that is stuck nobody is held back before
    // most of what it may have waiting is used up; its other receivers go on at full speed until then.
    const isStuck = this.#writeDeadline?.isStuck === true;
    if (isStuck && this.outbound.pendingBytes < options.max_pending * BEHIND_SHARE) return;
    publisher.#input.stall(this.#input);
  }

  onCaughtUp(): void {
    this.#input.resumePublishers();
  }

  #onLateWrite(isRepeated: boolean): void {
    const { write_deadline, write_timeout } = this.broker.options;
    const { pendingChunks, pendingBytes } = this.outbound;
    this.#noteSlow(
      `Slow Consumer ${isRepeated ? "State" : "Detected"}: WriteDeadline of ${formatDuration(write_deadline)} exceeded with ${pendingChunks} chunks of ${pendingBytes} total bytes.`,
      "write deadline",
    );
    if (write_timeout !== "retry") this.closeNow("slowConsumerWriteDeadline");
    else if (this.state !== "closing") this.#writeDeadline?.arm();
  }

  #noteSlow(line: string, limit: "pending" | "write deadline"): void {
    this.broker.counters.slowConsumers++;
    this.account.slowConsumerCount++;
    this.notice(line);
    this.broker.events.onSlowConsumer(this, limit);
  }

  // ── output ───────────────────────────────────────────────────────────────

  /** Queues protocol text (a wire string). */
  send(text: string): void {
    this.outbound.appendText(text);
  }

  /** Queues an -ERR. */
  sendError(text: string): void {
    if (this.isTracing) this.trace(errorReplyLine(text));
    this.send(errorLine(text));
  }

  /** Asks the client, and nobody else, to go to another server. */
  sendLameDuckInfo(): void {
    this.send(this.broker.infoFor(this, false, true));
    this.broker.flusher.schedule();
  }

  sendInfo(isConnectInfo: boolean): void {
    this.send(this.broker.infoFor(this, isConnectInfo));
  }

  sendPing(): void {
    if (this.isTracing) this.trace("->> [PING]");
    this.send("PING\r\n");
  }

  // ── who it is, and what it may do ────────────────────────────────────────

  /** The listener that it came by, where that has ways of its own. */
  get door(): Door | null {
    return this.arrival?.door ?? null;
  }

  /** Who decides whether it gets in; another one after a reload. */
  get authenticator(): Authenticator {
    return this.door?.authenticator ?? this.broker.authenticator;
  }

  get #authTimeoutMs(): number {
    return this.door?.authTimeoutMs || this.broker.options.authorization.timeout;
  }

  /** How long it may be idle before it is pinged, milliseconds. */
  get pingIntervalMs(): number {
    return this.door?.pingIntervalMs || this.broker.options.ping_interval;
  }

  /** Moves to `account`; false, and no move, when that has no room. */
  joinAccount(account: Account): boolean {
    const previous = this.account;
    previous.leave(this);
    this.account = account.hasRoom ? account : previous;
    this.account.join(this);
    return this.account === account;
  }

  /**
   * From now on it is `identity`, in its present account. Subscriptions that are no longer allowed are gone,
   * and the peer told of each.
   */
  takeIdentity(identity: Identity): void {
    this.identity = identity;
    this.pipe.admit?.();
    this.lastReceivers = null;
    const { permissions, expiresMs } = identity;
    this.authorizer = permissions === null ? null : this.broker.authorizers.for(permissions);
    const rule = this.authorizer?.responses ?? null;
    // Requests that wait for their answers keep their permits where the rule is still the same.
    if (rule === null) this.responsePermits = null;
    else if (this.responsePermits?.isFor(rule) !== true) this.responsePermits = new ResponsePermits(rule);
    for (const subscription of this.subscriptions.values()) {
      if (!this.authorize(subscription)) this.#revoke(subscription);
    }
    if (expiresMs > 0) {
      this.#expiryTimer ??= new Timer(() => this.#onExpired());
      this.broker.timers.setIn(this.#expiryTimer, expiresMs - this.broker.clock.nowMs());
    } else if (this.#expiryTimer !== null) {
      this.broker.timers.cancel(this.#expiryTimer);
    }
    this.onLimitsChanged();
  }

  /** Whether it may do something that was decided about: it is in, or nobody asked when it came. */
  get isJudged(): boolean {
    if (this.#input.awaitsVerdict) return false;
    return this.state === "connected" || (this.state === "connecting" && !this.parser.connectOnly);
  }

  /** The server has other options: what is kept of them here follows. `previous` are those before. */
  onOptionsChanged(previous: Options): void {
    const { options, random } = this.broker;
    this.#followLog();
    this.outbound.dropsWhenBehind = options.no_fast_producer_stall;
    this.onLimitsChanged();
    const isPinged = this.isJudged && this.#timer.isSet;
    if (isPinged && !this.door?.pingIntervalMs && options.ping_interval < previous.ping_interval) {
      // Not all connections at once.
      this.pings.schedule(random.fraction() * options.ping_interval);
    }
  }

  #followLog(): void {
    this.isTracing = this.broker.log.traceEnabled;
    this.parser.tracing = this.isTracing;
  }

  /** Its account's or the server's limits are others now: whoever is beyond them leaves. */
  onLimitsChanged(): void {
    this.#applyLimits();
    if (this.subscriptionsMax < 0 || this.subscriptions.size <= this.subscriptionsMax) return;
    this.sendError(WIRE_ERRORS.maxSubscriptions);
    this.error(WIRE_ERRORS.maxSubscriptions);
    this.close("maxSubscriptionsExceeded");
  }

  /** Whether it may have `subscription`; if so, notes whether deliveries have to be asked about. */
  authorize(subscription: Subscription): boolean {
    const { authorizer } = this;
    if (authorizer === null) {
      subscription.isScreened = false;
      return true;
    }
    const { subject, queue } = subscription;
    if (!authorizer.maySubscribe(subject, queue)) return false;
    subscription.isScreened = authorizer.needsScreening(subject, queue);
    return true;
  }

  /** Whether `message` may go to `subscription` of this client, which covers more than it may have. */
  mayReceive(message: Message, subscription: Subscription): boolean {
    if (subscription.isEnded) return false;
    const { authorizer } = this;
    if (authorizer === null) return true;
    return authorizer.mayDeliver(
      message.input.buf,
      message.subjectStart,
      message.subjectEnd,
      subscription.queue,
    );
  }

  /** `message`, which was delivered, may be answered. */
  permitResponse(message: Message): void {
    const { input, replyStart, replyEnd } = message;
    // What is allowed anyway needs no permit, and uses none up.
    if (this.authorizer === null || this.authorizer.mayPublish(input.buf, replyStart, replyEnd)) return;
    const reply = input.buf.latin1Slice(replyStart, replyEnd);
    this.responsePermits?.note(reply, this.broker.clock.monotonicMs());
  }

  #applyLimits(): void {
    const { options } = this.broker;
    const { limits } = this.account;
    this.parser.maxControlLine = options.max_control_line;
    this.parser.maxPayload = least(options.max_payload, limits.max_payload, this.identity.limits.payload);
    this.subscriptionsMax = least(
      options.max_subscriptions === 0 ? -1 : options.max_subscriptions,
      limits.max_subscriptions,
      this.identity.limits.subscriptions,
    );
  }

  #revoke(subscription: Subscription): void {
    const { subject, queue, sid } = subscription;
    this.removeSubscription(subscription);
    this.sendError(subscriptionRevoked(subject, queue, sid));
    this.notice(revokedLine(subscription));
  }

  #onExpired(): void {
    this.sendError(WIRE_ERRORS.userExpired);
    this.debug(WIRE_ERRORS.userExpired);
    this.close("authenticationExpired");
    this.broker.flusher.flush();
  }

  /** Keeps the peer's further input until `onVerdict`. */
  awaitVerdict(): void {
    this.#input.awaitVerdict();
    // Whoever was asked has a bound of its own; this one is for the case that it does not keep it.
    this.broker.timers.setIn(this.#timer, this.#authTimeoutMs + VERDICT_GRACE_MS);
  }

  /** The verdict on its CONNECT is there and has been carried out. */
  onVerdict(): void {
    this.#input.onVerdict();
  }

  onTooMuchInput(): void {
    this.sendError(WIRE_ERRORS.authorizationViolation);
    this.close("protocolViolation");
  }

  // ── subscriptions ────────────────────────────────────────────────────────

  removeSubscription(subscription: Subscription): void {
    this.subscriptions.delete(sidKey(subscription.sid));
    this.account.unsubscribe(subscription);
    if (this.isTracing) this.trace(unsubscribedLine(subscription.sid));
  }

  /** For a connection that goes on without them. */
  removeAllSubscriptions(): void {
    this.#traceUnsubscribed();
    const gone = this.subscriptions;
    this.subscriptions = new Map();
    for (const subscription of gone.values()) {
      subscription.isEnded = true;
      subscription.isScreened = true;
    }
    this.broker.removeInterest(this.account, gone.values());
  }

  // ── timers ───────────────────────────────────────────────────────────────

  #onTimer(): void {
    if (this.state === "closing") {
      this.outbound.close();
      this.pipe.destroy();
    } else if (this.#input.awaitsVerdict || (this.state === "connecting" && this.parser.connectOnly)) {
      this.sendError(WIRE_ERRORS.authenticationTimeout);
      this.debug("Authentication Timeout");
      this.close("authenticationTimeout");
    } else if (this.state !== "closed") {
      this.pings.onDue();
    }
    this.broker.flusher.flush();
  }

  onStale(): void {
    this.broker.counters.staleConnections++;
    this.debug("Stale Client Connection - Closing");
    this.send(errorLine(WIRE_ERRORS.staleConnection));
    this.close("staleConnection");
  }

  // ── the end ──────────────────────────────────────────────────────────────

  /** Ends the connection after what is queued has been sent. */
  close(reason: CloseReason): void {
    if (this.state === "closing" || this.state === "closed") return;
    const wasPaused = this.#input.isWaiting;
    // A handshake is no stream that words could be sent on.
    const isDumb = this.state === "securing" && this.#securing?.isInHandshake === true;
    this.#leave(reason);
    if (isDumb) {
      this.outbound.close();
      this.pipe.destroy();
      return;
    }
    // Whoever still reads gets what is queued for it; the deadline is that of any write.
    this.broker.timers.setIn(this.#timer, this.broker.options.write_deadline);
    // What the peer still sends is read and dropped: unread bytes would turn our last words into a reset.
    if (wasPaused) this.pipe.resume();
    if (this.outbound.drain()) this.#finishClose();
  }

  /** Ends the connection at once: what is queued is lost. */
  closeNow(reason: CloseReason): void {
    if (this.state === "closing" || this.state === "closed") return;
    this.#leave(reason);
    this.outbound.close();
    this.pipe.destroy();
  }

  #finishClose(): void {
    if (!this.outbound.drain()) return;
    this.broker.timers.setIn(
      this.#timer,
      this.closeReason === "serverShutdown" ? SHUTDOWN_LINGER_MS : CLOSE_LINGER_MS,
    );
    if (this.closeReason === null) this.pipe.end();
    else this.pipe.end(closeStatus(this.closeReason));
  }

  #leave(reason: CloseReason): void {
    this.state = "closing";
    this.closeReason = reason;
    this.parser.state = "ended";
    this.parser.release();
    this.#input.end();
    this.#securing?.stop();
    this.#securing = null;
    this.broker.timers.cancel(this.#timer);
    if (this.#expiryTimer !== null) this.broker.timers.cancel(this.#expiryTimer);
    this.#writeDeadline?.disarm();
    this.debug(`Client connection closed: ${CLOSE_REASONS[reason]}`);
    if (reason !== "serverShutdown") this.#traceUnsubscribed();
    this.broker.beforeLeave(this);
    this.broker.removeInterest(this.account, this.subscriptions.values());
    this.account.leave(this);
    this.subscriptions = new Map();
    this.lastReceivers = null;
  }

  #ended(): void {
    this.state = "closed";
    this.broker.timers.cancel(this.#timer);
    this.#writeDeadline?.disarm();
    this.outbound.onPipeClosed();
    this.broker.remove(this);
  }

  // ── logs ─────────────────────────────────────────────────────────────────

  /** How the log names it. */
  get label(): string {
    return clientLabel(this);
  }

  debug(text: string): void {
    if (this.broker.log.debugEnabled) this.broker.log.debug(`${this.label} - ${text}`);
  }

  trace(text: string): void {
    this.broker.log.trace(`${this.label} - ${text}`);
  }

  notice(text: string): void {
    this.broker.log.info(`${this.label} - ${text}`);
  }

  error(text: string): void {
    this.broker.log.error(`${this.label} - ${text}`);
  }

  /** `subscription` gets the last message it asked for. */
  logLastDelivery({ max, sid }: Subscription): void {
    if (!this.broker.log.debugEnabled) return;
    this.debug(`Auto-unsubscribe limit of ${max} reached for sid '${sid}'`);
  }

  /** What `subscription` of this client was sent. */
  traceDelivery(message: Message, subscription: Subscription): void {
    this.trace(deliveryLine(message, subscription.sid, this.takesHeaders));
    const payload = payloadLine("->>", message, this.takesHeaders, this.broker.options);
    if (payload !== null) this.trace(payload);
  }

  #traceUnsubscribed(): void {
    if (!this.isTracing) return;
    for (const { sid } of this.subscriptions.values()) this.trace(unsubscribedLine(sid));
  }

  /** Throws where a stated invariant does not hold. For tests. */
  checkInvariants(): void {
    this.outbound.checkInvariants();
    assert(this.state !== "closed" || this.subscriptions.size === 0, "a closed client has no subscription");
  }
}

/** The lowest of limits of which -1 is none. */
function least(...limits: readonly number[]): number {
  return limits.reduce((least, limit) => (limit >= 0 && (least < 0 || limit < least) ? limit : least), -1);
}
