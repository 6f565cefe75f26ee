import type { Receivers } from "../broker/account.ts";
import { makeMessage } from "../broker/message.ts";
import { randomName } from "../broker/random-name.ts";
import type { StoredMessage } from "../store/stored-message.ts";
import { ACK_PREFIX, ackOwner, FLOW_PREFIX, subjectPrefix } from "./ack-subjects.ts";
import type { Consumer } from "./consumer.ts";
import type { ConsumerConfig } from "./core/consumer-config.ts";
import type { ConsumerAdvice, ConsumerPort, Inbox, Sent } from "./core/consumer-port.ts";
import type { DeliveryForm } from "./deliver-stored.ts";

/** Ids of pinned clients are as long as the reference's. */
const PIN_ID_LENGTH = 22;
const FLOW_ID_LENGTH = 4;
const PERCENT = 100;
const NOTHING = new Uint8Array(0);

/** Does what a consumer's decisions ask for, in the account of its stream. */
export class ConsumerOutput implements ConsumerPort {
  readonly #consumer: Consumer;
  readonly #flowPrefix: string;
  readonly #ackPrefix: Buffer;
  #form: DeliveryForm;
  #isPush = false;
  #group = "";
  #isDirect = false;
  /** Made once, since each message of a push consumer asks. */
  readonly #listens = (receivers: Receivers): boolean => this.#hasListener(receivers);
  #inbox: Inbox | null = null;

  constructor(consumer: Consumer, config: ConsumerConfig) {
    const { owner, name: stream } = consumer.stream;
    const { settings } = owner.jetStream;
    const named = settings.acksNameAccount ? ackOwner(settings.domain, owner.account.name) : "";
    this.#consumer = consumer;
    this.#ackPrefix = Buffer.from(subjectPrefix(ACK_PREFIX, named, stream, consumer.name), "latin1");
    this.#flowPrefix = subjectPrefix(FLOW_PREFIX, named, stream, consumer.name);
    this.#form = { ackPrefix: this.#ackPrefix, headersOnly: config.headers_only };
    this.configure(config);
  }

  configure(config: ConsumerConfig): void {
    this.#form = { ackPrefix: this.#ackPrefix, headersOnly: config.headers_only };
    this.#isPush = config.deliver_subject !== "";
    this.#group = config.deliver_group;
    this.#isDirect = config.direct;
  }

  prepare(
    message: StoredMessage,
    deliveries: number,
    consumerSeq: number,
    numPending: number,
    pinId: string,
  ): number {
    const delivery = this.#delivery;
    return delivery.prepare(message, this.#form, deliveries, consumerSeq, numPending, pinId);
  }

  send(inbox: Inbox): Sent {
    this.#inbox = inbox;
    return this.#delivery.send(inbox, this.#isPush ? this.#listens : null);
  }

  status(inbox: Inbox, headers: string, reply: string): void {
    this.#account.publish(makeMessage(inbox.subject, reply, headers, NOTHING));
  }

  /** A status for somebody whose request is not taken in. */
  tell(inbox: string, headers: string): void {
    this.#account.publish(makeMessage(inbox, "", headers, NOTHING));
  }

  hasInterest(inbox: Inbox): boolean {
    return !this.#account.sublist.matchApart(inbox.subject).isEmpty;
  }

  isListening(inbox: Inbox): boolean {
    this.#inbox = inbox;
    return this.#hasListener(this.#account.sublist.matchApart(inbox.subject));
  }

  advise(advice: ConsumerAdvice): void {
    const { stream, name } = this.#consumer;
    const { advisories } = stream.owner;
    switch (advice.kind) {
      case "acked":
        return advisories.ackSampled(stream.name, name, advice, advice.delay);
      case "naked":
        return advisories.messageNaked(stream.name, name, advice);
      case "terminated":
        return advisories.messageTerminated(stream.name, name, advice, advice.reason);
      case "maxDeliveries":
        return advisories.maxDeliveries(stream.name, name, advice.streamSeq, advice.deliveries);
      case "pinned":
        return advisories.groupPinned(stream.name, name, advice.group, advice.id);
      case "unpinned":
        return advisories.groupUnpinned(stream.name, name, advice.group, advice.reason);
    }
  }

  done(seq: number): void {
    const { stream } = this.#consumer;
    if (stream.config.retention !== "limits") stream.onDone(this.#consumer, seq);
  }

  makeId(): string {
    return randomName(this.#account.broker.random, PIN_ID_LENGTH);
  }

  makeFlowReply(): string {
    return this.#flowPrefix + randomName(this.#account.broker.random, FLOW_ID_LENGTH);
  }

  percent(): number {
    return this.#account.broker.random.below(PERCENT);
  }

  get #account(): Consumer["stream"]["owner"]["account"] {
    return this.#consumer.stream.owner.account;
  }

  get #delivery(): ReturnType<NonNullable<Consumer["turns"]>["delivery"]> {
    // Nothing is delivered outside of turns.
    return this.#consumer.turnsAtWork.delivery(this.#account);
  }

  /**
   * Whoever subscribes to more than the deliver subject (`>`) overhears a push consumer, and does not make it deliver;
   * as in the reference. Imports and other parts of the server stand for somebody whose interest is exact.
   */
  #hasListener({ plain, queues }: Receivers): boolean {
    const subject = this.#inbox?.subject;
    if (this.#group === "") {
      for (let i = 0; i < plain.length; i++)
        if (plain[i].subject === subject || plain[i].client === null) return true;
      return this.#isDirect && queues.length > 0;
    }
    for (let i = 0; i < queues.length; i++) {
      const [first] = queues[i];
      if (first.queue === this.#group && (first.subject === subject || first.client === null)) return true;
    }
    return false;
  }
}
