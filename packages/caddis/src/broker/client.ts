import { assert } from "../base/assert.ts";
import type { Bytes } from "../base/bytes.ts";
import {
  CLOSE_LINGER_MS,
  FIRST_PING_MS,
  PING_GRAIN_MS,
  RTT_INTERVAL_MS,
  SHUTDOWN_LINGER_MS,
  SIZE_DIGITS_MAX,
  STALL_MS_MAX,
  BACKLOG_BYTES_MAX,
  BEHIND_SHARE,
  STUCK_WRITE_MS,
} from "../base/limits.ts";
import { Timer } from "../base/timer-queue.ts";
import { formatDuration } from "../config/duration.ts";
import type { Pipe, PipeEvents } from "../io/pipe.ts";
import { ClientParser } from "../wire/client-parser.ts";
import { type ConnectOptions, defaultConnectOptions } from "../wire/connect.ts";
import { errorLine, WIRE_ERRORS } from "../wire/errors.ts";
import type { Account, Receivers } from "./account.ts";
import { Backlog } from "./backlog.ts";
import type { Broker } from "./broker.ts";
import { ClientOperations } from "./client-ops.ts";
import { CLOSE_REASONS, type CloseReason } from "./close-reason.ts";
import type { Message } from "./message.ts";
import { Outbound, type OutboundOwner } from "./outbound.ts";
import type { Subscription } from "./subscription.ts";
import { deliveryLine, errorReplyLine, introduction, payloadLine, unsubscribedLine } from "./trace.ts";

/**
 * The life of a client connection:
 *
 *     connecting ── CONNECT accepted ──▶ connected
 *         │                                  │
 *         └──── close(reason) ───┬───────────┘
 *                                ▼
 *                             closing ── last bytes sent, or too slow ──▶ closed
 *
 * While closing it takes no operation and no delivery; its subscriptions are gone.
 */
export type ClientState = "connecting" | "connected" | "closing" | "closed";

/** How a client reached the server. */
export type ClientTransport = "tcp" | "in-process";

/** A sid as a key: clients number their subscriptions, and a map of numbers is many times faster to fill. */
export type SidKey = number | string;

/** Decimal numbers that print as they are spelled become numbers; any other sid stays a string. */
export function sidKey(sid: string): SidKey {
  if (sid.length === 0 || sid.length > SIZE_DIGITS_MAX) return sid;
  let number = 0;
  for (let i = 0; i < sid.length; i++) {
    const digit = sid.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return sid;
    if (i === 0 && digit === 0 && sid.length > 1) return sid;
    number = number * 10 + digit;
  }
  return number;
}

/** A connected application. Owns its pipe, parser, output and subscriptions. */
export class Client implements PipeEvents, OutboundOwner {
  readonly cid: number;
  readonly broker: Broker;
  readonly pipe: Pipe;
  readonly transport: ClientTransport;
  readonly parser: ClientParser;
  readonly outbound: Outbound;
  subscriptions = new Map<SidKey, Subscription>();
  /** Wall-clock milliseconds. */
  readonly startMs: number;

  state: ClientState = "connecting";
  account: Account;
  connect: ConnectOptions = defaultConnectOptions();
  /** The name monitoring and logs show for who authenticated; empty without authentication. */
  user = "";
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
  /** Last measured round trip in milliseconds; 0: none yet. */
  rttMs = 0;
  /** From the greeting to the CONNECT, milliseconds: stands for the round trip until one is measured; 0 before. */
  connectMs = 0;
  pingsOut = 0;
  closeReason: CloseReason | null = null;
  /** Where the last publish went: most publishers stay with one subject. */
  lastReceivers: Receivers | null = null;

  #pingSentMs = 0;
  /** When the outstanding write began, on the monotonic scale. */
  #writeStartMs = 0;
  readonly #greetedMs: number;
  #lastInMs: number;
  /** Before CONNECT the authentication deadline, then the ping interval, at last the linger of a close. */
  readonly #timer = new Timer(() => this.#onTimer());
  #writeTimer: Timer | null = null;
  /** Whether the log has said of the outstanding write that it takes too long. */
  #isLate = false;
  #stallTimer: Timer | null = null;
  /** Input that arrived before a stall and is not parsed yet. */
  #backlog: Backlog | null = null;
  /** The receiver this publisher waits for, and the publishers that wait for this receiver. */
  #stalledBy: Client | null = null;
  #stalledPublishers: Set<Client> | null = null;

  constructor(broker: Broker, cid: number, pipe: Pipe, transport: ClientTransport) {
    const options = broker.options;
    this.broker = broker;
    this.cid = cid;
    this.pipe = pipe;
    this.transport = transport;
    this.account = broker.globalAccount;
    this.startMs = broker.clock.nowMs();
    this.lastActivityMs = this.startMs;
    this.#greetedMs = broker.clock.monotonicMs();
    this.#lastInMs = this.#greetedMs;
    this.parser = new ClientParser(
      new ClientOperations(this),
      options.max_control_line,
      options.max_payload,
      false,
    );
    this.outbound = new Outbound(
      this,
      pipe,
      broker.slabs,
      broker.flusher,
      options.max_pending,
      options.no_fast_producer_stall,
    );
    this.isTracing = broker.log.traceEnabled;
    this.parser.tracing = this.isTracing;
  }

  /** Greets the peer and starts the clock on its CONNECT. */
  start(): void {
    this.debug("Client connection created");
    this.sendInfo(false);
    if (this.broker.authRequired) {
      this.parser.connectOnly = true;
      this.broker.timers.setIn(this.#timer, this.broker.options.authorization.timeout);
    } else {
      this.scheduleFirstPing();
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
    this.#lastInMs = this.broker.clock.monotonicMs();
    this.lastActivityMs = this.broker.clock.nowMs();
    // A pipe may hand over one more read after it was paused.
    if (this.#backlog !== null && !this.#backlog.isEmpty) {
      this.#keep(input, 0, length);
      return;
    }
    const parsed = this.parser.parse(input, 0, length);
    if (parsed < length && this.parser.state === "suspended") this.#keep(input, parsed, length);
    this.broker.flusher.flush();
  }

  onWritten(): void {
    this.outbound.onWritten();
    this.broker.flusher.flush();
    if (this.state === "closing") this.#finishClose();
  }

  onClosed(error: Error | null): void {
    if (this.state === "closed") return;
    if (this.state !== "closing") this.#leave(error === null ? "clientClosed" : "readError");
    this.#ended();
  }

  // ── what the outbound asks ───────────────────────────────────────────────

  onPendingExceeded(): void {
    this.broker.counters.slowConsumers++;
    this.notice(`Slow Consumer Detected: MaxPending of ${this.broker.options.max_pending} Exceeded`);
    this.broker.events.onSlowConsumer(this, "pending");
    this.closeNow("slowConsumerPendingBytes");
  }

  onWritePending(): void {
    this.#writeStartMs = this.broker.clock.monotonicMs();
    this.#armWriteDeadline();
  }

  onWrite(hasMessages: boolean): void {
    if (hasMessages) this.lastActivityMs = this.broker.clock.nowMs();
  }

  onWriteDone(): void {
    if (this.#writeTimer !== null) this.broker.timers.cancel(this.#writeTimer);
    this.#isLate = false;
  }

  onOutrun(message: Message): void {
    const publisher = message.origin;
    const { clock, options } = this.broker;
    if (publisher === null || publisher === this || options.no_fast_producer_stall) return;
    // Waiting helps a receiver that is taking something. For one that is stuck nobody is held back before
    // most of what it may have waiting is used up; its other receivers go on at full speed until then.
    const isStuck = clock.monotonicMs() - this.#writeStartMs > STUCK_WRITE_MS;
    if (isStuck && this.outbound.pendingBytes < options.max_pending * BEHIND_SHARE) return;
    publisher.#stall(this);
  }

  onCaughtUp(): void {
    const publishers = this.#stalledPublishers;
    if (publishers === null) return;
    this.#stalledPublishers = null;
    for (const publisher of publishers) publisher.#resume();
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

  sendInfo(isConnectInfo: boolean): void {
    this.send(this.broker.infoFor(this, isConnectInfo));
  }

  sendPing(): void {
    this.#pingSentMs = this.broker.clock.monotonicMs();
    this.pingsOut++;
    if (this.isTracing) this.trace("->> [PING]");
    this.send("PING\r\n");
  }

  /** A CONNECT came, acceptable or not. */
  noteConnect(): void {
    if (this.connectMs === 0) this.connectMs = this.broker.clock.monotonicMs() - this.#greetedMs;
  }

  onPong(): void {
    this.pingsOut = 0;
    if (this.#pingSentMs > 0)
      this.rttMs = Math.max(this.broker.clock.monotonicMs() - this.#pingSentMs, Number.MIN_VALUE);
  }

  // ── subscriptions ────────────────────────────────────────────────────────

  removeSubscription(subscription: Subscription): void {
    this.subscriptions.delete(sidKey(subscription.sid));
    this.account.sublist.remove(subscription);
    if (this.isTracing) this.trace(unsubscribedLine(subscription.sid));
  }

  /** For a connection that goes on without them. */
  removeAllSubscriptions(): void {
    this.#traceUnsubscribed();
    for (const subscription of this.subscriptions.values()) this.account.sublist.remove(subscription);
    this.subscriptions.clear();
  }

  // ── timers ───────────────────────────────────────────────────────────────

  /** The first PING comes soon, since it measures the round trip; the next ones by `ping_interval`. */
  scheduleFirstPing(): void {
    const { broker } = this;
    const first = Math.min(FIRST_PING_MS, broker.options.ping_interval);
    this.#schedulePing(first + broker.random.fraction() * 0.2 * first);
  }

  #schedulePing(delayMs: number): void {
    const { broker } = this;
    const grain = Math.min(PING_GRAIN_MS, delayMs);
    const dueMs = broker.clock.monotonicMs() + delayMs;
    broker.timers.setAt(this.#timer, grain > 0 ? Math.ceil(dueMs / grain) * grain : dueMs);
  }

  #onTimer(): void {
    if (this.state === "closing") {
      this.outbound.close();
      this.pipe.destroy();
    } else if (this.state === "connecting" && this.broker.authRequired) {
      this.sendError(WIRE_ERRORS.authenticationTimeout);
      this.debug("Authentication Timeout");
      this.close("authenticationTimeout");
    } else if (this.state !== "closed") {
      this.#onPingDue();
    }
    this.broker.flusher.flush();
  }

  #onPingDue(): void {
    const { broker } = this;
    this.debug("Client Ping Timer");
    const now = broker.clock.monotonicMs();
    const interval = broker.options.ping_interval;
    const needsRtt = this.rttMs === 0 || now - this.#pingSentMs > RTT_INTERVAL_MS;
    if (now - this.#lastInMs >= interval || needsRtt) {
      if (this.pingsOut + 1 > broker.options.ping_max) {
        broker.counters.staleConnections++;
        this.debug("Stale Client Connection - Closing");
        this.send(errorLine(WIRE_ERRORS.staleConnection));
        this.close("staleConnection");
        return;
      }
      this.sendPing();
    } else {
      const ago = formatDuration(Math.round((now - this.#lastInMs) / 1000) * 1000);
      this.debug(`Delaying PING due to remote client data or ping ${ago} ago`);
    }
    this.#schedulePing(interval);
  }

  #onWriteDeadline(): void {
    const { broker } = this;
    broker.counters.slowConsumers++;
    const { pendingChunks, pendingBytes } = this.outbound;
    const deadline = formatDuration(broker.options.write_deadline);
    this.notice(
      `Slow Consumer ${this.#isLate ? "State" : "Detected"}: WriteDeadline of ${deadline} exceeded with ${pendingChunks} chunks of ${pendingBytes} total bytes.`,
    );
    this.#isLate = true;
    broker.events.onSlowConsumer(this, "write deadline");
    if (broker.options.write_timeout === "retry") this.#armWriteDeadline();
    else this.closeNow("slowConsumerWriteDeadline");
  }

  /** While closing, the linger of the close is the deadline. */
  #armWriteDeadline(): void {
    if (this.state === "closing") return;
    this.#writeTimer ??= new Timer(() => this.#onWriteDeadline());
    this.broker.timers.setIn(this.#writeTimer, this.broker.options.write_deadline);
  }

  // ── holding back a publisher ─────────────────────────────────────────────

  /** Stops reading and parsing until `receiver` has caught up, `STALL_MS_MAX` at the longest. */
  #stall(receiver: Client): void {
    if (this.#stalledBy !== null || this.parser.state !== "running") return;
    this.#stalledBy = receiver;
    (receiver.#stalledPublishers ??= new Set()).add(this);
    this.stallCount++;
    this.broker.counters.stalls++;
    // With too much unparsed input about, the rest of this read is still parsed, and only the next one waits.
    if (this.broker.backlogs.bytes < BACKLOG_BYTES_MAX) this.parser.state = "suspended";
    this.pipe.pause();
    this.#stallTimer ??= new Timer(() => this.#resume());
    this.broker.timers.setIn(this.#stallTimer, STALL_MS_MAX);
  }

  #resume(): void {
    if (this.#stalledBy === null) return;
    this.#stopWaiting();
    if (this.parser.state === "suspended") {
      this.parser.state = "running";
      this.#backlog?.parse(this.parser);
    }
    // Unless it has to wait again. A connection that has ended meanwhile reads on too: see `close`.
    if (this.#stalledBy === null) this.pipe.resume();
    this.broker.flusher.flush();
  }

  /** As `onCaughtUp`, from within a delivery: publishers go on in a turn of their own. */
  #releasePublishers(): void {
    const publishers = this.#stalledPublishers;
    if (publishers === null) return;
    this.#stalledPublishers = null;
    for (const publisher of publishers) {
      if (publisher.#stallTimer !== null) this.broker.timers.setIn(publisher.#stallTimer, 0);
    }
  }

  /** The end of being held back, for whatever reason. */
  #stopWaiting(): void {
    if (this.#stalledBy !== null) this.#stalledBy.#forget(this);
    this.#stalledBy = null;
    if (this.#stallTimer !== null) this.broker.timers.cancel(this.#stallTimer);
  }

  #forget(publisher: Client): void {
    this.#stalledPublishers?.delete(publisher);
  }

  #keep(input: Bytes, start: number, end: number): void {
    this.#backlog ??= new Backlog(this.broker.backlogs);
    this.#backlog.add(input, start, end);
  }

  // ── the end ──────────────────────────────────────────────────────────────

  /** Ends the connection after what is queued has been sent. */
  close(reason: CloseReason): void {
    if (this.state === "closing" || this.state === "closed") return;
    const wasPaused = this.#stalledBy !== null;
    this.#leave(reason);
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
    this.pipe.end();
  }

  #leave(reason: CloseReason): void {
    this.state = "closing";
    this.closeReason = reason;
    this.parser.state = "ended";
    this.parser.release();
    this.#backlog?.clear();
    this.broker.timers.cancel(this.#timer);
    this.#stopWaiting();
    this.onWriteDone();
    this.#releasePublishers();
    this.debug(`Client connection closed: ${CLOSE_REASONS[reason]}`);
    if (reason !== "serverShutdown") this.#traceUnsubscribed();
    this.broker.beforeLeave(this);
    this.broker.removeInterest(this.account, this.subscriptions.values());
    this.subscriptions = new Map();
    this.lastReceivers = null;
  }

  #ended(): void {
    this.state = "closed";
    this.broker.timers.cancel(this.#timer);
    this.onWriteDone();
    this.outbound.onPipeClosed();
    this.broker.remove(this);
  }

  // ── logs ─────────────────────────────────────────────────────────────────

  /** `ip:port - cid:N`, then what CONNECT told, as the reference begins each line about a connection. */
  get label(): string {
    const address =
      this.transport === "in-process" ? "pipe" : `${this.pipe.remoteHost}:${this.pipe.remotePort}`;
    const base = `${address} - cid:${this.cid}`;
    return this.introducedBy === null ? base : base + introduction(this.introducedBy, this.account.name);
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
