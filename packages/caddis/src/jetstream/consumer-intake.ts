import { fieldsOf, headerBlockOf } from "../broker/header-block.ts";
import type { Message } from "../broker/message.ts";
import type { ConsumerOutput } from "./consumer-output.ts";
import { ACK_WORD_BYTES, ackKindOf, nakDelayMs } from "./core/consumer-ack.ts";
import type { Acked } from "./core/consumer-acks.ts";
import type { ConsumerMachine } from "./core/consumer-machine.ts";
import { makeInbox } from "./core/consumer-port.ts";
import { badRequest, PUSH_BASED, REQUIRED_API_LEVEL } from "./core/consumer-status.ts";
import { decodePullRequest } from "./core/pull-request.ts";
import { isLevelReached } from "./core/versioning.ts";

/** As `fieldsOf` spells it. */
const REQUIRED_LEVEL_FIELD = "Nats-Required-Api-Level";

/** Reads what clients send to a consumer, within its delivery, and has the consumer decide about it. */
export class ConsumerIntake {
  readonly #machine: ConsumerMachine;
  readonly #output: ConsumerOutput;
  readonly #warn: (problem: string) => void;

  constructor(machine: ConsumerMachine, output: ConsumerOutput, warn: (problem: string) => void) {
    this.#machine = machine;
    this.#output = output;
    this.#warn = warn;
  }

  /** A request for messages. */
  onNext(message: Message, nowMs: number): void {
    const reply = replyOf(message);
    if (reply === "") return;
    const { input, payloadStart, headerBytes, payloadEnd } = message;
    if (headerBytes > 0 && this.#machine.pulls !== null && !isLevelMet(message))
      this.#output.tell(reply, REQUIRED_API_LEVEL);
    else this.#pull(reply, input.buf, payloadStart + headerBytes, payloadEnd, nowMs);
  }

  /** An acknowledgement. Returns where it is to be confirmed; empty: nowhere. */
  onAck(acked: Acked, message: Message, nowMs: number): string {
    const { input, payloadStart, headerBytes, payloadEnd } = message;
    const reply = replyOf(message);
    const start = payloadStart + headerBytes;
    const isConfirmed = this.#onAckKind(acked, reply, input.buf, start, payloadEnd, nowMs);
    return isConfirmed && acked.seq > 0 ? reply : "";
  }

  /** An answer to a flow control request. */
  onFlowAnswer(subject: string, message: Message, nowMs: number): void {
    const fields = message.headerBytes === 0 ? null : fieldsOf(headerBlockOf(message));
    const lastConsumer = sequence(fields?.get("Nats-Last-Consumer")?.[0]);
    const lastStream = sequence(fields?.get("Nats-Last-Stream")?.[0]);
    this.#machine.onFlowAnswer(subject, lastConsumer, lastStream, nowMs);
  }

  #pull(reply: string, buf: Buffer, start: number, end: number, nowMs: number): void {
    if (this.#machine.pulls === null) {
      this.#output.tell(reply, PUSH_BASED);
      return;
    }
    const request = decodePullRequest(buf, start, end);
    if ("problem" in request) this.#output.tell(reply, badRequest(request.problem));
    else this.#machine.onPull(request, makeInbox(reply), nowMs);
  }

  /** Returns whether it is confirmed to whoever asks for that. */
  #onAckKind(acked: Acked, reply: string, buf: Buffer, start: number, end: number, nowMs: number): boolean {
    const machine = this.#machine;
    switch (ackKindOf(buf, start, end)) {
      case "ack":
        return machine.onAck(acked, nowMs);
      case "next":
        machine.onAck(acked, nowMs);
        if (reply !== "") this.#pull(reply, buf, start + ACK_WORD_BYTES.next, end, nowMs);
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
}

/** Empty: nobody waits for an answer. */
function replyOf({ input, replyStart, replyEnd }: Message): string {
  return replyStart === replyEnd ? "" : input.buf.latin1Slice(replyStart, replyEnd);
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
