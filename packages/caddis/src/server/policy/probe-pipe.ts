import { Bytes } from "../../base/bytes.ts";
import type { Clock } from "../../io/clock.ts";
import type { PipeEvents, UnattachedPipe } from "../../io/pipe.ts";

/** A connection whose other end says operations and reads at once what is answered. */
export class ProbePipe implements UnattachedPipe {
  readonly remoteHost: string;
  readonly remotePort = 0;
  readonly #clock: Clock;
  #events: PipeEvents | null = null;
  #output = "";

  constructor(remoteHost: string, clock: Clock) {
    this.remoteHost = remoteHost;
    this.#clock = clock;
  }

  attach(events: PipeEvents): void {
    this.#events = events;
  }

  /** Sends `text`, a wire string. */
  say(text: string): void {
    const input = new Bytes(text.length);
    input.buf.latin1Write(text, 0);
    this.#events?.onData(input, text.length);
  }

  /** What has come since the last call, as a wire string. */
  takeOutput(): string {
    const output = this.#output;
    this.#output = "";
    return output;
  }

  write(buf: Buffer, length: number): boolean {
    this.#output += buf.latin1Slice(0, length);
    return true;
  }

  writeAll(bufs: readonly Buffer[], lengths: readonly number[]): boolean {
    for (const [i, buf] of bufs.entries()) this.write(buf, lengths[i]);
    return true;
  }

  pause(): void {}

  resume(): void {}

  /** Never asked for: the server that is probed has no TLS. */
  secure(): void {
    this.destroy();
  }

  end(): void {
    this.destroy();
  }

  destroy(): void {
    const events = this.#events;
    this.#events = null;
    if (events !== null) this.#clock.nextTurn(() => events.onClosed(null));
  }
}
