import { AWAITED_ANSWERS_MAX, AWAITED_REPLY_BYTES_MAX } from "../base/limits.ts";
import { Timer } from "../base/timer-queue.ts";
import type { ResponseType } from "../config/accounts.ts";
import type { Account } from "./account.ts";
import type { ServiceLink } from "./account-links.ts";
import type { Broker } from "./broker.ts";
import { headerBlockOf } from "./header-block.ts";
import { makeMessage, type Message } from "./message.ts";
import { nextHop } from "./service-hop.ts";
import type { LatencyProbe } from "./service-latency.ts";
import { headersWithoutTrace } from "./trace-start.ts";

/** How long an answer is waited for where no export says so; as in the reference. */
const THRESHOLD_MS = 120_000;

/** The answers that one service import waits for, the one that was quiet for longest first. */
export class AwaitedAnswers {
  readonly type: ResponseType;
  readonly #link: ServiceLink;
  readonly #broker: Broker;
  readonly #thresholdMs: number;
  readonly #answers = new Set<AwaitedAnswer>();
  /** Of their reply subjects. */
  #replyBytes = 0;
  readonly #timer = new Timer(() => this.#onTimer());

  constructor(link: ServiceLink, broker: Broker) {
    this.#link = link;
    this.#broker = broker;
    this.type = link.exported?.response_type ?? "singleton";
    const threshold = link.exported?.response_threshold ?? 0;
    this.#thresholdMs = threshold > 0 ? threshold : THRESHOLD_MS;
  }

  get count(): number {
    return this.#answers.size;
  }

  /**
   * Waits for an answer in `responder` that goes to `reply`, a wire string, in `requester`. Gives it a subject
   * there that nobody can guess.
   */
  expect(responder: Account, requester: Account, reply: string, probe: LatencyProbe | null): AwaitedAnswer {
    while (
      this.#answers.size >= AWAITED_ANSWERS_MAX ||
      (this.#answers.size > 0 && this.#replyBytes + reply.length > AWAITED_REPLY_BYTES_MAX)
    ) {
      const [oldest] = this.#answers;
      oldest.onTimeout();
    }
    this.#replyBytes += reply.length;
    const subject = responder.replies.makeSubject(probe !== null);
    const answer = new AwaitedAnswer(this, responder, requester, subject, reply, probe);
    responder.replies.add(answer);
    requester.replies.addAwaited(answer);
    this.touch(answer);
    return answer;
  }

  /** The next answer after `answer`, to the reply that came with it, goes the other way. */
  expectBack(answer: AwaitedAnswer, reply: string): AwaitedAnswer {
    return this.expect(answer.requester, answer.responder, reply, null);
  }

  /** Which export requests and answers go through. */
  get door(): string {
    return this.#link.door;
  }

  get shares(): boolean {
    return this.#link.shares;
  }

  /** Something came: waits as long again for the next. */
  touch(answer: AwaitedAnswer): void {
    answer.lastMs = this.#broker.clock.monotonicMs();
    this.#answers.delete(answer);
    this.#answers.add(answer);
    if (!this.#timer.isSet) this.#broker.timers.setIn(this.#timer, this.#thresholdMs);
  }

  delete(answer: AwaitedAnswer): void {
    if (this.#answers.delete(answer)) this.#replyBytes -= answer.reply.length;
  }

  /** Waits for nothing any more, and says nothing about it. */
  end(): void {
    for (const answer of this.#answers) answer.close();
    this.#broker.timers.cancel(this.#timer);
  }

  #onTimer(): void {
    const now = this.#broker.clock.monotonicMs();
    for (const answer of this.#answers) {
      const dueMs = answer.lastMs + this.#thresholdMs;
      if (dueMs > now) {
        this.#broker.timers.setAt(this.#timer, dueMs);
        return;
      }
      answer.onTimeout();
    }
  }
}

/** An answer to one request, or a stream of them, that a requester in another account waits for. */
export class AwaitedAnswer {
  readonly responder: Account;
  readonly requester: Account;
  /** Where the service answers, in the responder's account. Wire strings. */
  readonly subject: string;
  /** Where the requester waits, in its own account. */
  readonly reply: string;
  /** When something last happened, on the monotonic scale. */
  lastMs = 0;
  readonly #awaited: AwaitedAnswers;
  /** Null when it is not measured, or has been. */
  #probe: LatencyProbe | null;

  constructor(
    awaited: AwaitedAnswers,
    responder: Account,
    requester: Account,
    subject: string,
    reply: string,
    probe: LatencyProbe | null,
  ) {
    this.#awaited = awaited;
    this.responder = responder;
    this.requester = requester;
    this.subject = subject;
    this.reply = reply;
    this.#probe = probe;
  }

  /** Takes what the service answers over to the requester. */
  receive(message: Message): boolean {
    const hop = nextHop(message.via, this.#awaited.door, null, this.#awaited.shares);
    const subject = this.requester.mapped(this.reply);
    if (hop === null || subject === "") return false;
    const { trace } = message;
    // An export says whether its requests may be traced; answers are not, as in the reference.
    trace?.addServiceImport(this.requester, this.subject, subject);
    if (trace !== null && trace.isTraceOnly) return false;
    this.#report("ok", message);
    const { input, subjectStart, subjectEnd, replyStart, replyEnd, payloadStart, headerBytes, payloadEnd } =
      message;
    const reply = input.buf.latin1Slice(replyStart, replyEnd);
    // What is stored keeps its subject here too, and is acknowledged where its consumer says, if that is imported.
    const isStored = message.inbox !== "";
    const back = reply === "" || isStored ? null : this.#awaited.expectBack(this, reply);
    const body = input.buf.subarray(payloadStart + headerBytes, payloadEnd);
    const block = headerBlockOf(message);
    const headers = trace === null ? block : headersWithoutTrace(block);
    const answer = isStored
      ? makeMessage(input.buf.latin1Slice(subjectStart, subjectEnd), reply, headers, body)
      : makeMessage(subject, back?.subject ?? "", headers, body);
    if (isStored) answer.inbox = subject;
    answer.origin = message.origin;
    answer.via = hop;
    const isTaken = this.requester.route(answer) > 0;
    if (!isTaken) back?.onNobody();
    // An empty message ends a stream of answers.
    if (!isTaken || this.#awaited.type === "singleton" || payloadEnd === payloadStart) this.close();
    else if (this.responder.replies.has(this)) this.#awaited.touch(this);
    return isTaken;
  }

  /** Nobody took the request. */
  onNobody(): void {
    this.#report("nobody", null);
    this.close();
  }

  /** The service did not answer in time. */
  onTimeout(): void {
    this.#report("timeout", null);
    this.close();
  }

  /** The requester waits no more. */
  onInterestLost(): void {
    this.#report("interest lost", null);
    this.close();
  }

  close(): void {
    this.responder.replies.delete(this);
    this.requester.replies.deleteAwaited(this);
    this.#awaited.delete(this);
  }

  #report(outcome: "ok" | "nobody" | "timeout" | "interest lost", message: Message | null): void {
    const probe = this.#probe;
    this.#probe = null;
    probe?.report(outcome, message?.origin ?? null);
  }
}
