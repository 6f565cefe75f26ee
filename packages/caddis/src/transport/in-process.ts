import { Bytes } from "../base/bytes.ts";
import type { PipeEvents, UnattachedPipe } from "../io/pipe.ts";

/** Bytes on their way to one side of a pair; a copy, since both sides reuse their buffers. */
interface Chunk {
  readonly bytes: Bytes;
  readonly length: number;
}

/**
 * One end of a connection inside this process. What one end writes reaches the other in a later
 * microtask, in order, so neither side ever runs inside the other. A paused end keeps its chunks, and
 * the writer's buffers count as taken only when nothing is waiting: pending limits work as on a socket.
 */
class InProcessEnd implements UnattachedPipe {
  readonly remoteHost = "";
  readonly remotePort = 0;
  #events: PipeEvents | null = null;
  peer: InProcessEnd | null = null;

  readonly #inbox: Chunk[] = [];
  #isPaused = false;
  #isPumping = false;
  #peerEnded = false;
  #isClosed = false;
  /** The peer waits to hear that its write is done. */
  #owesWritten = false;

  attach(events: PipeEvents): void {
    this.#events = events;
    this.#pump();
  }

  write(buf: Buffer, length: number): boolean {
    return this.writeAll([buf], [length]);
  }

  writeAll(bufs: readonly Buffer[], lengths: readonly number[]): boolean {
    const peer = this.peer;
    if (peer === null || peer.#isClosed) return true;
    for (let i = 0; i < bufs.length; i++) peer.#receive(bufs[i], lengths[i]);
    if (!peer.#isPaused) return true;
    peer.#owesWritten = true;
    return false;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#pump();
  }

  end(): void {
    const peer = this.peer;
    if (peer === null || peer.#peerEnded) return;
    peer.#peerEnded = true;
    peer.#pump();
    // Both sides of an in-process pair end together, after what was written has been read.
    this.#peerEnded = true;
    this.#pump();
  }

  destroy(): void {
    this.#inbox.length = 0;
    this.end();
  }

  #onTaken(): void {
    this.#events?.onWritten();
  }

  #receive(buf: Buffer, length: number): void {
    const bytes = new Bytes(length);
    buf.copy(bytes.buf, 0, 0, length);
    this.#inbox.push({ bytes, length });
    this.#pump();
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    queueMicrotask(() => this.#deliver());
  }

  #deliver(): void {
    this.#isPumping = false;
    const events = this.#events;
    if (events === null || this.#isClosed) return;
    while (!this.#isPaused && this.#inbox.length > 0) {
      for (const chunk of this.#inbox.splice(0)) events.onData(chunk.bytes, chunk.length);
    }
    if (this.#inbox.length > 0) return;
    if (this.#owesWritten) {
      this.#owesWritten = false;
      if (this.peer !== null) this.peer.#onTaken();
    }
    if (this.#peerEnded) {
      this.#isClosed = true;
      events.onClosed(null);
    }
  }
}

/** Two ends of a new in-process connection. */
export function inProcessPair(): readonly [UnattachedPipe, UnattachedPipe] {
  const [left, right] = [new InProcessEnd(), new InProcessEnd()];
  left.peer = right;
  right.peer = left;
  return [left, right];
}
