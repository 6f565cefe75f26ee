import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** How long a test waits for bytes that must come before it calls the server silent. A last resort, not a pace. */
const RECEIVE_DEADLINE_MS = 8_000;

/** How long `finish` waits for the server to hang up as well. */
const FINISH_DEADLINE_MS = 1_000;

/**
 * A NATS connection without any client logic: bytes out as they are given, bytes in cut at CRLF.
 * Bytes appear as latin1 strings, one character per byte, the way the server handles them.
 */
export class RawClient {
  /** Complete lines that have arrived and were not taken yet, without their CRLF. */
  readonly lines: string[] = [];
  /** What arrived after the last CRLF. */
  partial = "";
  /** The server has closed its side (with FIN or RST), or this side has. */
  closed = false;
  readonly #socket: Socket;
  #changed = Promise.withResolvers<void>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#receive(chunk.toString("latin1")));
    // A reset says no more than the close that follows it.
    socket.on("error", () => undefined);
    socket.on("end", () => this.#close());
    socket.on("close", () => this.#close());
  }

  /** Connects; rejects when nobody listens. */
  static async connect(port: number, host = "127.0.0.1"): Promise<RawClient> {
    // Half open, so that a FIN from the server is seen as such and our own is sent when a test says so.
    const socket = connect({ port, host, allowHalfOpen: true });
    await once(socket, "connect");
    return new RawClient(socket);
  }

  /** Sends bytes in one write. Text is taken as latin1. */
  send(bytes: string | Uint8Array): void {
    if (typeof bytes === "string") this.#socket.write(bytes, "latin1");
    else this.#socket.write(bytes);
  }

  /** Stops reading, so that the server's output piles up. */
  pause(): void {
    this.#socket.pause();
  }

  /** Reads again. */
  resume(): void {
    this.#socket.resume();
  }

  /** Sends a FIN and keeps reading. */
  endSending(): void {
    this.#socket.end();
  }

  /** Drops the connection at once. */
  drop(): void {
    this.#socket.destroy();
    this.#close();
  }

  /** Resolves to true as soon as `condition` holds, to false when it does not within `deadlineMs`. */
  async waitUntil(condition: () => boolean, deadlineMs = RECEIVE_DEADLINE_MS): Promise<boolean> {
    if (condition()) return true;
    const deadline = Promise.withResolvers<"late">();
    const timer = setTimeout(() => deadline.resolve("late"), deadlineMs);
    try {
      while (!condition()) {
        const outcome = await Promise.race([this.#changed.promise, deadline.promise]);
        if (outcome === "late") return condition();
      }
      return true;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The next line without its CRLF, or null when the connection closed before one came. Throws when nothing comes. */
  async nextLine(): Promise<string | null> {
    const arrived = await this.waitUntil(() => this.lines.length > 0 || this.closed);
    if (!arrived) {
      throw new Error(`no line within ${RECEIVE_DEADLINE_MS} ms after ${JSON.stringify(this.partial)}`);
    }
    return this.lines.shift() ?? null;
  }

  /**
   * Sends a PING and waits for its PONG, which proves that everything sent before was processed; the PONG
   * is taken out of `lines`, the rest stays there. False when the connection closed instead.
   */
  async barrier(): Promise<boolean> {
    const index = await this.#ping();
    if (index >= 0) this.lines.splice(index, 1);
    return index >= 0;
  }

  /** A barrier after which nothing more is expected: drops the PONG and what came behind it. */
  async lastBarrier(): Promise<boolean> {
    const index = await this.#ping();
    if (index >= 0) this.lines.length = index;
    return index >= 0;
  }

  /** Resolves to true when the server has closed the connection, to false when it does not within the deadline. */
  waitClosed(): Promise<boolean> {
    return this.waitUntil(() => this.closed);
  }

  /** Hangs up and waits until the server has hung up too. */
  async finish(): Promise<void> {
    this.resume();
    if (!this.closed) {
      this.#socket.end();
      await this.waitUntil(() => this.closed, FINISH_DEADLINE_MS);
    }
    this.#socket.destroy();
  }

  /** Sends a PING and waits for its PONG; gives the PONG's index in `lines`, or -1 when none came. */
  async #ping(): Promise<number> {
    const pongs = this.#pongCount() + 1;
    this.send("PING\r\n");
    await this.waitUntil(() => this.closed || this.#pongCount() >= pongs);
    return this.#pongCount() < pongs ? -1 : this.lines.lastIndexOf("PONG");
  }

  #pongCount(): number {
    return this.lines.reduce((count, line) => (line === "PONG" ? count + 1 : count), 0);
  }

  #receive(text: string): void {
    const parts = (this.partial + text).split("\r\n");
    this.partial = parts.pop() ?? "";
    for (const part of parts) this.lines.push(part);
    this.#notify();
  }

  #close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#notify();
  }

  #notify(): void {
    const changed = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    changed.resolve();
  }
}
