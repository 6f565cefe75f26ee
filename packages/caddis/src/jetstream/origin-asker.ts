import { Timer } from "../base/timer-queue.ts";
import type { Account } from "../broker/account.ts";
import { goJson } from "../broker/go-json.ts";
import type { ReceivedMessage } from "../broker/internal-subscription.ts";
import { makeMessage } from "../broker/message.ts";
import { randomName } from "../broker/random-name.ts";
import type { Subscription } from "../broker/subscription.ts";
import { fromWireString } from "../subject/subject.ts";
import { askedIdentity } from "./api/stream-identity.ts";
import { type ApiError, apiError } from "./core/api-error.ts";
import { encodeConsumerConfig } from "./core/consumer-config-encode.ts";
import { decodeOriginAnswer, type OriginConsumerInfo } from "./core/origin-answer.ts";
import {
  createSubject,
  deliverSubject,
  type OriginConsumer,
  originConsumerConfig,
  resetSubject,
} from "./core/origin-request.ts";
import type { StreamSource } from "./core/stream-config.ts";

/** How long an answer is waited for: where a consumer is to be made, and where one is there. As in the reference. */
const CREATE_MS = 30_000;
const RESET_MS = 5_000;
const INBOX_PREFIX = "$JSC.R.";
const UNIQUE_LENGTH = 8;
const NOTHING = new Uint8Array(0);

/** Levels of the API: the first with the identity of streams, with consumers for mirrors and sources, and before. */
const LEVEL_IDENTITY = 5;
const LEVEL_SOURCING = 4;
const LEVEL_NONE = 0;
/** What servers answer that do not know as much. */
const IGNORANT: readonly number[] = [apiError("requiredApiLevel").err_code, apiError("invalidJSON").err_code];
const OTHER_IDENTITY = apiError("consumerStreamIdentityMismatch").err_code;

/** What is asked for. */
export interface OriginQuestion {
  readonly source: StreamSource;
  readonly isMirror: boolean;
  /** What a consumer that is made is called, unless the origin knows better, and where it begins. */
  readonly consumer: Pick<OriginConsumer, "name" | "start" | "metadata">;
  /** Which stream of the name it is; empty: any. Mirrors do not ask. */
  readonly identity: string;
}

/**
 * What came of a question. nobody: there was nobody to ask; silent: no answer came in time; replaced: another stream
 * has the origin's name now.
 */
export type OriginOutcome =
  | { readonly kind: "consumer"; readonly info: OriginConsumerInfo; readonly identity: string }
  | { readonly kind: "refused"; readonly error: ApiError }
  | { readonly kind: "nobody" | "silent" | "replaced" };

/** Asks an origin for a consumer, through the API and so wherever the origin is; one question at a time. */
export class OriginAsker {
  readonly #account: Account;
  readonly #onOutcome: (outcome: OriginOutcome) => void;
  readonly #timer = new Timer(() => this.#end({ kind: "silent" }));
  #question: OriginQuestion | null = null;
  #level = LEVEL_NONE;
  #inbox: Subscription | null = null;

  constructor(account: Account, onOutcome: (outcome: OriginOutcome) => void) {
    this.#account = account;
    this.#onOutcome = onOutcome;
  }

  ask(question: OriginQuestion): void {
    this.cancel();
    this.#question = question;
    this.#level = question.isMirror ? LEVEL_SOURCING : LEVEL_IDENTITY;
    this.#send(question);
  }

  /** No answer is wanted any more. */
  cancel(): void {
    this.#account.broker.timers.cancel(this.#timer);
    if (this.#inbox !== null) this.#account.unsubscribe(this.#inbox);
    this.#inbox = null;
    this.#question = null;
  }

  #send(question: OriginQuestion): void {
    const { broker } = this.#account;
    const isThere = question.source.consumer !== null;
    const reply = INBOX_PREFIX + randomName(broker.random, UNIQUE_LENGTH);
    if (this.#inbox !== null) this.#account.unsubscribe(this.#inbox);
    const inbox = this.#account.listen(reply, "", (received) => this.#onAnswer(inbox, received));
    this.#inbox = inbox;
    broker.timers.setIn(this.#timer, isThere ? RESET_MS : CREATE_MS);
    const { subject, json } = this.#request(question);
    const payload = json === "" ? NOTHING : Buffer.from(json, "utf8");
    const message = makeMessage(subject, reply, this.#headers(question), payload);
    if (this.#account.publish(message) === 0) this.#end({ kind: "nobody" });
  }

  #request({ source, isMirror, consumer }: OriginQuestion): { subject: string; json: string } {
    if (source.consumer !== null) return { subject: resetSubject(source, source.consumer.name), json: "" };
    const isSourcing = this.#level > LEVEL_NONE;
    const config = originConsumerConfig(source, {
      ...consumer,
      // The origin makes names its own only where it knows what they are for.
      name: isSourcing ? consumer.name : `${consumer.name}_${this.#unique()}`,
      deliverSubject: deliverSubject(source, isMirror, this.#unique()),
      isSourcing,
    });
    const request = {
      stream_name: fromWireString(source.name),
      config: encodeConsumerConfig(config),
      action: "",
    };
    return { subject: createSubject(source, config), json: goJson(request) };
  }

  #headers({ isMirror, identity }: OriginQuestion): string {
    if (this.#level === LEVEL_NONE) return "";
    const level = `NATS/1.0\r\nNats-Required-Api-Level: ${this.#level}\r\n`;
    const hasIdentity = !isMirror && this.#level === LEVEL_IDENTITY;
    return hasIdentity ? `${level}Nats-Stream-Identity: ${identity}\r\n\r\n` : `${level}\r\n`;
  }

  #onAnswer(inbox: Subscription, { payload, headers }: ReceivedMessage): void {
    const question = this.#question;
    if (question === null || inbox !== this.#inbox) return;
    const answer = decodeOriginAnswer(payload);
    if ("info" in answer) this.#end(this.#accepted(question, answer.info, headers));
    else if ("problem" in answer) this.#end(refused(question, answer.problem));
    else if (answer.error.err_code === OTHER_IDENTITY) this.#end({ kind: "replaced" });
    else if (this.#level > LEVEL_NONE && IGNORANT.includes(answer.error.err_code))
      this.#sendSimpler(question);
    else this.#end({ kind: "refused", error: answer.error });
  }

  #accepted(question: OriginQuestion, info: OriginConsumerInfo, headers: string): OriginOutcome {
    if (question.source.consumer !== null && info.ackPolicy !== "flow_control") {
      const { isMirror } = question;
      const error = apiError(isMirror ? "mirrorConsumerRequiresAckFC" : "sourceConsumerRequiresAckFC");
      return { kind: "refused", error };
    }
    return { kind: "consumer", info, identity: askedIdentity(headers) ?? "" };
  }

  #sendSimpler(question: OriginQuestion): void {
    this.#level = this.#level === LEVEL_IDENTITY ? LEVEL_SOURCING : LEVEL_NONE;
    this.#send(question);
  }

  #end(outcome: OriginOutcome): void {
    this.cancel();
    this.#onOutcome(outcome);
  }

  #unique(): string {
    return randomName(this.#account.broker.random, UNIQUE_LENGTH);
  }
}

function refused({ isMirror }: OriginQuestion, problem: string): OriginOutcome {
  const error = apiError(isMirror ? "mirrorConsumerSetupFailed" : "sourceConsumerSetupFailed", {
    err: problem,
  });
  return { kind: "refused", error };
}
