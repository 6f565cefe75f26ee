import type { Message } from "../broker/message.ts";
import type { ApiError } from "./core/api-error.ts";
import type { DeliveryReply } from "./core/delivery-reply.ts";
import type { OriginConsumerInfo } from "./core/origin-answer.ts";
import { type OriginStart, sourceStart } from "./core/origin-start.ts";
import { sourceHeader, type SourceKey } from "./core/source-header.ts";
import type { StreamSource } from "./core/stream-config.ts";
import type { OriginRole } from "./origin-link.ts";
import { originMetadata, sourceKeyOf, type SourceNames } from "./origin-names.ts";
import { OriginPublish } from "./origin-publish.ts";
import { OriginSubjects } from "./origin-subjects.ts";
import { SourceCursor } from "./source-cursor.ts";
import type { Stream } from "./stream.ts";

const NS_PER_MS = 1e6;

/** One of the streams whose messages a stream takes in among its own. */
export class Source implements OriginRole {
  readonly source: StreamSource;
  readonly isMirror = false;
  readonly metadata: ReadonlyMap<string, string>;
  readonly #stream: Stream;
  readonly key: SourceKey;
  readonly #names: () => SourceNames;
  readonly #subjects: OriginSubjects;
  readonly #publish = new OriginPublish(false);
  /** How far the stream is with it. */
  readonly cursor = new SourceCursor();
  /** The origin was made anew since: what was there before says nothing about where to begin. */
  #isReplaced = false;

  /** `names`: those of all sources as they are now. */
  constructor(stream: Stream, source: StreamSource, names: () => SourceNames) {
    this.#stream = stream;
    this.#names = names;
    this.source = source;
    this.key = sourceKeyOf(source);
    this.metadata = originMetadata(stream, false);
    this.#subjects = new OriginSubjects(source, stream.broker.random);
  }

  get consumerName(): string {
    return this.#names().of(this.source);
  }

  get identity(): string {
    return this.cursor.identity;
  }

  start(): OriginStart {
    const { seq, isKnown } = this.cursor;
    return sourceStart(this.source, { seq, isKnown: isKnown || this.#isReplaced }, this.#stream.store.state);
  }

  onConnected({ deliveredSeq }: OriginConsumerInfo, identity: string): number {
    const { cursor } = this;
    if (identity !== "" && cursor.identity !== "" && identity !== cursor.identity) this.onReplaced();
    this.#isReplaced = false;
    cursor.set(Math.max(cursor.seq, deliveredSeq), cursor.storedSeq, identity);
    return cursor.seq;
  }

  onReplaced(): void {
    const { owner, name, broker } = this.#stream;
    broker.log.warn(
      `JetStream source stream '${this.source.name}' for stream '${owner.account.shownName} > ${name}' was made anew: it is read from its start`,
    );
    this.cursor.clear();
    this.#isReplaced = true;
  }

  store(message: Message, { streamSeq }: DeliveryReply): ApiError | null {
    const { subjects, ingest, broker } = this.#stream;
    const { input, subjectStart, subjectEnd } = message;
    const origin = input.buf.latin1Slice(subjectStart, subjectEnd);
    const { cursor } = this;
    const header = sourceHeader(this.key, streamSeq, origin, cursor.identity);
    const nowMs = broker.clock.nowMs();
    const timeMs = Math.floor(nowMs);
    const timeNs = Math.floor((nowMs - timeMs) * NS_PER_MS);
    const subject = subjects.transformed(this.#subjects.of(origin));
    const publish = this.#publish.read(message, subject, header, timeMs, timeNs);
    const verdict = ingest.storeSourced(publish, 0);
    if (typeof verdict === "object") return verdict;
    cursor.seq = streamSeq;
    if (verdict === "store") cursor.storedSeq = streamSeq;
    return null;
  }
}
