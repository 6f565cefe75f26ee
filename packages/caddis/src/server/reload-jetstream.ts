import type { Options } from "../config/options.ts";
import type { JetStreamHolder } from "./jetstream-holder.ts";
import type { JetStreamPart } from "./jetstream-part.ts";
import type { ReloadPart, ReloadStep } from "./reload-part.ts";

/** JetStream is switched on or off, or its limits become others. */
export class JetStreamReload implements ReloadPart {
  readonly #holder: JetStreamHolder;

  constructor(holder: JetStreamHolder) {
    this.#holder = holder;
  }

  async prepare(_current: Options, next: Options): Promise<ReloadStep> {
    const { part } = this.#holder;
    if (part === null) return next.jetstream.enabled ? this.#switchOn(next) : { commit() {} };
    return next.jetstream.enabled ? part.prepare(next) : this.#switchOff(part);
  }

  async #switchOn(next: Options): Promise<ReloadStep> {
    const part = await this.#holder.open(next);
    return {
      commit: () => this.#holder.use(part),
      finish: () => part.start(),
      abandon: () => part.close(),
    };
  }

  #switchOff(part: JetStreamPart): ReloadStep {
    return {
      commit: () => this.#holder.use(null),
      finish: () => part.close(),
    };
  }
}
