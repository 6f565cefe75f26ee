import { openServices } from "../../packages/caddis/src/jetstream/services.ts";
import type { StreamConfig, StreamSource } from "../../packages/caddis/src/jetstream/core/stream-config.ts";
import type { JetStreamSettings } from "../../packages/caddis/src/jetstream/settings.ts";
import type { Stream } from "../../packages/caddis/src/jetstream/stream.ts";
import type { Disk } from "../../packages/caddis/src/io/disk.ts";
import { StreamStage } from "./stream-stage.ts";

/** Longer than it takes until a consumer is asked for at the first time, and noticed that somebody listens. */
const CONNECT_MS = 600;

/** An origin that says nothing besides its name, unless `more` does. */
export function origin(name: string, more: Partial<StreamSource> = {}): StreamSource {
  return {
    name,
    opt_start_seq: 0,
    opt_start_time: null,
    filter_subject: "",
    subject_transforms: [],
    external: null,
    consumer: null,
    ...more,
  };
}

/** A stage whose account answers the API, so that streams can mirror and source each other. */
export class OriginStage extends StreamStage {
  readonly #services: { close(): void };

  constructor(settings: Partial<JetStreamSettings> = {}, disk?: Disk) {
    super(settings, disk);
    this.#services = openServices(this.owner);
  }

  /** A stream called `name` that mirrors `source`. */
  mirror(name: string, source: StreamSource, more: Partial<StreamConfig> = {}): Promise<Stream> {
    return this.stream({ name, subjects: [], mirror: source, ...more });
  }

  /** A stream called `name` that sources `sources` and has no subjects of its own. */
  sourcing(
    name: string,
    sources: readonly StreamSource[],
    more: Partial<StreamConfig> = {},
  ): Promise<Stream> {
    return this.stream({ name, subjects: [], sources, ...more });
  }

  /** Publishes each of `subjects`, with itself for a payload. */
  async publishAll(...subjects: string[]): Promise<void> {
    for (const subject of subjects) this.say(subject, subject);
    await this.world.clock.settled();
    this.answers();
  }

  /** Lets links connect, and bring what is there. */
  async connected(): Promise<void> {
    await this.advance(CONNECT_MS);
  }

  /** Nobody answers the API any more. */
  closeApi(): void {
    this.#services.close();
  }
}
