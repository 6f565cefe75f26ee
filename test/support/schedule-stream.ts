import type { Broker } from "../../packages/caddis/src/broker/broker.ts";
import { PublishHeaders } from "../../packages/caddis/src/jetstream/core/publish-headers.ts";
import { type ScheduleStream, Schedules } from "../../packages/caddis/src/jetstream/schedules.ts";
import { MemoryStreamStore } from "../../packages/caddis/src/store/memory/memory-store.ts";
import { headerBlock } from "./batch-stream.ts";
import { TestBroker } from "./test-broker.ts";

/** A stream that only has schedules, over a store in memory, with a clock of its own. */
export class StreamOfSchedules implements ScheduleStream {
  readonly world: TestBroker;
  readonly store: MemoryStreamStore;
  readonly schedules: Schedules;
  /** What schedules have produced, in order: milliseconds since the start, subject, headers, payload. */
  readonly produced: {
    readonly ms: number;
    readonly subject: string;
    readonly headers: string;
    readonly text: string;
  }[] = [];
  /** Nothing can be stored. */
  isFull = false;
  readonly #startMs: number;

  /** `before`: a stream whose store and clock are taken over, as after a restart. */
  constructor(before: StreamOfSchedules | null = null) {
    this.world = before?.world ?? new TestBroker();
    this.store = before?.store ?? new MemoryStreamStore({ firstSeq: 0, hashBasis: 1 });
    this.#startMs = before === null ? this.world.clock.nowMs() : before.#startMs;
    before?.schedules.stop();
    this.schedules = new Schedules(this);
  }

  get broker(): Broker {
    return this.world.broker;
  }

  get nowMs(): number {
    return this.world.clock.nowMs() - this.#startMs;
  }

  put(subject: string, fields: Readonly<Record<string, string>>, text = ""): number {
    return this.#append(subject, headerBlock(fields), Buffer.from(text));
  }

  publish(subject: string, headers: string, payload: Uint8Array): boolean {
    if (this.isFull) return false;
    const text = Buffer.from(payload).toString("utf8");
    this.produced.push({ ms: this.nowMs, subject, headers, text });
    this.#append(subject, headers, payload);
    return true;
  }

  #append(subject: string, headers: string, payload: Uint8Array): number {
    const buf = Buffer.concat([Buffer.from(headers, "latin1"), payload]);
    const timeMs = this.world.clock.nowMs();
    const seq = this.store.append(subject, buf, 0, headers.length, buf.length, timeMs, 0, 0);
    const read = new PublishHeaders();
    read.read(buf, 0, headers.length);
    const purged = read.get("Nats-Schedule-Next") === "purge" ? read.get("Nats-Scheduler") : "";
    if (purged !== "") this.store.purge(this.store.filter([purged]), seq, 0);
    this.schedules.onStored(seq, subject, read, { ms: timeMs, ns: 0 });
    return seq;
  }
}
