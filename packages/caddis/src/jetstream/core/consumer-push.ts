import { FlowWindow } from "./consumer-flow.ts";
import { type ConsumerPort, type Inbox, makeInbox } from "./consumer-port.ts";
import { FLOW_CONTROL, idleHeartbeat } from "./consumer-status.ts";

/** How long it takes at most until somebody who begins to listen is noticed where nothing else tells. */
const INTEREST_CHECK_MS = 250;

/** The deliver subject of a push consumer: whether somebody listens, how much is on its way, and heartbeats. */
export class ConsumerPush {
  inbox: Inbox;
  /** Somebody listens, as far as is known. */
  isActive: boolean;
  /** Null: no flow control. */
  readonly flow: FlowWindow | null;
  /** Its receivers have much waiting and get nothing before then. */
  heldUntilMs = 0;
  readonly #port: ConsumerPort;
  /** 0: none. */
  #heartbeatMs: number;
  #heartbeatDueMs: number;
  #sentMs: number;
  #checkDueMs = Infinity;

  constructor(
    subject: string,
    hasFlowControl: boolean,
    heartbeatMs: number,
    port: ConsumerPort,
    nowMs: number,
  ) {
    this.inbox = makeInbox(subject);
    this.flow = hasFlowControl ? new FlowWindow() : null;
    this.#port = port;
    this.#heartbeatMs = heartbeatMs;
    this.#sentMs = nowMs;
    this.#heartbeatDueMs = heartbeatMs > 0 ? nowMs + heartbeatMs : Infinity;
    this.isActive = false;
    this.checkInterest(nowMs);
  }

  get dueMs(): number {
    return Math.min(this.#heartbeatDueMs, this.#checkDueMs);
  }

  /** Messages go elsewhere from now on. */
  setSubject(subject: string, nowMs: number): void {
    this.inbox = makeInbox(subject);
    this.flow?.reset();
    this.heldUntilMs = 0;
    this.checkInterest(nowMs);
  }

  /** Looks whether somebody listens; returns true if somebody does who did not before. */
  checkInterest(nowMs: number): boolean {
    const wasActive = this.isActive;
    this.isActive = this.#port.isListening(this.inbox);
    this.#checkDueMs = this.isActive ? Infinity : nowMs + INTEREST_CHECK_MS;
    return this.isActive && !wasActive;
  }

  /** Nobody took a message. */
  onNobody(nowMs: number): void {
    this.isActive = false;
    this.#checkDueMs = nowMs + INTEREST_CHECK_MS;
  }

  /** A message of `bytes` went out. `wantsAnswer`: no more goes out before what the answer acknowledges. */
  onSent(bytes: number, wantsAnswer: boolean, nowMs: number): void {
    this.#sentMs = nowMs;
    if (this.flow?.onSent(bytes, wantsAnswer) === true) this.#ask(this.flow);
  }

  /**
   * What was due at `nowMs`; returns whether somebody listens who did not before. `wantsAnswer`: acknowledgements
   * come with the answers to flow control, and some are awaited.
   */
  onTime(nowMs: number, lastConsumer: number, lastStream: number, wantsAnswer: boolean): boolean {
    const isNew = this.#checkDueMs <= nowMs && this.checkInterest(nowMs);
    if (this.#heartbeatDueMs <= nowMs) this.#beat(nowMs, lastConsumer, lastStream, wantsAnswer);
    return isNew;
  }

  #beat(nowMs: number, lastConsumer: number, lastStream: number, wantsAnswer: boolean): void {
    const dueMs = this.#sentMs + this.#heartbeatMs;
    if (dueMs > nowMs) {
      // Something was sent meanwhile: that is when quiet began.
      this.#heartbeatDueMs = dueMs;
      return;
    }
    this.#heartbeatDueMs = nowMs + this.#heartbeatMs;
    if (!this.isActive) return;
    const stalledBy = this.flow?.request ?? "";
    this.#port.status(this.inbox, idleHeartbeat(lastConsumer, lastStream, stalledBy), "");
    if (wantsAnswer && this.flow !== null && stalledBy === "") this.#ask(this.flow);
  }

  #ask(flow: FlowWindow): void {
    const reply = this.#port.makeFlowReply();
    flow.ask(reply);
    this.#port.status(this.inbox, FLOW_CONTROL, reply);
  }
}
