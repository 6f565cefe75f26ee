import { must } from "../base/assert.ts";
import { compareInstants, type Instant } from "../base/instant.ts";
import { Timer } from "../base/timer-queue.ts";
import type { Message } from "../broker/message.ts";
import type { ConsumerInfo } from "./api/consumer-info.ts";
import { type ConsumerExplanation, explain, type Stall, StallWatch } from "./consumer-explain.ts";
import { infoOf } from "./consumer-info.ts";
import { ConsumerIntake } from "./consumer-intake.ts";
import { ConsumerKeeper } from "./consumer-keeper.ts";
import { ConsumerLifetime } from "./consumer-lifetime.ts";
import { ConsumerOutput } from "./consumer-output.ts";
import type { ConsumerTurns, Deliverer } from "./consumer-turns.ts";
import type { Acked } from "./core/consumer-acks.ts";
import type { ConsumerConfig } from "./core/consumer-config.ts";
import { ConsumerMachine } from "./core/consumer-machine.ts";
import { resetProblem } from "./core/consumer-reset.ts";
import { beginState, recoverState } from "./core/consumer-start.ts";
import { type ConsumerState, encodeConsumerState } from "./core/consumer-state.ts";
import { filterSubjects } from "./core/consumer-terms.ts";
import type { Stream } from "./stream.ts";

const NS_PER_MS = 1e6;

/** Why a consumer stops: it is deleted, its stream is, or the server shuts down. */
export type ConsumerEnd = "deleted" | "shutdown";

/** A consumer at work: brings the messages of its stream to those who ask, and hears their acknowledgements. */
export class Consumer implements Deliverer {
  readonly stream: Stream;
  /** Wire string. */
  readonly name: string;
  readonly created: Instant;
  /** Where it waits for its turns; set by whoever knows the consumers of the stream. */
  turns: ConsumerTurns | null = null;
  isScheduled = false;
  readonly #output: ConsumerOutput;
  readonly #machine: ConsumerMachine;
  readonly #intake: ConsumerIntake;
  readonly #keeper: ConsumerKeeper;
  readonly #lifetime: ConsumerLifetime;
  readonly #stalls = new StallWatch();
  readonly #timer = new Timer(() => this.#onTimer());
  #isRunning = false;
  /** Nothing of its state is kept yet. */
  readonly #isNew: boolean;
  /** Its state was not the one that was kept. */
  #isMended = false;
  /** Whether it was paused when it was last looked at. */
  #isPaused = false;

  /** `config`: checked, with its defaults. `kept`: the state as it was put; null: a new consumer. Names are wire strings. */
  constructor(
    stream: Stream,
    name: string,
    config: ConsumerConfig,
    created: Instant,
    kept: Uint8Array | null,
  ) {
    const { broker } = stream.owner.account;
    const nowMs = broker.clock.monotonicMs();
    this.stream = stream;
    this.name = name;
    this.created = created;
    this.#output = new ConsumerOutput(this, config);
    const { max_msg_size } = stream.config;
    this.#machine = new ConsumerMachine(
      {
        config,
        view: stream,
        state: this.#beginning(config, kept),
        port: this.#output,
        burstBytes: max_msg_size > 0 ? max_msg_size : broker.options.max_payload,
      },
      nowMs,
    );
    this.#intake = new ConsumerIntake(this.#machine, this.#output, (problem) => this.#warn(problem));
    this.#lifetime = new ConsumerLifetime(config, broker.random, nowMs);
    const isKept = !config.direct && !config.mem_storage;
    this.#keeper = new ConsumerKeeper(stream, name, isKept, () => this.encodeState());
    this.#isNew = kept === null || kept.length === 0;
  }

  get config(): ConsumerConfig {
    return this.#machine.config;
  }

  /** As `turns`, for what happens in one. */
  get turnsAtWork(): ConsumerTurns {
    return must(this.turns, "a consumer delivers in its turns");
  }

  /** Somebody listens at its deliver subject. */
  get isPushBound(): boolean {
    const { push } = this.#machine;
    return push !== null && this.#output.isListening(push.inbox);
  }

  /** Begins to deliver. */
  start(): void {
    this.#isRunning = true;
    this.#applyPause();
    // What it begins with is kept at once: where "new" messages begin is known only now, and that a state went back only
    // as long as the stream has not come as far again.
    if (this.#isNew || this.#isMended) void this.#keeper.keepNow().catch(() => {});
    this.#schedule();
  }

  /** Delivers no more, and tells those whose requests wait. */
  stop(why: ConsumerEnd): void {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.stream.owner.account.broker.timers.cancel(this.#timer);
    this.#machine.pulls?.endAll(why);
    this.#keeper.stop(why === "shutdown");
  }

  /** Tells those whose requests wait that the server shuts down. */
  endPulls(): void {
    this.#machine.pulls?.endAll("shutdown");
  }

  /** Goes on with a configuration that may follow the present one. */
  update(config: ConsumerConfig): void {
    const before = this.config;
    const nowMs = this.#nowMs;
    this.#output.configure(config);
    this.#machine.update(config, nowMs);
    if (config.inactive_threshold !== before.inactive_threshold)
      this.#lifetime.onConfig(config, this.stream.owner.account.broker.random, nowMs);
    if (!isSameTime(before.pause_until, config.pause_until)) {
      this.#applyPause();
      this.#tellPause();
    }
    if (config.sourcing) this.#machine.reset(this.#machine.state.floorStream + 1);
    this.#schedule();
  }

  info(): ConsumerInfo {
    return infoOf(this.#machine, this.isPushBound, this.stream.owner.account.broker.clock);
  }

  /** How far it has come, as it is kept; see `core/consumer-state.ts`. */
  encodeState(): Uint8Array {
    return encodeConsumerState(this.#machine.state, this.#wallOffsetMs);
  }

  /** A request for messages. Takes it within the delivery of `message`; false: nobody is here. */
  onNext(message: Message): boolean {
    if (!this.#isRunning) return false;
    this.#intake.onNext(message, this.#nowMs);
    this.#schedule();
    return true;
  }

  /** An acknowledgement of `acked`, whose payload says what kind it is; within the delivery of `message`. */
  onAck(acked: Acked, message: Message): void {
    if (!this.#isRunning) return;
    const nowMs = this.#nowMs;
    this.#lifetime.onUsed(nowMs);
    const confirmTo = this.#intake.onAck(acked, message, nowMs);
    if (confirmTo !== "") this.#keeper.confirm(confirmTo);
    this.#schedule();
  }

  /** An answer to a flow control request; within the delivery of `message`. */
  onFlowAnswer(subject: string, message: Message): void {
    if (!this.#isRunning) return;
    this.#intake.onFlowAnswer(subject, message, this.#nowMs);
    this.#schedule();
  }

  /** A message that the filter takes can be seen. */
  onVisible(seq: number): void {
    this.#machine.onVisible(seq);
    if (this.#machine.wantsPump) this.#schedule();
  }

  /** A message that the filter takes was removed. */
  onRemoved(seq: number): void {
    this.#machine.onRemoved(seq, this.#nowMs);
    if (this.#machine.wantsPump || this.#machine.isDirty) this.#schedule();
  }

  onPurged(): void {
    this.#machine.onPurged(this.#nowMs);
    this.#schedule();
  }

  /** Interest in its deliver subject came or went. */
  onInterest(): void {
    this.#machine.onInterest(this.#nowMs);
    this.#schedule();
  }

  /** Whether a message is not done with: it is to be delivered, or acknowledged. `subject` is a wire string. */
  needs(seq: number, subject: string): boolean {
    const { state, source } = this.#machine;
    if (!source.filter.takes(subject)) return false;
    if (state.redelivered.size > 0 && state.redelivered.has(seq)) return true;
    if (seq <= state.floorStream) return false;
    if (this.config.ack_policy !== "explicit") return true;
    return seq >= state.nextSeq || state.pending.get(seq) !== undefined;
  }

  /** Whoever is pinned is not any more; false: nobody was. */
  unpin(_group: string): boolean {
    const isUnpinned = this.#machine.pulls?.unpin("admin") ?? false;
    this.#machine.wantsPump = true;
    this.#schedule();
    return isUnpinned;
  }

  /** Begins anew with `seq`, or, with 0, behind what is acknowledged; resolves once that is durable. */
  async reset(seq: number): Promise<{ readonly seq: number } | { readonly problem: string }> {
    const problem = seq === 0 ? null : resetProblem(seq, this.config, this.stream.store);
    if (problem !== null) return { problem };
    const first = Math.max(1, seq === 0 ? this.#machine.state.floorStream + 1 : seq);
    this.#machine.reset(first);
    this.#schedule();
    await this.#keeper.keepNow();
    return { seq: first };
  }

  explain(): ConsumerExplanation {
    return explain(this.#machine, this.#nowMs);
  }

  /** To be asked every few seconds: a consumer that does not deliver though it could is set going again, and reported. */
  stallCheck(): Stall | null {
    const stall = this.#stalls.check(this.#machine, this.#nowMs);
    if (stall === null) return null;
    this.#machine.source.recount();
    this.#machine.wantsPump = true;
    this.#schedule();
    return stall;
  }

  /** Does what is due, and delivers. */
  onTurn(budget: number): number {
    if (!this.#isRunning) return 0;
    const machine = this.#machine;
    const nowMs = this.#nowMs;
    if (machine.dueMs <= nowMs) machine.onTime(nowMs);
    const delivered = machine.wantsPump ? machine.pump(nowMs, budget) : 0;
    if (delivered === budget) machine.wantsPump = true;
    if (machine.isDirty) {
      machine.isDirty = false;
      this.#keeper.onChanged();
    }
    this.#keeper.onTurnEnd();
    this.#setTimer(nowMs);
    return delivered;
  }

  get #nowMs(): number {
    return this.stream.owner.account.broker.clock.monotonicMs();
  }

  /** What to add to monotonic time to get wall-clock time. */
  get #wallOffsetMs(): number {
    const { clock } = this.stream.owner.account.broker;
    return clock.nowMs() - clock.monotonicMs();
  }

  #beginning(config: ConsumerConfig, kept: Uint8Array | null): ConsumerState {
    const { store, config: streamConfig } = this.stream;
    const filter = store.filter(filterSubjects(config));
    if (kept === null) return beginState(config, store, filter, streamConfig.max_msgs_per_subject);
    const recovered = recoverState(kept, this.#wallOffsetMs, config, store, filter, this.created);
    this.#isMended = recovered.problem !== "";
    if (this.#isMended) this.#warn(recovered.problem);
    return recovered.state;
  }

  #applyPause(): void {
    const { pause_until } = this.config;
    this.#machine.pausedUntilMs =
      pause_until === null ? -Infinity : pause_until.ms + pause_until.ns / NS_PER_MS - this.#wallOffsetMs;
    this.#machine.wantsPump = true;
    this.#isPaused = this.#machine.pausedUntilMs > this.#nowMs;
  }

  #tellPause(): void {
    const { pause_until } = this.config;
    this.stream.owner.advisories.consumerPaused(this.stream.name, this.name, this.#isPaused, pause_until);
  }

  #schedule(): void {
    if (!this.#isRunning) return;
    this.turns?.schedule(this, this.stream.owner.account.broker);
  }

  /** Sets the timer for what is due next; one that is set for earlier stays, and looks again then. */
  #setTimer(nowMs: number): void {
    const { timers } = this.stream.owner.account.broker;
    const pauseEndMs = this.#isPaused ? this.#machine.pausedUntilMs : Infinity;
    const dueMs = Math.min(this.#machine.dueMs, pauseEndMs, this.#lifetime.endMs(this.#machine, nowMs));
    if (dueMs === Infinity) timers.cancel(this.#timer);
    else if (!this.#timer.isSet || this.#timer.dueMs > dueMs) timers.setAt(this.#timer, dueMs);
  }

  #onTimer(): void {
    if (!this.#isRunning) return;
    const nowMs = this.#nowMs;
    if (this.#isPaused && nowMs >= this.#machine.pausedUntilMs) {
      this.#isPaused = false;
      this.#machine.wantsPump = true;
      this.#tellPause();
    }
    if (this.#lifetime.endMs(this.#machine, nowMs) <= nowMs) this.#end();
    else this.#schedule();
  }

  /** Nobody has used it for so long that it goes away. */
  #end(): void {
    const { log } = this.stream.owner.account.broker;
    this.stream.deleteConsumer(this).catch((error: unknown) => {
      log.error(`JetStream consumer '${this.#logName}' could not be deleted: ${String(error)}`);
    });
  }

  get #logName(): string {
    return `${this.stream.owner.account.name} > ${this.stream.name} > ${this.name}`;
  }

  #warn(what: string): void {
    this.stream.owner.account.broker.log.warn(`JetStream consumer '${this.#logName}' ${what}`);
  }
}

function isSameTime(a: Instant | null, b: Instant | null): boolean {
  return a === b || (a !== null && b !== null && compareInstants(a, b) === 0);
}
