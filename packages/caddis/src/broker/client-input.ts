import type { Bytes } from "../base/bytes.ts";
import {
  BACKLOG_BYTES_MAX,
  STALL_MS_MAX,
  UNADMITTED_INPUT_BYTES_MAX,
  UNADMITTED_INPUT_BYTES_MIN,
} from "../base/limits.ts";
import { Timer } from "../base/timer-queue.ts";
import type { Pipe } from "../io/pipe.ts";
import type { ClientParser } from "../wire/client-parser.ts";
import { Backlog } from "./backlog.ts";
import type { Broker } from "./broker.ts";

/** A connection whose input may have to wait. */
export interface WaitingClient {
  readonly broker: Broker;
  readonly pipe: Pipe;
  readonly parser: ClientParser;
  /** How often it was held back as a publisher. */
  stallCount: number;
  /** More came in before anybody knows who it is than is kept for a stranger. */
  onTooMuchInput(): void;
}

/**
 * What one connection's input waits for, and the input that came meanwhile. It waits for the verdict on its CONNECT, or,
 * of a publisher, for a receiver that it outruns: this publisher is stalled.
 *
 *     parsing ──┬─ awaitVerdict ── onVerdict ─▶ parsing
 *               └─ stall ── the receiver has caught up, or STALL_MS_MAX ─▶ parsing
 */
export class ClientInput {
  readonly #client: WaitingClient;
  #awaitsVerdict = false;
  /** Input that is not parsed yet; made by the first. */
  #backlog: Backlog | null = null;
  /** The receiver this publisher waits for, and the publishers that wait for this receiver. */
  #stalledBy: ClientInput | null = null;
  #stalledPublishers: Set<ClientInput> | null = null;
  #stallTimer: Timer | null = null;

  constructor(client: WaitingClient) {
    this.#client = client;
  }

  /** Whether somebody else is being asked about its CONNECT. */
  get awaitsVerdict(): boolean {
    return this.#awaitsVerdict;
  }

  /** Whether it waits for anything. */
  get isWaiting(): boolean {
    return this.#stalledBy !== null || this.#awaitsVerdict;
  }

  /** Whether what comes now has to be kept: a pipe may hand over one more read after it was paused. */
  get isHeld(): boolean {
    return this.#awaitsVerdict || (this.#backlog !== null && !this.#backlog.isEmpty);
  }

  /** Keeps `input[start, end)` behind what is there. */
  keep(input: Bytes, start: number, end: number): void {
    const { backlogs } = this.#client.broker;
    const backlog = (this.#backlog ??= new Backlog(backlogs));
    const length = end - start;
    // Who is not in yet has no claim to memory: only CONNECT and what clients send along with it.
    // However much others have waiting, there is room for the PING that clients send behind their CONNECT.
    const isCrowded = backlogs.bytes + length > BACKLOG_BYTES_MAX;
    const limit = isCrowded ? UNADMITTED_INPUT_BYTES_MIN : UNADMITTED_INPUT_BYTES_MAX;
    if (this.#awaitsVerdict && backlog.size + length > limit) this.#client.onTooMuchInput();
    else backlog.add(input, start, end);
  }

  /** Keeps further input until `onVerdict`. Reading goes on: a peer that hangs up is noticed, and nobody works for it. */
  awaitVerdict(): void {
    this.#awaitsVerdict = true;
    this.#client.parser.state = "suspended";
  }

  /** The verdict is there and has been carried out. */
  onVerdict(): void {
    this.#awaitsVerdict = false;
    this.#goOn();
  }

  /** Stops reading and parsing until `receiver` has caught up, `STALL_MS_MAX` at the longest. */
  stall(receiver: ClientInput): void {
    const { broker, parser, pipe } = this.#client;
    if (this.#stalledBy !== null || parser.state !== "running") return;
    this.#stalledBy = receiver;
    (receiver.#stalledPublishers ??= new Set()).add(this);
    this.#client.stallCount++;
    broker.counters.stalls++;
    // With too much unparsed input about, the rest of this read is still parsed, and only the next one waits.
    if (broker.backlogs.bytes < BACKLOG_BYTES_MAX) parser.state = "suspended";
    pipe.pause();
    this.#stallTimer ??= new Timer(() => this.#resume());
    broker.timers.setIn(this.#stallTimer, STALL_MS_MAX);
  }

  /** This receiver has caught up: publishers that wait for it go on. */
  resumePublishers(): void {
    const publishers = this.#stalledPublishers;
    if (publishers === null) return;
    this.#stalledPublishers = null;
    for (const publisher of publishers) publisher.#resume();
  }

  /** The connection leaves: nothing is kept, nothing waits, and nobody waits for it. */
  end(): void {
    this.#backlog?.clear();
    this.#stopWaiting();
    this.#releasePublishers();
  }

  #resume(): void {
    if (this.#stalledBy === null) return;
    this.#stopWaiting();
    if (!this.#awaitsVerdict) this.#goOn();
  }

  #goOn(): void {
    const { broker, parser, pipe } = this.#client;
    if (parser.state === "suspended") {
      parser.state = "running";
      this.#backlog?.parse(parser);
    }
    // Unless it has to wait again. A connection that has ended meanwhile reads on too: see `Client.close`.
    if (!this.isWaiting) pipe.resume();
    broker.flusher.flush();
  }

  /** As `resumePublishers`, from within a delivery: publishers go on in a turn of their own. */
  #releasePublishers(): void {
    const publishers = this.#stalledPublishers;
    if (publishers === null) return;
    this.#stalledPublishers = null;
    for (const publisher of publishers) publisher.#resumeSoon();
  }

  #resumeSoon(): void {
    if (this.#stallTimer !== null) this.#client.broker.timers.setIn(this.#stallTimer, 0);
  }

  /** The end of being held back, for whatever reason. */
  #stopWaiting(): void {
    if (this.#stalledBy !== null) this.#stalledBy.#stalledPublishers?.delete(this);
    this.#stalledBy = null;
    if (this.#stallTimer !== null) this.#client.broker.timers.cancel(this.#stallTimer);
  }
}
