import { fromWireString } from "../subject/subject.ts";
import type { Account } from "./account.ts";
import type { Client } from "./client.ts";
import type { Message } from "./message.ts";
import type { Subscription } from "./subscription.ts";
import type { TraceHeaders } from "./trace-headers.ts";

/**
 * Steps that one trace holds: a message to more receivers is no trace any more, and what is published of it would be
 * megabytes for each message.
 */
const STEPS_MAX = 10_000;

/** The kind of connection that clients have, among those that servers have between them. */
const CLIENT_KIND = 0;

/** Why somebody who was interested did not get the message; empty: it did. The reference's words. */
export const TRACE_OBSTACLES = {
  none: "",
  noEcho: "Not delivered because of no echo",
  denied: "Not delivered because subscription denies this subject",
  subscriptionClosed: "Not delivered because subscription is closed",
  clientClosed: "Not delivered because client is closed",
  behind: "Not delivered because fast producer not stalled and consumer is slow",
} as const;

export type TraceObstacle = (typeof TRACE_OBSTACLES)[keyof typeof TRACE_OBSTACLES];

/**
 * What happened to a message, in the shape and order of the reference's JSON; `atMs`, wall-clock milliseconds, stands
 * there as `ts`. Texts, not wire strings.
 */
export type TraceStep = { readonly atMs: number } & (
  | {
      readonly type: "in";
      readonly kind: number;
      readonly cid: number;
      readonly name: string | undefined;
      readonly acc: string;
      readonly subj: string;
      /** Why it came no further. */
      error: string | undefined;
    }
  | { readonly type: "sm"; readonly to: string }
  | { readonly type: "se"; readonly acc: string; readonly to: string }
  | { readonly type: "si"; readonly acc: string; readonly from: string; readonly to: string }
  | {
      readonly type: "eg";
      readonly kind: number;
      readonly cid: number;
      readonly name: string | undefined;
      /** Where it is another one than the publisher's. */
      readonly acc: string | undefined;
      readonly sub: string;
      readonly queue: string | undefined;
      readonly error: string | undefined;
    }
  | JetStreamStep
);

/** A stream took the message, or would have; what became of it is known later. */
export interface JetStreamStep {
  readonly type: "js";
  readonly stream: string;
  /** Where it is stored under; undefined: it did not come so far. */
  subject: string | undefined;
  /** No consumer wants it, and so it was not stored. */
  nointerest: true | undefined;
  /** Why it was not stored. */
  error: string | undefined;
}

/**
 * The trace of one message, collected while it is published. It keeps copies only, so it may outlive the message.
 * Subjects that it is told are wire strings.
 */
export class MessageTrace {
  /** Where it is published when it is done. */
  readonly account: Account;
  /** The subject for that, a wire string. */
  readonly destination: string;
  /** The message is delivered to nobody: only what would become of it is asked for. */
  readonly isTraceOnly: boolean;
  readonly headers: TraceHeaders;
  /** Headers and body, bytes. */
  readonly messageSize: number;
  readonly steps: TraceStep[];
  /** What the message matched where it was published, while it is delivered through an import; null: the subscription itself. */
  matched: Subscription | null = null;
  readonly #ingress: TraceStep & { readonly type: "in" };

  constructor(publisher: Client, message: Message, headers: TraceHeaders, destination: string) {
    const { account, broker, cid, connect } = publisher;
    this.account = account;
    this.destination = destination;
    this.isTraceOnly = headers.isTraceOnly;
    this.headers = headers;
    this.messageSize = message.payloadEnd - message.payloadStart;
    this.#ingress = {
      type: "in",
      atMs: broker.clock.nowMs(),
      kind: CLIENT_KIND,
      cid,
      name: connect.name || undefined,
      acc: account.name,
      subj: fromWireString(subjectOf(message)),
      error: undefined,
    };
    this.steps = [this.#ingress];
  }

  /** The message was refused; `problem`, a wire string, is what its publisher was told. */
  refuse(problem: string): void {
    this.#ingress.error = fromWireString(problem);
  }

  /** The account's mappings gave it another subject. */
  addMapping(to: string): void {
    this.#add({ type: "sm", atMs: this.#nowMs, to: fromWireString(to) });
  }

  /** It crosses into `importer` as part of a stream, under the subject `to`. */
  addStreamExport(importer: Account, to: string): void {
    this.#add({ type: "se", atMs: this.#nowMs, acc: importer.name, to: fromWireString(to) });
  }

  /** It crosses into `exporter`, as a request or an answer. */
  addServiceImport(exporter: Account, from: string, to: string): void {
    const { name: acc } = exporter;
    this.#add({ type: "si", atMs: this.#nowMs, acc, from: fromWireString(from), to: fromWireString(to) });
  }

  /** It reached `subscription` of `receiver`, or what came in between. */
  addEgress(receiver: Client, subscription: Subscription, obstacle: TraceObstacle): void {
    const { subject, queue } = this.matched ?? subscription;
    const account = receiver.account.name;
    this.#add({
      type: "eg",
      atMs: this.#nowMs,
      kind: CLIENT_KIND,
      cid: receiver.cid,
      name: receiver.connect.name || undefined,
      acc: account === this.#ingress.acc ? undefined : account,
      sub: fromWireString(subject),
      queue: queue === "" ? undefined : fromWireString(queue),
      error: obstacle === "" ? undefined : obstacle,
    });
  }

  /** `stream` takes it; the step is to be completed before the trace is published. */
  addJetStream(stream: string): JetStreamStep {
    const step: JetStreamStep & { readonly atMs: number } = {
      type: "js",
      atMs: this.#nowMs,
      stream: fromWireString(stream),
      subject: undefined,
      nointerest: undefined,
      error: undefined,
    };
    this.#add(step);
    return step;
  }

  get #nowMs(): number {
    return this.account.broker.clock.nowMs();
  }

  #add(step: TraceStep): void {
    if (this.steps.length < STEPS_MAX) this.steps.push(step);
  }
}

function subjectOf({ input, subjectStart, subjectEnd }: Message): string {
  return input.buf.latin1Slice(subjectStart, subjectEnd);
}
