import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";

/** How long a server may stay silent before a test gives up; a last resort, not a pace. */
const SILENCE_DEADLINE_MS = 4_000;

/** How a peer reaches the server. */
export interface Approach {
  readonly port: number;
  /** The handshake; absent: none. */
  readonly tls?: ConnectionOptions | undefined;
  /** It begins before INFO came. */
  readonly isTlsFirst?: boolean | undefined;
}

/** A NATS connection without client logic, with TLS where asked: bytes out, lines in (latin1, no CRLF). */
export class AuthPeer {
  /** What came and was not taken yet. */
  readonly lines: string[] = [];
  isClosed = false;
  /** The fields of its first INFO. */
  info: Readonly<Record<string, unknown>> = {};
  #socket: Socket;
  #partial = "";
  #changed = Promise.withResolvers<void>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen(socket);
  }

  /** Connects up to the first INFO, by way of TLS; a peer that was not let so far is closed. */
  static async open({ port, tls, isTlsFirst = false }: Approach): Promise<AuthPeer> {
    const handshake = { host: "127.0.0.1", rejectUnauthorized: false, ...tls };
    const isFirst = tls !== undefined && isTlsFirst;
    const socket = isFirst ? connectTls({ port, ...handshake }) : connectTcp({ port, host: "127.0.0.1" });
    const peer = new AuthPeer(socket);
    if (!isFirst) await once(socket, "connect");
    await peer.until(() => peer.lines.length > 0);
    const info = peer.lines.find((line) => line.startsWith("INFO {"));
    if (info !== undefined) peer.info = JSON.parse(info.slice("INFO ".length)) as typeof peer.info;
    if (tls !== undefined && !isFirst && !peer.isClosed) peer.#listen(connectTls({ socket, ...handshake }));
    return peer;
  }

  /** Its number at the server. */
  get cid(): number {
    return Number(this.info["client_id"] ?? 0);
  }

  /** What it has to sign. */
  get nonce(): string {
    const { nonce } = this.info;
    return typeof nonce === "string" ? nonce : "";
  }

  /** Sends text as latin1. */
  send(text: string): void {
    this.#socket.write(text, "latin1");
  }

  /** Waits until `condition` holds or the connection ends. Throws when the server says nothing. */
  async until(condition: () => boolean): Promise<void> {
    const late = Promise.withResolvers<"late">();
    const timer = setTimeout(() => late.resolve("late"), SILENCE_DEADLINE_MS);
    try {
      while (!condition() && !this.isClosed) {
        if ((await Promise.race([this.#changed.promise, late.promise])) === "late") {
          throw new Error(`nothing more came after ${JSON.stringify(this.lines)} ${this.#partial}`);
        }
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** All lines up to `last`, which is left out; or, when the connection ends before, all with `[closed]` behind. */
  async linesUntil(last: string): Promise<string[]> {
    await this.until(() => this.lines.includes(last));
    const index = this.lines.indexOf(last);
    if (index >= 0) return this.lines.splice(0, index + 1).slice(0, -1);
    return [...this.lines.splice(0), "[closed]"];
  }

  /** The payload of the next message, which has no headers; what came before it stays. */
  async nextPayload(): Promise<string> {
    const index = (): number => this.lines.findIndex((line) => line.startsWith("MSG "));
    await this.until(() => index() >= 0 && this.lines.length > index() + 1);
    const [, payload] = this.lines.splice(index(), 2);
    return payload ?? "";
  }

  /** Hangs up, and waits for the end. */
  async close(): Promise<void> {
    this.#socket.destroy();
    this.#end();
    if (!this.#socket.closed) await once(this.#socket, "close");
  }

  #listen(socket: Socket): void {
    this.#socket.removeAllListeners("data").removeAllListeners("end").removeAllListeners("close");
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk.toString("latin1")));
    // A reset, or an alert, says no more than the close that follows it.
    socket.on("error", () => undefined);
    socket.on("end", () => this.#end());
    socket.on("close", () => this.#end());
  }

  #receive(text: string): void {
    const parts = (this.#partial + text).split("\r\n");
    this.#partial = parts.pop() ?? "";
    // The server measures its round trips when it likes.
    this.lines.push(...parts.filter((line) => line !== "PING"));
    this.#notify();
  }

  #end(): void {
    this.isClosed = true;
    this.#notify();
  }

  #notify(): void {
    const changed = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    changed.resolve();
  }
}
