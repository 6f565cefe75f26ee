import type { Broker } from "../broker/broker.ts";
import type { StreamStore } from "../store/stream-store.ts";
import { type ApiError, apiError } from "./core/api-error.ts";
import type { AbandonReason } from "./core/atomic-batch.ts";
import { withoutHeader } from "./core/header-edit.ts";
import type { Publish } from "./core/publish.ts";
import type { StreamConfig } from "./core/stream-config.ts";
import type { StreamView } from "./core/stream-view.ts";
import type { PubAcks } from "./pub-acks.ts";
import type { JetStreamServerLimits } from "./settings.ts";

/** What the batches of all streams of a server take up together. */
export class BatchCounts {
  atomic = 0;
  fast = 0;
  /** Messages of atomic batches that are not committed. */
  stagedBytes = 0;
}

/** The way into a stream, as batches go it. */
export interface BatchIngest extends StreamView {
  /** Stores a message that has been decided about, and returns its sequence. */
  store(publish: Publish): number;
  /** Uses up a sequence for a message that no consumer wants; returns it. */
  skip(publish: Publish): number;
  /** Why nothing is taken just now; null: it is. */
  refusalByBacklog(): ApiError | null;
}

/** A stream, as far as batches need it. */
export interface BatchStream {
  readonly broker: Broker;
  readonly owner: { readonly jetStream: { readonly domain: string } };
  readonly config: StreamConfig;
  readonly store: Pick<StreamStore, "position" | "durablePosition" | "failure" | "together">;
  readonly acks: Pick<PubAcks, "pushTo" | "refuse" | "refuseTooMany" | "answer">;
  readonly ingest: BatchIngest;
  /** What the configuration of the server says; 0: the default. */
  readonly limits: JetStreamServerLimits["batch"];
  readonly counts: BatchCounts;
  /** An acknowledgement may be due although nothing was stored with it. */
  settleSoon(): void;
  /** Tells whoever listens that an atomic batch came to nothing. Wire string. */
  tellAbandoned(batch: string, reason: AbandonReason): void;
}

/** How long a batch may be without a message before it is given up, where the configuration does not say it. */
const TIMEOUT_MS = 10_000;

/** Says why a message was refused, where somebody waits for it. */
export function refuse({ config, acks }: BatchStream, reply: string, error: ApiError): void {
  if (reply === "" || config.no_ack) return;
  if (error.err_code === apiError("streamTooManyRequests").err_code) acks.refuseTooMany(reply, error);
  else acks.refuse(reply, error);
}

/** How long a batch may be without a message. */
export function batchTimeoutMs({ limits }: BatchStream): number {
  return limits.timeoutMs > 0 ? limits.timeoutMs : TIMEOUT_MS;
}

/** Level of the API that this server has, as `Nats-Required-Api-Level` asks for it. */
const API_LEVEL = 5;
const REQUIRED_LEVEL = "Nats-Required-Api-Level";

/** Whether a message of a batch asks for a level of the API that this server does not have. */
export function asksForMore(publish: Publish): boolean {
  const level = requiredLevel(publish);
  return level !== "" && (!/^[+-]?\d+$/.test(level) || Number(level) > API_LEVEL);
}

/** The level that a message asks for is not stored with it. */
export function dropRequiredLevel(publish: Publish): void {
  if (requiredLevel(publish) !== "") publish.setHeaders(withoutHeader(publish.headerText(), REQUIRED_LEVEL));
}

/** Empty: none. */
function requiredLevel(publish: Publish): string {
  const headers = publish.headerText();
  const start = headers.indexOf(`\r\n${REQUIRED_LEVEL}:`);
  if (start < 0) return "";
  const value = start + REQUIRED_LEVEL.length + 3;
  return headers.slice(value, headers.indexOf("\r\n", value)).replace(/^ +/, "");
}
