import { assert } from "../base/assert.ts";
import { Bytes } from "../base/bytes.ts";
import type { Clock } from "../io/clock.ts";
import type { PipeEvents, UnattachedPipe } from "../io/pipe.ts";

/** Bytes on their way to one side of a pair; a copy, since both sides reuse their buffers. */
interface Chunk {
  readonly bytes: Bytes;
  readonly length: number;
}

/** What a pair needs of a clock. */
type Turns = Pick<Clock, "nextTurn">;

/**
 * One end of a connection inside this process. What one end writes reaches the other in a later turn of
 * the event loop, in order: neither side ever runs inside the other, and two sides that keep each other
 * busy leave sockets and timers their turns. The end of the stream comes in a turn of its own, as on a
 * socket. A paused end keeps its chunks, and the writer's buffers count as taken only when nothing is
 * waiting: pending limits work as on a socket.
 */
class InProcessEnd implements UnattachedPipe {
  readonly remoteHost = "";
  readonly remotePort = 0;
  readonly #turns: Turns;
  #events: PipeEvents | null = null;
  peer: InProcessEnd | null = null;

  #inbox: Chunk[] = [];
  #isPaused = false;
  #isPumping = false;
  #peerEnded = false;
  #isClosed = false;
  /** The peer waits to hear that its write is done. */
  #owesWritten = false;
  readonly #onTurn = (): void => this.#deliver();

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  attach(events: PipeEvents): void {
    this.#events = events;
    this.#pump();
  }

  write(buf: Buffer, length: number): boolean {
    return this.writeAll([buf], [length]);
  }

  writeAll(bufs: readonly Buffer[], lengths: readonly number[]): boolean {
    const peer = this.peer;
    if (peer === null || peer.#peerEnded) return true;
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

  secure(): void {
    assert(false, "a pair inside this process is never encrypted");
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
    this.#inbox = [];
    // What was outstanding is lost, as on a socket: nobody is told that it was written.
    this.#owesWritten = false;
    this.#peerEnded = true;
    this.end();
    this.#pump();
  }

  #onTaken(): void {
    if (!this.#isClosed) this.#events?.onWritten();
  }

  #receive(buf: Buffer, length: number): void {
    const bytes = new Bytes(length);
    buf.copy(bytes.buf, 0, 0, length);
    this.#inbox.push({ bytes, length });
    this.#pump();
  }

  #pump(): void {
    if (this.#isPumping || this.#isClosed) return;
    this.#isPumping = true;
    this.#turns.nextTurn(this.#onTurn);
  }

  #deliver(): void {
    this.#isPumping = false;
    const events = this.#events;
    if (events === null || this.#isClosed) return;
    if (this.#inbox.length > 0) {
      if (this.#isPaused) return;
      const chunks = this.#inbox;
      this.#inbox = [];
      for (let i = 0; i < chunks.length; i++) {
        // Paused in the middle of it: the rest waits, in front of what has come meanwhile.
        if (this.#isPaused) {
          this.#inbox = [...chunks.slice(i), ...this.#inbox];
          return;
        }
        events.onData(chunks[i].bytes, chunks[i].length);
      }
      this.#settleWrite();
      if (this.#peerEnded) this.#pump();
      return;
    }
    this.#settleWrite();
    if (!this.#peerEnded) return;
    this.#isClosed = true;
    events.onClosed(null);
  }

  /** Tells the peer that its write is done once nothing of it is left. */
  #settleWrite(): void {
    if (!this.#owesWritten || this.#inbox.length > 0) return;
    this.#owesWritten = false;
    if (this.peer !== null) this.peer.#onTaken();
  }
}

/** Two ends of a new in-process connection. */
export function inProcessPair(turns: Turns): readonly [UnattachedPipe, UnattachedPipe] {
  const [left, right] = [new InProcessEnd(turns), new InProcessEnd(turns)];
  left.peer = right;
  right.peer = left;
  return [left, right];
}
