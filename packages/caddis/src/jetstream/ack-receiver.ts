import type { Message } from "../broker/message.ts";
import { type Receiver, Subscription } from "../broker/subscription.ts";
import type { JetStreamAccount } from "./account.ts";
import { ACK_PREFIX, ackOwner, FLOW_PREFIX } from "./ack-subjects.ts";
import type { Consumer } from "./consumer.ts";

/**
 * Tokens of an acknowledgement subject: `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time>.<pending>`,
 * or, with domain and account before the stream, as many as that and perhaps more behind.
 */
const PLAIN_TOKENS = 9;
const NAMED_TOKENS_MIN = 11;
/** Of these, what follows the names. */
const NUMBER_TOKENS = 5;
/** `$JS.FC.<stream>.<consumer>.<id>`, or with domain and account before the stream. */
const PLAIN_FLOW_TOKENS = 5;
const NAMED_FLOW_TOKENS = 7;

const DOT = 0x2e;
const ZERO = 0x30;

/** What the subject of an acknowledgement says; filled anew for each. */
class AckedDelivery {
  seq = 0;
  consumerSeq = 0;
  deliveries = 0;
}

/**
 * Hears all acknowledgements and answers to flow control of an account, and finds the consumer that each is for. One
 * that is for none is not taken: who asked for a confirmation learns that nobody is there.
 */
export class AckReceiver implements Receiver {
  readonly #owner: JetStreamAccount;
  readonly #acks: Subscription;
  readonly #flow: Subscription;
  readonly #acked = new AckedDelivery();
  /** The consumer of the last acknowledgement, and what their subjects begin with: they come in runs. */
  #last: Consumer | null = null;
  #lastPrefix = Buffer.alloc(0);
  #lastIsNamed = false;

  constructor(owner: JetStreamAccount) {
    this.#owner = owner;
    this.#acks = new Subscription(null, this, `${ACK_PREFIX}>`, "", "");
    this.#flow = new Subscription(null, this, `${FLOW_PREFIX}>`, "", "");
  }

  open(): void {
    const { account } = this.#owner;
    account.subscribe(this.#acks);
    account.subscribe(this.#flow);
  }

  close(): void {
    const { account } = this.#owner;
    account.unsubscribe(this.#acks);
    account.unsubscribe(this.#flow);
  }

  receive(message: Message, subscription: Subscription): boolean {
    // What is stored acknowledges nothing, wherever a consumer sends it: its subject is whatever its publisher chose.
    if (message.inbox !== "") return false;
    return subscription === this.#flow ? this.#onFlow(message) : this.#onAck(message);
  }

  #onAck(message: Message): boolean {
    const { input, subjectStart, subjectEnd } = message;
    const { buf } = input;
    if (!this.#isOfLast(buf, subjectStart, subjectEnd) && !this.#findConsumer(buf, subjectStart, subjectEnd))
      return false;
    const consumer = this.#last;
    if (consumer === null || !expectsAcks(consumer)) return false;
    if (!this.#readNumbers(buf, subjectStart + this.#lastPrefix.length, subjectEnd)) return false;
    consumer.onAck(this.#acked, message);
    return true;
  }

  /** Whether it is for the same consumer as the one before, which is still there. */
  #isOfLast(buf: Buffer, start: number, end: number): boolean {
    return this.#last !== null && isPrefix(this.#lastPrefix, buf, start, end) && this.#isThere(this.#last);
  }

  /** Finds whose acknowledgement `buf[start, end)` is. */
  #findConsumer(buf: Buffer, start: number, end: number): boolean {
    this.#last = null;
    const tokens = buf.latin1Slice(start, end).split(".");
    const isNamed = tokens.length >= NAMED_TOKENS_MIN;
    if (tokens.length !== PLAIN_TOKENS && !(isNamed && this.#isOurs(tokens[2], tokens[3]))) return false;
    const first = isNamed ? 4 : 2;
    const consumer = this.#find(tokens[first], tokens[first + 1]);
    if (consumer === undefined) return false;
    this.#last = consumer;
    this.#lastIsNamed = isNamed;
    this.#lastPrefix = Buffer.from(`${tokens.slice(0, first + 2).join(".")}.`, "latin1");
    return true;
  }

  /** Reads the numbers behind the names; false where there are not as many tokens as there should be. */
  #readNumbers(buf: Buffer, start: number, end: number): boolean {
    const acked = this.#acked;
    let tokens = 1;
    let value = 0;
    for (let at = start; at <= end; at++) {
      if (at < end && buf[at] !== DOT) {
        const digit = buf[at] - ZERO;
        // What is no number names no message that was delivered.
        value = digit >= 0 && digit <= 9 ? value * 10 + digit : Infinity;
        continue;
      }
      if (tokens === 1) acked.deliveries = value;
      else if (tokens === 2) acked.seq = value;
      else if (tokens === 3) acked.consumerSeq = value;
      value = 0;
      if (at < end) tokens++;
    }
    return this.#lastIsNamed ? tokens >= NUMBER_TOKENS : tokens === NUMBER_TOKENS;
  }

  #onFlow(message: Message): boolean {
    const { input, subjectStart, subjectEnd } = message;
    const subject = input.buf.latin1Slice(subjectStart, subjectEnd);
    const tokens = subject.split(".");
    const isNamed = tokens.length === NAMED_FLOW_TOKENS;
    if (tokens.length !== PLAIN_FLOW_TOKENS && !(isNamed && this.#isOurs(tokens[2], tokens[3]))) return false;
    const first = isNamed ? 4 : 2;
    const consumer = this.#find(tokens[first], tokens[first + 1]);
    if (consumer === undefined || !consumer.config.flow_control) return false;
    consumer.onFlowAnswer(subject, message);
    return true;
  }

  #find(stream: string, consumer: string): Consumer | undefined {
    return this.#owner.streams.get(stream)?.consumers.get(consumer);
  }

  #isThere(consumer: Consumer): boolean {
    return this.#find(consumer.stream.name, consumer.name) === consumer;
  }

  #isOurs(domain: string, account: string): boolean {
    const { jetStream, account: own } = this.#owner;
    return `${domain}.${account}.` === ackOwner(jetStream.settings.domain, own.name);
  }
}

function expectsAcks({ config }: Consumer): boolean {
  return config.ack_policy === "explicit" || config.ack_policy === "all";
}

function isPrefix(prefix: Buffer, buf: Buffer, start: number, end: number): boolean {
  const { length } = prefix;
  if (end - start <= length) return false;
  // From the end: consumers of one stream differ there.
  for (let i = length - 1; i >= 0; i--) if (prefix[i] !== buf[start + i]) return false;
  return true;
}
