import { S2Reader } from "../base/s2-frame.ts";
import { type Instant, instantOf } from "../base/instant.ts";
import { must } from "../base/assert.ts";
import { Timer } from "../base/timer-queue.ts";
import { goJson } from "../broker/go-json.ts";
import type { ReceivedMessage } from "../broker/internal-subscription.ts";
import { makeMessage } from "../broker/message.ts";
import { randomName } from "../broker/random-name.ts";
import type { RequestInfo } from "../broker/request-info.ts";
import type { Subscription } from "../broker/subscription.ts";
import { fromWireString } from "../subject/subject.ts";
import type { JetStreamAccount } from "./account.ts";
import { streamInfoFields } from "./api/stream-info-fields.ts";
import { ARCHIVE_MAGIC } from "./core/archive.ts";
import type { ApiError } from "./core/api-error.ts";
import type { StreamConfig } from "./core/stream-config.ts";
import { ArchiveLoader } from "./restore-archive.ts";
import { LegacyLoader } from "./restore-legacy.ts";
import type { RestoreLoader } from "./restore-loader.ts";
import { refuseRestore, RestoreTarget } from "./restore-target.ts";
import { Stream } from "./stream.ts";

const SUBJECTS = "$JS.SNAPSHOT.RESTORE";
const ID_LENGTH = 22;
/** As the answer to the creation of a stream. */
const ANSWER_TYPE = "io.nats.jetstream.api.v1.stream_create_response";
/** How long nothing may come. */
const STALL_MS = 5_000;
/** Bytes that were sent and not dealt with: who sends more does not wait for answers. */
const WAITING_BYTES_MAX = 64 * 1024 * 1024;
/** Entries and pieces that are dealt with before others get their turn. */
const STEPS_PER_TURN = 512;
const NOTHING = Buffer.alloc(0);

interface Chunk {
  readonly bytes: Buffer;
  readonly reply: string;
}

/**
 * A stream being restored: takes chunks of an archive at a subject of its own, and makes the stream once all has come,
 * was checked and is durable. What fails leaves nothing behind.
 */
export class Restore {
  /** Where the chunks go. */
  readonly subject: string;
  readonly #owner: JetStreamAccount;
  readonly #config: StreamConfig;
  readonly #client: RequestInfo | null;
  readonly #onOver: () => void;
  readonly #timer = new Timer(() => this.#onTimer());
  readonly #s2 = new S2Reader();
  readonly #start: Instant;
  #subscription: Subscription | null = null;
  #target: RestoreTarget | null = null;
  #loader: RestoreLoader | null = null;
  /** What came before the form of the archive was known. */
  #beginning: Buffer = NOTHING;
  #chunks: Chunk[] = [];
  #waitingBytes = 0;
  #totalBytes = 0;
  #isWorking = false;
  /** Nothing more is taken; what is being done comes to its end. */
  #isOver = false;
  readonly #gone = Promise.withResolvers<void>();

  constructor(owner: JetStreamAccount, config: StreamConfig, client: RequestInfo | null, onOver: () => void) {
    const { broker } = owner.account;
    this.#owner = owner;
    this.#config = config;
    this.#client = client;
    this.#onOver = onOver;
    this.#start = instantOf(broker.clock.nowMs());
    this.subject = `${SUBJECTS}.${config.name}.${randomName(broker.random, ID_LENGTH)}`;
  }

  /** Takes chunks from now on. Rejects when there is no place for the stream. */
  async start(): Promise<void> {
    const { account, advisories } = this.#owner;
    try {
      this.#target = await RestoreTarget.open(this.#owner, this.#config);
    } catch (error) {
      this.#isOver = true;
      this.#onOver();
      this.#gone.resolve();
      throw error;
    }
    if (this.#isOver) return this.#leave();
    account.broker.log.info(`Starting restore for stream '${this.#logName}'`);
    advisories.restoreCreated(this.#config.name, this.#client);
    this.#subscription = account.listen(this.subject, "", (message) => this.#onChunk(message));
    this.#awaitMore();
  }

  /** Breaks off; resolves once nothing is left of it. */
  async stop(): Promise<void> {
    if (!this.#isOver) {
      this.#close();
      if (!this.#isWorking && this.#target !== null) await this.#leave();
    }
    await this.#gone.promise;
  }

  #onChunk({ payload, reply }: ReceivedMessage): void {
    if (this.#isOver) return;
    if (reply === "") return this.#breakOff("requires reply subject for each chunk");
    this.#waitingBytes += payload.length;
    if (this.#waitingBytes > WAITING_BYTES_MAX) return this.#breakOff("got more than it could take");
    this.#chunks.push({ bytes: payload, reply });
    this.#awaitMore();
    if (!this.#isWorking) void this.#work();
  }

  /** Deals with the chunks that have come. */
  async #work(): Promise<void> {
    this.#isWorking = true;
    for (let chunk = this.#chunks.shift(); chunk !== undefined; chunk = this.#chunks.shift()) {
      const { bytes, reply } = chunk;
      const answer = await this.#answerTo(bytes);
      this.#waitingBytes -= bytes.length;
      // The stream is there now, whoever wants to hear of it.
      if (answer instanceof Stream) this.#target = null;
      else if (this.#isOver) break;
      if (answer === null) {
        this.#totalBytes += bytes.length;
        this.#reply(reply, NOTHING);
        this.#awaitMore();
        continue;
      }
      this.#close();
      await this.#leave();
      this.#finish(answer, reply);
      return;
    }
    this.#isWorking = false;
    if (this.#isOver) await this.#leave();
  }

  /** Deals with a chunk: null: all is well; else how the restore ends. */
  async #answerTo(bytes: Buffer): Promise<Stream | ApiError | null> {
    try {
      return bytes.length > 0 ? await this.#take(bytes) : await this.#complete();
    } catch (error) {
      // Our own fault, or the disk's.
      return refuseRestore(error instanceof Error ? error.message : String(error));
    }
  }

  async #take(bytes: Buffer): Promise<ApiError | null> {
    this.#s2.append(bytes);
    for (;;) {
      const content = this.#s2.next();
      if (content === null) return null;
      if (content === "damaged") return refuseRestore("s2: corrupt input");
      const loader = this.#loaderFor(content);
      const refused = loader === null ? null : await this.#load(loader);
      if (refused !== null || this.#isOver) return refused;
    }
  }

  async #complete(): Promise<Stream | ApiError> {
    const loader = this.#loader;
    if (loader === null || !this.#s2.isBetweenChunks) return refuseRestore("backup was truncated");
    const target = must(this.#target, "a restore has a target while it works");
    return (await loader.end()) ?? (await target.settled()) ?? (await target.finish());
  }

  /** What takes the archive apart, with `content` added; null: its form is not known yet. */
  #loaderFor(content: Buffer): RestoreLoader | null {
    if (this.#loader === null) {
      this.#beginning = Buffer.concat([this.#beginning, content]);
      if (this.#beginning.length < ARCHIVE_MAGIC.length) return null;
      const target = must(this.#target, "a restore has a target while it works");
      const isArchive = this.#beginning.subarray(0, ARCHIVE_MAGIC.length).equals(ARCHIVE_MAGIC);
      this.#loader = isArchive ? new ArchiveLoader(target) : new LegacyLoader(target, () => this.#nextTurn());
      this.#loader.append(this.#beginning);
      this.#beginning = NOTHING;
    } else this.#loader.append(content);
    return this.#loader;
  }

  async #load(loader: RestoreLoader): Promise<ApiError | null> {
    const target = must(this.#target, "a restore has a target while it works");
    for (;;) {
      for (let left = STEPS_PER_TURN; left > 0 && !target.isBehind; left--) {
        const step = loader.step();
        if (step === "waits") return null;
        if (step !== "goes on") return step;
      }
      const refused = target.isBehind ? await target.settled() : null;
      if (refused !== null) return refused;
      await this.#nextTurn();
      if (this.#isOver) return null;
    }
  }

  /** Tells how it ended. */
  #finish(result: Stream | ApiError, reply: string): void {
    const { account, advisories } = this.#owner;
    const { log, clock } = account.broker;
    const end = instantOf(clock.nowMs());
    advisories.restoreCompleted(this.#config.name, this.#start, end, this.#totalBytes, this.#client);
    const isDone = result instanceof Stream;
    const fields = isDone ? streamInfoFields(result, { hasNoDomain: true }) : { error: result };
    this.#reply(reply, Buffer.from(goJson({ type: ANSWER_TYPE, ...fields }), "utf8"));
    const what = `restore of ${this.#totalBytes} bytes for stream '${this.#logName}'`;
    if (isDone) log.info(`Completed ${what}`);
    else log.warn(`Failed ${what}: ${result.description}`);
  }

  #breakOff(reason: string): void {
    const { log } = this.#owner.account.broker;
    log.warn(`Restore for stream '${this.#logName}' ${reason}`);
    this.#close();
    if (!this.#isWorking) void this.#leave();
  }

  #onTimer(): void {
    // While it works it is not the sender that is late.
    if (this.#isWorking) this.#awaitMore();
    else this.#breakOff("is stalled");
  }

  /** Nothing more comes in. */
  #close(): void {
    const { account } = this.#owner;
    this.#isOver = true;
    this.#chunks = [];
    account.broker.timers.cancel(this.#timer);
    if (this.#subscription !== null) account.unsubscribe(this.#subscription);
    this.#subscription = null;
  }

  /** Removes what is left, once. */
  async #leave(): Promise<void> {
    const target = this.#target;
    this.#target = null;
    try {
      await target?.abandon();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#owner.account.broker.log.error(
        `What was restored of stream '${this.#logName}' could not be removed: ${reason}`,
      );
    }
    this.#onOver();
    this.#gone.resolve();
  }

  #awaitMore(): void {
    if (!this.#isOver) this.#owner.account.broker.timers.setIn(this.#timer, STALL_MS);
  }

  #nextTurn(): Promise<void> {
    return new Promise((resolve) => this.#owner.account.broker.clock.nextTurn(resolve));
  }

  #reply(reply: string, payload: Buffer): void {
    const { account } = this.#owner;
    account.publish(makeMessage(reply, "", "", payload));
    account.broker.flusher.flush();
  }

  get #logName(): string {
    return `${this.#owner.account.name} > ${fromWireString(this.#config.name)}`;
  }
}
