import type { StoredMessage } from "../../store/stored-message.ts";
import type { ConsumerConfig } from "./consumer-config.ts";
import { RateLimit } from "./consumer-rate-limit.ts";

/** Gaps between messages that are not worth waiting for; as in the reference. */
const REPLAY_GAP_MS = 1;

/** How fast a consumer delivers where its configuration says so: by a rate limit, or as fast as messages came in. */
export class ConsumerPace {
  /** When the next message may go out, as it was last asked. */
  readyMs = -Infinity;
  readonly #burstBytes: number;
  #rate: RateLimit | null = null;
  #bitsPerSecond = 0;
  /** Messages up to this sequence come at the pace at which they were stored; those behind it at once. */
  readonly #replayUntil: number;
  /** When the last message was stored, and when it was delivered. */
  #storedMs = 0;
  #sentMs = -Infinity;

  constructor({ replay_policy, rate_limit_bps }: ConsumerConfig, lastSeq: number, burstBytes: number) {
    this.#burstBytes = burstBytes;
    this.#replayUntil = replay_policy === "original" ? lastSeq : 0;
    this.setRate(rate_limit_bps);
  }

  /** 0: no limit. */
  setRate(bitsPerSecond: number): void {
    if (bitsPerSecond === this.#bitsPerSecond) return;
    this.#bitsPerSecond = bitsPerSecond;
    this.#rate = bitsPerSecond > 0 ? new RateLimit(bitsPerSecond, this.#burstBytes) : null;
  }

  /** Whether the rate limit lets nothing through now; `readyMs` says until when. */
  isSpent(nowMs: number): boolean {
    if (this.#rate === null) return false;
    this.readyMs = this.#rate.readyMs(nowMs);
    return this.readyMs > nowMs;
  }

  /** When `message` may go out by the pace at which it was stored. */
  replayMs({ seq, timeMs }: StoredMessage, nowMs: number): number {
    if (seq > this.#replayUntil || this.#sentMs === -Infinity) return nowMs;
    const gapMs = timeMs - this.#storedMs;
    this.readyMs = gapMs > REPLAY_GAP_MS ? this.#sentMs + gapMs : nowMs;
    return this.readyMs;
  }

  onSent({ seq, timeMs }: StoredMessage, size: number, nowMs: number): void {
    this.#rate?.spend(nowMs, size);
    if (seq > this.#replayUntil) return;
    this.#storedMs = timeMs;
    this.#sentMs = nowMs;
  }
}
