import type { ConsumerConfig } from "./consumer-config.ts";
import { samplePercent } from "./sample-frequency.ts";

const NS_PER_MS = 1e6;

/** What a configuration comes to for deliveries: times in milliseconds, limits that are off as Infinity or 0. */
export interface ConsumerTerms {
  readonly isPush: boolean;
  readonly expectsAcks: boolean;
  /** Each acknowledgement covers all messages up to its own. */
  readonly acksCoverAll: boolean;
  /** Infinity: never delivered again on its own account. */
  readonly ackWaitMs: number;
  /** How long to wait after each delivery instead; empty: always `ackWaitMs`. */
  readonly backoffMs: readonly number[];
  readonly maxDeliver: number;
  readonly maxAckPending: number;
  /** 0: none. */
  readonly heartbeatMs: number;
  /** Of 100 acknowledgements so many are measured. */
  readonly samplePercent: number;
  readonly pinTimeoutMs: number;
}

export function termsOf(config: ConsumerConfig): ConsumerTerms {
  const { ack_policy, max_deliver, max_ack_pending } = config;
  const expectsAcks = ack_policy !== "none";
  return {
    isPush: config.deliver_subject !== "",
    expectsAcks,
    acksCoverAll: ack_policy === "all" || ack_policy === "flow_control",
    ackWaitMs: config.ack_wait > 0 ? config.ack_wait / NS_PER_MS : Infinity,
    backoffMs: config.backoff.map((ns) => ns / NS_PER_MS),
    maxDeliver: max_deliver > 0 ? max_deliver : Infinity,
    maxAckPending: expectsAcks && max_ack_pending > 0 ? max_ack_pending : Infinity,
    heartbeatMs: config.idle_heartbeat / NS_PER_MS,
    samplePercent: samplePercent(config.sample_freq),
    pinTimeoutMs: config.priority_timeout / NS_PER_MS,
  };
}

/** How long to wait for an acknowledgement after a message was delivered `deliveries` times. */
export function waitMs({ ackWaitMs, backoffMs }: ConsumerTerms, deliveries: number): number {
  if (backoffMs.length === 0) return ackWaitMs;
  return backoffMs[Math.min(deliveries, backoffMs.length) - 1];
}

/** The subjects a consumer asks for; empty: all. */
export function filterSubjects({ filter_subject, filter_subjects }: ConsumerConfig): readonly string[] {
  return filter_subject === "" ? filter_subjects : [filter_subject];
}
