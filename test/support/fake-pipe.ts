import assert from "node:assert/strict";
import { Bytes } from "../../packages/caddis/src/base/bytes.ts";
import type { PipeEvents, UnattachedPipe } from "../../packages/caddis/src/io/pipe.ts";
import type { TlsContext, TlsSession } from "../../packages/caddis/src/io/tls.ts";

/** A write that the fake kernel did not take at once: the buffers are its own until `complete`. */
interface HeldWrite {
  readonly bufs: readonly Buffer[];
  readonly lengths: readonly number[];
  /** What the buffers held when they were handed over. */
  readonly text: string;
}

/** A call of `secure`. */
interface SecureCall {
  readonly context: TlsContext;
  /** What was handed over of the handshake, as a wire string. */
  readonly received: string;
  isDone: boolean;
}

/**
 * A pipe whose other end is the test. It holds the server to the contract of `io/pipe.ts`: no write while
 * one is outstanding, no change to a buffer that belongs to the pipe, nothing after the end.
 */
export class FakePipe implements UnattachedPipe {
  readonly remoteHost: string;
  readonly remotePort = 4_000;
  /** Whether the kernel takes all of a write at once. */
  takesAll = true;
  isPaused = false;
  /** `end` or `destroy` was called. */
  hasEnded = false;
  isDestroyed = false;
  /** Calls of `write` and `writeAll`: system calls, on a socket. */
  writes = 0;
  /** The handshake that was begun; nothing is encrypted here. */
  secured: SecureCall | null = null;
  events: PipeEvents | null = null;
  #taken: string[] = [];
  #held: HeldWrite | null = null;

  constructor(remoteHost = "192.0.2.1") {
    this.remoteHost = remoteHost;
  }

  attach(events: PipeEvents): void {
    this.events = events;
  }

  write(buf: Buffer, length: number): boolean {
    return this.writeAll([buf], [length]);
  }

  writeAll(bufs: readonly Buffer[], lengths: readonly number[]): boolean {
    assert.ok(this.#held === null, "no write while one is outstanding");
    assert.ok(!this.hasEnded, "no write after the end");
    assert.ok(this.secured?.isDone !== false, "no write during a handshake");
    assert.ok(lengths.every((length) => length > 0) && lengths.length === bufs.length && lengths.length > 0);
    this.writes++;
    const text = contentOf(bufs, lengths);
    if (this.takesAll) {
      this.#taken.push(text);
      return true;
    }
    this.#held = { bufs: [...bufs], lengths: [...lengths], text };
    return false;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  secure(context: TlsContext, received: Uint8Array | null): void {
    assert.ok(this.secured === null, "TLS begins once");
    assert.ok(!this.hasEnded, "no TLS after the end");
    assert.ok(this.#held === null, "no write is outstanding when TLS begins");
    this.secured = { context, received: Buffer.from(received ?? []).toString("latin1"), isDone: false };
  }

  /** The handshake is done, and the connection hears of it. */
  finishHandshake(session: TlsSession): void {
    const { secured } = this;
    assert.ok(secured !== null && !secured.isDone, "there is a handshake under way");
    secured.isDone = true;
    this.events?.onSecured?.(session);
  }

  end(): void {
    assert.ok(this.#held === null, "the end comes behind the last write");
    this.hasEnded = true;
  }

  destroy(): void {
    this.hasEnded = true;
    this.isDestroyed = true;
  }

  /** Whether a write is outstanding. */
  get isWriting(): boolean {
    return this.#held !== null;
  }

  /** Whether `buf` belongs to the outstanding write. */
  holds(buf: Buffer): boolean {
    return this.#held !== null && this.#held.bufs.includes(buf);
  }

  /** Bytes of the outstanding write. */
  get heldBytes(): number {
    return this.#held === null ? 0 : this.#held.text.length;
  }

  /** The kernel has taken the rest of the outstanding write; does not tell anybody. */
  completeSilently(): void {
    const held = this.#held;
    assert.ok(held !== null, "there is a write to complete");
    assert.equal(contentOf(held.bufs, held.lengths), held.text, "nobody touched what the pipe was writing");
    this.#held = null;
    this.#taken.push(held.text);
  }

  /** The kernel has taken the rest of the outstanding write, and the connection hears of it. */
  complete(): void {
    this.completeSilently();
    this.events?.onWritten();
  }

  /** Everything the peer has got since the last call, as a wire string. */
  takeOutput(): string {
    const text = this.#taken.join("");
    this.#taken = [];
    return text;
  }

  /** The peer says `text` (a wire string), in one read. */
  say(text: string): void {
    const input = new Bytes(text.length);
    input.buf.latin1Write(text, 0);
    this.events?.onData(input, text.length);
  }

  /** The peer is gone, or the stream failed. */
  hangUp(error: Error | null = null): void {
    const events = this.events;
    this.events = null;
    this.#held = null;
    events?.onClosed(error);
  }
}

function contentOf(bufs: readonly Buffer[], lengths: readonly number[]): string {
  return bufs.map((buf, i) => buf.latin1Slice(0, lengths[i])).join("");
}
