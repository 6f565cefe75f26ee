import { must } from "../base/assert.ts";
import { compareInstants, type Instant, instantOf } from "../base/instant.ts";
import { Timer } from "../base/timer-queue.ts";
import { fieldsOf, headerBlockOf } from "../broker/header-block.ts";
import type { Message } from "../broker/message.ts";
import type { ConsumerInfo } from "./api/consumer-info.ts";
import { type ConsumerExplanation, explain, type Stall, StallWatch } from "./consumer-explain.ts";
import { ConsumerKeeper } from "./consumer-keeper.ts";
import { ConsumerLifetime } from "./consumer-lifetime.ts";
import { ConsumerOutput } from "./consumer-output.ts";
import type { ConsumerTurns, Deliverer } from "./consumer-turns.ts";
import { ACK_WORD_BYTES, ackKindOf, nakDelayMs } from "./core/consumer-ack.ts";
import type { Acked } from "./core/consumer-acks.ts";
import type { ConsumerConfig } from "./core/consumer-config.ts";
import { ConsumerMachine } from "./core/consumer-machine.ts";
import { makeInbox } from "./core/consumer-port.ts";
import { resetProblem } from "./core/consumer-reset.ts";
import { beginState, recoverState } from "./core/consumer-start.ts";
import { badRequest, PUSH_BASED, REQUIRED_API_LEVEL } from "./core/consumer-status.ts";
import { type ConsumerState, encodeConsumerState } from "./core/consumer-state.ts";
import { filterSubjects } from "./core/consumer-terms.ts";
import { decodePullRequest } from "./core/pull-request.ts";
import { isLevelReached } from "./core/versioning.ts";
import type { Stream } from "./stream.ts";

const NS_PER_MS = 1e6;
/** As `fieldsOf` spells it. */
const REQUIRED_LEVEL_FIELD = "Nats-Required-Api-Level";

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
  readonly #keeper: ConsumerKeeper;
  readonly #lifetime: ConsumerLifetime;
  readonly #stalls = new StallWatch();
  readonly #timer = new Timer(() => this.#onTimer());
  #isRunning = false;
  /** Nothing of its state is kept yet. */
  readonly #isNew: boolean;
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
    this.#lifetime = new ConsumerLifetime(config, broker.random, nowMs);
    const isKept = !config.direct && !config.mem_storage;
    this.#keeper = new ConsumerKeeper(stream, name, isKept, () =>
      encodeConsumerState(this.#machine.state, this.#wallOffsetMs),
    );
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
    // What it begins with is kept at once: where "new" messages begin is known only now.
    if (this.#isNew) void this.#keeper.keepNow().catch(() => {});
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
    const { state, source, pulls, deliveredMs, ackedMs } = this.#machine;
    const nowMs = this.#nowMs;
    // Requests of clients that have gone do not wait.
    pulls?.sweep(nowMs, false);
    const { pause_until, priority_groups } = this.config;
    const wallMs = this.stream.owner.account.broker.clock.nowMs();
    const at = instantOf(wallMs);
    return {
      delivered: this.#progress(state.deliveredConsumer, state.deliveredStream, deliveredMs),
      ackFloor: this.#progress(state.floorConsumer, state.floorStream, ackedMs),
      numAckPending: state.pending.size,
      numRedelivered: state.redelivered.size,
      numWaiting: pulls?.queue.size ?? 0,
      numPending: source.numPending,
      isPushBound: this.isPushBound,
      pauseRemaining: pause_until === null ? 0 : Math.max(0, nanosecondsBetween(at, pause_until)),
      at,
      priorityGroups: priority_groups.slice(0, 1).map((group) => ({
        group,
        pinnedId: pulls?.pinned.id ?? "",
        pinnedAt: pulls === null || pulls.pinned.id === "" ? null : this.#wallTime(pulls.pinned.sinceMs),
      })),
    };
  }

  /** A request for messages. Takes it within the delivery of `message`; false: nobody is here. */
  onNext(message: Message): boolean {
    if (!this.#isRunning) return false;
    const { input, replyStart, replyEnd, payloadStart, headerBytes, payloadEnd } = message;
    if (replyStart === replyEnd) return true;
    const { buf } = input;
    const reply = buf.latin1Slice(replyStart, replyEnd);
    if (headerBytes > 0 && this.config.deliver_subject === "" && !isLevelMet(message))
      this.#output.tell(reply, REQUIRED_API_LEVEL);
    else this.#pull(reply, buf, payloadStart + headerBytes, payloadEnd);
    return true;
  }

  /** An acknowledgement of `acked`, whose payload says what kind it is; within the delivery of `message`. */
  onAck(acked: Acked, message: Message): void {
    if (!this.#isRunning) return;
    const { input, replyStart, replyEnd, payloadStart, headerBytes, payloadEnd } = message;
    const { buf } = input;
    const start = payloadStart + headerBytes;
    const reply = replyStart === replyEnd ? "" : buf.latin1Slice(replyStart, replyEnd);
    const nowMs = this.#nowMs;
    this.#lifetime.onUsed(nowMs);
    const isConfirmed = this.#onAckKind(acked, reply, buf, start, payloadEnd, nowMs);
    if (isConfirmed && reply !== "" && acked.seq > 0) this.#keeper.confirm(reply);
    this.#schedule();
  }

  /** An answer to a flow control request; within the delivery of `message`. */
  onFlowAnswer(subject: string, message: Message): void {
    if (!this.#isRunning) return;
    const fields = message.headerBytes === 0 ? null : fieldsOf(headerBlockOf(message));
    const lastConsumer = sequence(fields?.get("Nats-Last-Consumer")?.[0]);
    const lastStream = sequence(fields?.get("Nats-Last-Stream")?.[0]);
    this.#machine.onFlowAnswer(subject, lastConsumer, lastStream, this.#nowMs);
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
    this.#machine.onPurged();
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
    if (recovered.problem !== "") this.#warn(recovered.problem);
    return recovered.state;
  }

  #pull(reply: string, buf: Buffer, start: number, end: number): void {
    if (this.#machine.pulls === null) {
      this.#output.tell(reply, PUSH_BASED);
      return;
    }
    const request = decodePullRequest(buf, start, end);
    if ("problem" in request) {
      this.#output.tell(reply, badRequest(request.problem));
      return;
    }
    this.#machine.onPull(request, makeInbox(reply), this.#nowMs);
    this.#schedule();
  }

  /** Returns whether it is confirmed to whoever asks for that. */
  #onAckKind(acked: Acked, reply: string, buf: Buffer, start: number, end: number, nowMs: number): boolean {
    const machine = this.#machine;
    const kind = ackKindOf(buf, start, end);
    switch (kind) {
      case "ack":
        return machine.onAck(acked, nowMs);
      case "next":
        machine.onAck(acked, nowMs);
        if (reply !== "") this.#pull(reply, buf, start + ACK_WORD_BYTES.next, end);
        return false;
      case "nak":
        machine.onNak(acked, this.#nakDelayMs(buf, start + ACK_WORD_BYTES.nak, end), nowMs);
        return true;
      case "term":
        return machine.onTerm(acked, buf.utf8Slice(start + ACK_WORD_BYTES.term, end).trim(), nowMs);
      case "progress":
        machine.onProgress(acked.seq, nowMs);
        return true;
      case "unknown":
        return true;
    }
  }

  #nakDelayMs(buf: Buffer, start: number, end: number): number | null {
    if (start === end) return null;
    const text = buf.utf8Slice(start, end);
    const delayMs = nakDelayMs(text);
    if (delayMs === null && text.trim() !== "") this.#warn(`bad NAK delay value: ${JSON.stringify(text)}`);
    return delayMs;
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

  #progress(consumerSeq: number, streamSeq: number, ms: number): ConsumerInfo["delivered"] {
    return { consumerSeq, streamSeq, lastActive: ms === -Infinity ? null : this.#wallTime(ms) };
  }

  /** A monotonic time as people read it. */
  #wallTime(ms: number): Instant {
    return instantOf(ms + this.#wallOffsetMs);
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

function nanosecondsBetween(from: Instant, to: Instant): number {
  return (to.ms - from.ms) * NS_PER_MS + to.ns - from.ns;
}

/** What the header says, 0 for none or nonsense. */
function sequence(text: string | undefined): number {
  const number = Number(text ?? "0");
  return Number.isSafeInteger(number) && number > 0 ? number : 0;
}

function isLevelMet(message: Message): boolean {
  const required = fieldsOf(headerBlockOf(message)).get(REQUIRED_LEVEL_FIELD)?.[0] ?? "";
  return isLevelReached(required);
}
