import type { Clock } from "../io/clock.ts";
import type { Storage } from "./core/stream-config.ts";

/** What keeps being refused is told at most that often; as in the reference. */
const AGAIN_MS = 10_000;

/** Says in the log that messages are refused since streams have all the room they may have. */
export class RoomLog {
  readonly #tell: (line: string) => void;
  readonly #clock: Clock;
  readonly #whose: string;
  /** When it was told, in monotonic milliseconds. */
  readonly #toldMs: Record<Storage, number> = { memory: -Infinity, file: -Infinity };

  /** `whose` room it is, for people; `tell` is called with a line. */
  constructor(tell: (line: string) => void, clock: Clock, whose: string) {
    this.#tell = tell;
    this.#clock = clock;
    this.#whose = whose;
  }

  /** Something was refused. */
  noteRefusal(storage: Storage): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#toldMs[storage] < AGAIN_MS) return;
    this.#toldMs[storage] = nowMs;
    this.#tell(`JetStream ${storage} resource limits exceeded for ${this.#whose}`);
  }
}
