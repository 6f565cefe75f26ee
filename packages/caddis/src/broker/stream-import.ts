import { Bytes } from "../base/bytes.ts";
import { RENAMED_BYTES_KEPT } from "../base/limits.ts";
import { intersection, isSubset } from "../subject/overlap.ts";
import type { Renaming } from "../subject/renaming.ts";
import type { Account } from "./account.ts";
import type { StreamLink } from "./account-links.ts";
import { deliverTo } from "./deliver.ts";
import { Message } from "./message.ts";
import type { MessageTrace } from "./message-trace.ts";
import { type Receiver, Subscription } from "./subscription.ts";

const CRLF_BYTES = 2;

/**
 * One stream import at work: for each subscription of the importing account that overlaps it, a shadow stands
 * in the exporting account, in the queue group of the same name.
 */
export class StreamImport {
  readonly link: StreamLink;
  readonly importer: Account;
  readonly exporter: Account;
  readonly #renamed: RenamedMessage;
  readonly #shadows = new Map<Subscription, Subscription>();

  constructor(link: StreamLink, importer: Account, exporter: Account, renamed: RenamedMessage) {
    this.link = link;
    this.importer = importer;
    this.exporter = exporter;
    this.#renamed = renamed;
  }

  /** How many subscriptions it feeds. */
  get shadowCount(): number {
    return this.#shadows.size;
  }

  /** Feeds `original` from now on, a subscription of the importing account, if it wants any of this. */
  follow(original: Subscription): void {
    const { renaming } = this.link;
    const wanted = intersection(original.subject, renaming.here);
    if (wanted === null) return;
    const receiver = new Shadow(this.link, this.importer, original, this.#renamed);
    const shadow = new Subscription(null, receiver, renaming.toThere(wanted), original.queue, original.sid);
    this.#shadows.set(original, shadow);
    this.exporter.sublist.insert(shadow);
  }

  /** Feeds `original` no more. */
  forget(original: Subscription): void {
    const shadow = this.#shadows.get(original);
    if (shadow === undefined) return;
    this.#shadows.delete(original);
    this.exporter.sublist.remove(shadow);
  }

  /** Feeds nobody any more. */
  end(): void {
    for (const shadow of this.#shadows.values()) this.exporter.sublist.remove(shadow);
    this.#shadows.clear();
  }
}

/** Takes messages of the exporting account for a subscription of the importing one. */
class Shadow implements Receiver {
  readonly #link: StreamLink;
  readonly #importer: Account;
  readonly #original: Subscription;
  readonly #renamed: RenamedMessage;

  constructor(link: StreamLink, importer: Account, original: Subscription, renamed: RenamedMessage) {
    this.#link = link;
    this.#importer = importer;
    this.#original = original;
    this.#renamed = renamed;
  }

  receive(message: Message, shadow: Subscription): boolean {
    // What came by a service import is not exported further as a stream; as in the reference.
    if (message.via !== null) return false;
    const renaming = this.#link.renaming;
    if (message.trace !== null) return this.#receiveTraced(message, message.trace, shadow);
    if (message.inbox !== "") return this.#receiveStored(message);
    if (renaming.isSame) return deliverTo(message, this.#original);
    const renamed = this.#renamed.of(message, renaming);
    if (renaming.isLoose && !isSubset(this.#renamed.subject, this.#original.subject)) return false;
    return deliverTo(renamed, this.#original);
  }

  /** As `receive`: what is stored keeps its subject here too, whichever name it is sent to. */
  #receiveStored(message: Message): boolean {
    const { renaming } = this.#link;
    if (renaming.isLoose && !isSubset(renaming.toHere(message.inbox), this.#original.subject)) return false;
    return deliverTo(message, this.#original);
  }

  /** As `receive`, and adds to the trace that the message crosses accounts; the trace goes on where that is allowed. */
  #receiveTraced(message: Message, trace: MessageTrace, shadow: Subscription): boolean {
    const { renaming, allowsTrace } = this.#link;
    const { input, subjectStart, subjectEnd } = message;
    const subject = renaming.toHere(input.buf.latin1Slice(subjectStart, subjectEnd));
    if (renaming.isLoose && !isSubset(subject, this.#original.subject)) return false;
    trace.addStreamExport(this.#importer, subject);
    if (!allowsTrace && trace.isTraceOnly) return true;
    const target = renaming.isSame ? message : this.#renamed.of(message, renaming);
    target.trace = allowsTrace ? trace : null;
    trace.matched = shadow;
    const isDelivered = deliverTo(target, this.#original);
    trace.matched = null;
    target.trace = null;
    message.trace = trace;
    return isDelivered;
  }
}

/** A message under another subject; filled anew by each. One for all stream imports of a server. */
export class RenamedMessage {
  readonly #message = new Message();
  #memory = new Bytes(0);
  /** The subject of the last one, where it was made from the original's by more than a prefix. */
  subject = "";

  /** `original` under its name in the importing account; valid until the next. */
  of(original: Message, renaming: Renaming): Message {
    const { input, subjectStart, subjectEnd } = original;
    const { prefix } = renaming;
    this.subject = prefix !== "" ? "" : renaming.toHere(input.buf.latin1Slice(subjectStart, subjectEnd));
    const subjectLength =
      this.subject.length + (prefix === "" ? 0 : prefix.length + subjectEnd - subjectStart);
    const replyLength = original.replyEnd - original.replyStart;
    const suffixLength = original.payloadEnd + CRLF_BYTES - original.suffixStart;
    const target = this.#room(subjectLength + replyLength + suffixLength);
    target.buf.latin1Write(prefix === "" ? this.subject : prefix, 0);
    if (prefix !== "") input.buf.copy(target.buf, prefix.length, subjectStart, subjectEnd);
    input.buf.copy(target.buf, subjectLength, original.replyStart, original.replyEnd);
    const suffixStart = subjectLength + replyLength;
    input.buf.copy(target.buf, suffixStart, original.suffixStart, original.payloadEnd + CRLF_BYTES);

    const message = this.#message;
    message.input = target;
    message.subjectEnd = subjectLength;
    message.replyStart = subjectLength;
    message.replyEnd = suffixStart;
    message.headerBytes = original.headerBytes;
    message.suffixStart = suffixStart;
    message.payloadStart = suffixStart + original.payloadStart - original.suffixStart;
    message.payloadEnd = suffixStart + original.payloadEnd - original.suffixStart;
    message.origin = original.origin;
    return message;
  }

  #room(length: number): Bytes {
    if (length <= this.#memory.capacity) return this.#memory;
    const memory = new Bytes(length > RENAMED_BYTES_KEPT ? length : Math.min(2 * length, RENAMED_BYTES_KEPT));
    if (length <= RENAMED_BYTES_KEPT) this.#memory = memory;
    return memory;
  }
}
