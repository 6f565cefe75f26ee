import { formatInstant } from "../base/instant.ts";
import type { Account } from "../broker/account.ts";
import { makeMessage, type Message } from "../broker/message.ts";
import { SourcePattern } from "../subject/source-pattern.ts";
import { isValidLiteralSubject } from "../subject/subject.ts";
import { SubjectTransform } from "../subject/transform.ts";
import type { Publish } from "./core/publish.ts";
import type { Republish } from "./core/stream-config.ts";

const CRLF = "\r\n";
const VERSION_LINE = "NATS/1.0\r\n";

/**
 * Publishes what a stream has stored once more, under another subject. It does so in the next turn: streams that
 * republish to each other in a circle keep the server busy then, but do not stop it.
 */
export class Republisher {
  readonly #account: Account;
  readonly #stream: string;
  readonly #source: SourcePattern;
  readonly #transform: SubjectTransform;
  readonly #isHeadersOnly: boolean;
  #messages: Message[] = [];

  private constructor(account: Account, stream: string, config: Republish, transform: SubjectTransform) {
    this.#account = account;
    this.#stream = stream;
    this.#source = new SourcePattern(config.src);
    this.#transform = transform;
    this.#isHeadersOnly = config.headers_only;
  }

  /** Null where nothing is republished. The configuration has been checked. */
  static of(account: Account, stream: string, config: Republish | null): Republisher | null {
    if (config === null) return null;
    const source = config.src === "" ? ">" : config.src;
    const transform = SubjectTransform.compile(source, config.dest === "" ? ">" : config.dest);
    if (!(transform instanceof SubjectTransform)) return null;
    return new Republisher(account, stream, { ...config, src: source }, transform);
  }

  /** The subject that `subject` is republished under; empty: it is not. Wire strings. */
  destination(subject: string): string {
    if (!this.#source.covers(subject)) return "";
    const destination = this.#transform.transform(subject, this.#account.broker.random);
    return isValidLiteralSubject(destination) ? destination : "";
  }

  /** Republishes a message that was stored as `seq`; `previousSeq` is the one before with its subject, 0: none. */
  publish(destination: string, publish: Publish, seq: number, previousSeq: number): void {
    const { subject, buf, payloadStart, payloadEnd, timeMs, timeNs } = publish;
    const fields = [
      `Nats-Stream: ${this.#stream}`,
      `Nats-Subject: ${subject}`,
      `Nats-Sequence: ${seq}`,
      `Nats-Time-Stamp: ${formatInstant({ ms: timeMs, ns: timeNs })}`,
      `Nats-Last-Sequence: ${previousSeq}`,
    ];
    if (this.#isHeadersOnly) fields.push(`Nats-Msg-Size: ${payloadEnd - payloadStart}`);
    const own =
      publish.headerBytes > CRLF.length ? publish.headerText().slice(0, -CRLF.length) : VERSION_LINE;
    const headers = `${own}${fields.join(CRLF)}${CRLF}${CRLF}`;
    const payload = this.#isHeadersOnly ? buf.subarray(0, 0) : buf.subarray(payloadStart, payloadEnd);
    if (this.#messages.length === 0) this.#account.broker.clock.nextTurn(() => this.#send());
    this.#messages.push(makeMessage(destination, "", headers, payload));
  }

  #send(): void {
    const messages = this.#messages;
    this.#messages = [];
    for (const message of messages) this.#account.publish(message);
  }
}
