import type { Message } from "../broker/message.ts";
import { type ApiError, apiError } from "./core/api-error.ts";
import type { DeliveryReply } from "./core/delivery-reply.ts";
import type { OriginConsumerInfo } from "./core/origin-answer.ts";
import { mirrorStart, type OriginStart } from "./core/origin-start.ts";
import type { StreamSource } from "./core/stream-config.ts";
import type { OriginRole } from "./origin-link.ts";
import { mirrorConsumerName, originMetadata } from "./origin-names.ts";
import { OriginPublish } from "./origin-publish.ts";
import { OriginSubjects } from "./origin-subjects.ts";
import type { Stream } from "./stream.ts";

/** With less than that to come, a mirror may answer in its origin's place; as in the reference. */
const CAUGHT_UP_MAX = 10;

/** A stream that is the image of another: the same messages with the same sequences and times. */
export class Mirror implements OriginRole {
  readonly source: StreamSource;
  readonly isMirror = true;
  readonly consumerName: string;
  readonly metadata: ReadonlyMap<string, string>;
  /** Sequences tell where it is, whichever stream it is now. */
  readonly identity = "";
  readonly #stream: Stream;
  readonly #subjects: OriginSubjects;
  readonly #publish = new OriginPublish(true);

  constructor(stream: Stream, source: StreamSource) {
    this.#stream = stream;
    this.source = source;
    this.consumerName = mirrorConsumerName(stream);
    this.metadata = originMetadata(stream, true);
    this.#subjects = new OriginSubjects(source, stream.broker.random);
  }

  start(): OriginStart {
    return mirrorStart(this.source, this.#stream.store.state);
  }

  /** What the origin does not have any more will never come. */
  onConnected({ deliveredSeq, pending }: OriginConsumerInfo): number {
    const { store } = this.#stream;
    const { lastSeq, messages } = store.state;
    this.#noteLag(pending);
    if (lastSeq >= deliveredSeq) return lastSeq;
    if (messages === 0) store.removeBefore(deliveredSeq + 1);
    else store.skipTo(deliveredSeq + 1);
    store.commit();
    this.#stream.settleSoon();
    return deliveredSeq;
  }

  onReplaced(): void {}

  store(message: Message, reply: DeliveryReply): ApiError | null {
    const { subjects, ingest } = this.#stream;
    const { input, subjectStart, subjectEnd } = message;
    const subject = this.#subjects.of(input.buf.latin1Slice(subjectStart, subjectEnd));
    const { streamSeq, timeMs, timeNs, pending } = reply;
    if (streamSeq <= ingest.lastSeq) return apiError("streamWrongLastSequence", { seq: ingest.lastSeq });
    const publish = this.#publish.read(message, subjects.transformed(subject), "", timeMs, timeNs);
    const verdict = ingest.storeSourced(publish, streamSeq);
    this.#noteLag(pending);
    return typeof verdict === "object" ? verdict : null;
  }

  /** It answers direct gets in its origin's place once it is about as far. */
  #noteLag(pending: number): void {
    if (pending < CAUGHT_UP_MAX) this.#stream.owner.directMirrors.add(this.source.name, this.#stream);
  }
}
