import type { PendingMessage } from "./consumer-pending.ts";
import { type Acked, ConsumerAcks } from "./consumer-acks.ts";
import type { ConsumerConfig } from "./consumer-config.ts";
import { ConsumerPace } from "./consumer-pace.ts";
import type { ConsumerPort, Inbox, StreamView } from "./consumer-port.ts";
import { ConsumerPulls } from "./consumer-pulls.ts";
import { ConsumerPush } from "./consumer-push.ts";
import { ConsumerSender, type Obstacle } from "./consumer-sender.ts";
import { ConsumerSource } from "./consumer-source.ts";
import type { ConsumerState } from "./consumer-state.ts";
import { type ConsumerTerms, filterSubjects, termsOf } from "./consumer-terms.ts";
import type { PullRequest } from "./pull-request.ts";

/** What a machine is made of. */
export interface MachineSetup {
  readonly config: ConsumerConfig;
  readonly view: StreamView;
  readonly state: ConsumerState;
  readonly port: ConsumerPort;
  /** The largest message there may be, in bytes: what a rate limit lets through at once. */
  readonly burstBytes: number;
}

/**
 * A consumer's decisions: what is delivered to whom and when, and what acknowledgements, pull requests and time do
 * to that. It reads the stream's store and calls its port, and knows neither clock nor network: each call says what
 * time it is, in monotonic milliseconds. After each call the owner asks `dueMs` when to call `onTime`, whether it
 * `isDirty` (its state is to be kept), and whether it `wantsPump`.
 */
export class ConsumerMachine {
  readonly state: ConsumerState;
  readonly source: ConsumerSource;
  readonly acks: ConsumerAcks;
  /** Null: a push consumer. */
  readonly pulls: ConsumerPulls | null;
  /** Null: a pull consumer. */
  readonly push: ConsumerPush | null;
  /** Why `pump` stopped the last time. */
  obstacle: Obstacle = "none";
  /** Something may be delivered that could not be before. */
  wantsPump = true;
  /** The state has changed since the owner took this back. */
  isDirty = false;
  /** Nothing is delivered before then; wall-clock pauses are the owner's to convert. */
  pausedUntilMs = -Infinity;
  /** When something was delivered, and when the floor rose; -Infinity: not since the start. */
  deliveredMs = -Infinity;
  ackedMs = -Infinity;
  #config: ConsumerConfig;
  #terms: ConsumerTerms;
  readonly #view: StreamView;
  readonly #sender: ConsumerSender;

  constructor({ config, view, state, port, burstBytes }: MachineSetup, nowMs: number) {
    this.#config = config;
    this.#terms = termsOf(config);
    this.#view = view;
    this.state = state;
    this.source = new ConsumerSource(view, state, filterSubjects(config));
    this.acks = new ConsumerAcks(state, this.#terms, port);
    const pace = new ConsumerPace(config, view.store.state.lastSeq, burstBytes);
    const { isPush, heartbeatMs } = this.#terms;
    this.push = isPush
      ? new ConsumerPush(config.deliver_subject, config.flow_control, heartbeatMs, port, nowMs)
      : null;
    this.pulls = isPush ? null : new ConsumerPulls(config, port, this.#facts(), nowMs);
    this.#sender = new ConsumerSender(this, pace, port);
  }

  get config(): ConsumerConfig {
    return this.#config;
  }

  /** When `onTime` is to be called; Infinity: never. */
  get dueMs(): number {
    const { pulls, push } = this;
    const due = Math.min(this.state.pending.dueMs, pulls?.dueMs ?? Infinity, push?.dueMs ?? Infinity);
    return Math.min(due, this.#waitEndMs);
  }

  /** Delivers up to `budget` messages and returns how many; as many as that: there may be more. */
  pump(nowMs: number, budget: number): number {
    this.wantsPump = false;
    for (let count = 0; count < budget; count++) {
      this.obstacle = this.#deliverNext(nowMs);
      if (this.obstacle === "none") continue;
      // At the end requests that do not wait get to know; but more may come once something is acknowledged.
      if (this.pulls !== null && this.pulls.queue.hasNoWait && this.obstacle !== "maxAckPending")
        this.pulls.sweep(nowMs, true);
      return count;
    }
    return budget;
  }

  /** Why nothing would be delivered at `nowMs`, without delivering. */
  obstacleNow(nowMs: number): Obstacle {
    const obstacle = this.#obstacleToAny(nowMs);
    if (obstacle !== "none") return obstacle;
    if (this.state.pending.queueSize > 0) return "none";
    if (this.acks.isFull) return "maxAckPending";
    if (this.source.next() === 0) return "end";
    // What depends on the very message was found by the last pump.
    const { obstacle: last } = this;
    return last === "replay" || last === "priority" || last === "held" ? last : "none";
  }

  /** The stream holds nothing that the filter takes. */
  matchesNothing(): boolean {
    return this.#view.store.next(this.source.filter, 0) === 0;
  }

  onPull(request: PullRequest, inbox: Inbox, nowMs: number): void {
    if (this.pulls === null) return;
    this.pulls.add(request, inbox, nowMs);
    this.wantsPump ||= this.pulls.queue.size > 0;
  }

  /** False: it names something that was not delivered yet, which is not confirmed either. */
  onAck(acked: Acked, nowMs: number): boolean {
    if (!this.#isPlausible(acked)) return false;
    this.#onAckChange(this.acks.ack(acked, nowMs, true), nowMs);
    return true;
  }

  onTerm(acked: Acked, reason: string, nowMs: number): boolean {
    if (!this.#isPlausible(acked)) return false;
    this.#onAckChange(this.acks.term(acked, reason, nowMs), nowMs);
    return true;
  }

  onNak(acked: Acked, delayMs: number | null, nowMs: number): void {
    if (this.acks.nak(acked, delayMs, nowMs)) this.#onChange();
  }

  onProgress(seq: number, nowMs: number): void {
    this.isDirty = this.acks.progress(seq, nowMs) || this.isDirty;
  }

  /** An answer to a flow control request, with what it says was received last (0: nothing is said). */
  onFlowAnswer(subject: string, lastConsumer: number, lastStream: number, nowMs: number): void {
    if (this.push?.flow?.onAnswer(subject) !== true) return;
    this.wantsPump = true;
    if (this.#config.ack_policy !== "flow_control" || lastStream === 0) return;
    const acked = { seq: lastStream, consumerSeq: lastConsumer, deliveries: 1 };
    this.#onAckChange(this.acks.ack(acked, nowMs, false), nowMs);
  }

  /** A message that the filter takes can be seen now. */
  onVisible(seq: number): void {
    this.source.onVisible(seq);
    // Some requests wait until there is more.
    if (this.obstacle === "end" || this.obstacle === "priority") this.wantsPump = true;
  }

  /** A message that the filter takes was removed from the stream. */
  onRemoved(seq: number, nowMs: number): void {
    this.source.onRemoved(seq);
    this.#onAckChange(this.acks.onRemoved(seq), nowMs);
  }

  /** Many messages were removed. */
  onPurged(nowMs: number): void {
    const { store } = this.#view;
    const { state } = this;
    const all = store.filter([]);
    // What was pending counts as acknowledged, as in the reference.
    if (this.acks.onPurged((seq) => store.next(all, seq) === seq)) this.ackedMs = nowMs;
    const { firstSeq } = store.state;
    if (state.nextSeq < firstSeq) {
      state.nextSeq = firstSeq;
      state.deliveredStream = firstSeq - 1;
      if (state.pending.size === 0) state.raiseFloor();
    }
    this.source.recount();
    this.#onChange();
  }

  /** What is due at `nowMs`. */
  onTime(nowMs: number): void {
    if (this.acks.expire(nowMs)) this.#onChange();
    if (nowMs >= this.#waitEndMs) this.wantsPump = true;
    if (this.pulls?.onTime(nowMs, this.obstacle !== "maxAckPending") === true) this.wantsPump = true;
    const { deliveredConsumer, nextSeq, pending } = this.state;
    const wantsAnswer = this.#config.ack_policy === "flow_control" && pending.size > 0;
    if (this.push?.onTime(nowMs, deliveredConsumer, nextSeq - 1, wantsAnswer) === true) this.wantsPump = true;
  }

  /** Somebody began or ceased to listen at the deliver subject. */
  onInterest(nowMs: number): void {
    if (this.push?.checkInterest(nowMs) === true) this.wantsPump = true;
  }

  /** Goes on with a configuration that may follow the present one. */
  update(config: ConsumerConfig, nowMs: number): void {
    const before = this.#config;
    this.#config = config;
    this.#terms = termsOf(config);
    this.acks.terms = this.#terms;
    this.#sender.pace.setRate(config.rate_limit_bps);
    this.pulls?.configure(config);
    const subjects = filterSubjects(config);
    if (subjects.join(" ") !== filterSubjects(before).join(" ")) this.source.setSubjects(subjects);
    if (this.push !== null && config.deliver_subject !== before.deliver_subject) {
      this.acks.redeliverAll();
      this.push.setSubject(config.deliver_subject, nowMs);
    }
    this.#onChange();
  }

  /** Begins anew with `seq`: nothing is delivered, and nothing pending. */
  reset(seq: number): void {
    const { lastPerSubjectUntil } = this.state;
    this.state.startAt(seq);
    this.state.lastPerSubjectUntil = seq > lastPerSubjectUntil ? 0 : lastPerSubjectUntil;
    this.deliveredMs = -Infinity;
    this.ackedMs = -Infinity;
    this.source.restart();
    this.#onChange();
  }

  #deliverNext(nowMs: number): Obstacle {
    const obstacle = this.#obstacleToAny(nowMs);
    if (obstacle !== "none") return obstacle;
    const again = this.acks.nextRedelivery();
    if (again !== null) return this.#deliverAgain(again, nowMs);
    if (this.acks.isFull) return "maxAckPending";
    const seq = this.source.next();
    if (seq === 0) return "end";
    if (!this.source.load(seq)) {
      this.source.pass(seq);
      return "none";
    }
    const sent = this.#sender.send(1, this.source.numPending - 1, nowMs);
    if (sent !== "none") return sent;
    this.source.pass(seq);
    this.acks.onDelivered(seq, nowMs);
    this.#afterDelivery(nowMs);
    return "none";
  }

  #deliverAgain(message: PendingMessage, nowMs: number): Obstacle {
    const { seq } = message;
    if (!this.source.load(seq)) {
      this.#onAckChange(this.acks.onRemoved(seq), nowMs);
      return "none";
    }
    const sent = this.#sender.send(this.state.deliveries(seq) + 1, this.source.numPending, nowMs);
    if (sent !== "none") return sent;
    this.acks.onRedelivered(message, nowMs);
    this.#afterDelivery(nowMs);
    return "none";
  }

  /** When what kept the last message from being delivered is over by itself; Infinity: it is not. */
  get #waitEndMs(): number {
    return this.obstacle === "paused" ? this.pausedUntilMs : this.#sender.waitEndMs(this.obstacle);
  }

  /** What keeps any message from being delivered. */
  #obstacleToAny(nowMs: number): Obstacle {
    return nowMs < this.pausedUntilMs ? "paused" : this.#sender.obstacle(nowMs);
  }

  /** Names what was delivered; with flow control the count is the client's own. */
  #isPlausible({ seq }: Acked): boolean {
    return seq < this.state.nextSeq || this.#config.flow_control;
  }

  #onAckChange(hasChanged: boolean, nowMs: number): void {
    if (!hasChanged) return;
    this.ackedMs = nowMs;
    this.#onChange();
  }

  #onChange(): void {
    this.isDirty = true;
    this.wantsPump = true;
  }

  #afterDelivery(nowMs: number): void {
    this.deliveredMs = nowMs;
    this.isDirty = true;
    if (this.push === null) return;
    const wantsAnswer = this.#config.ack_policy === "flow_control" && this.acks.isFull;
    this.push.onSent(this.#sender.sentBytes, wantsAnswer, nowMs);
  }

  #facts(): ConstructorParameters<typeof ConsumerPulls>[2] {
    const { state, source } = this;
    return {
      get numPending() {
        return source.numPending;
      },
      get queueSize() {
        return state.pending.queueSize;
      },
      get ackPending() {
        return state.pending.size;
      },
      get deliveredConsumer() {
        return state.deliveredConsumer;
      },
      get nextSeq() {
        return state.nextSeq;
      },
    };
  }
}
