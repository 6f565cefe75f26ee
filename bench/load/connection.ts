import { connect, type Socket } from "node:net";
import { type Carriage, frameOf, Unframer, upgradeRequest } from "./websocket.ts";

/** Longest a server may take to accept, or to answer a PING, before the run is given up. */
const ANSWER_DEADLINE_MS = 60_000;

/**
 * One buffer receives for every connection of the process: what arrived is counted or copied before the
 * callback returns. Larger than the kernel hands out in one read most of the time.
 */
const READ_BUFFER_BYTES = 1024 * 1024;
const readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);

/**
 * CONNECT as a current client sends it, except `protocol` 0: the server then sends no INFO in the middle
 * of the stream, so that the bytes that arrive are known beforehand.
 */
const CONNECT =
  'CONNECT {"verbose":false,"pedantic":false,"protocol":0,"headers":true,"no_responders":true,"name":"bench"}\r\n';

const PING = "PING\r\n";
const PONG = "PONG\r\n";

/** Receives what a connection reads. The bytes are valid only during the call. */
export type BytesHandler = (bytes: Buffer) => void;

/** Hears what went wrong, as it was thrown. */
export type FailureHandler = (error: unknown) => void;

/**
 * A client connection as cheap as Node can make it: one socket, one read buffer shared by all, no
 * parsing. Whoever uses it knows how many bytes are to come.
 */
export class Connection {
  readonly socket: Socket;
  readonly #carriage: Carriage;
  /** Of a WebSocket, once it is one. */
  #unframer: Unframer | undefined;
  #onBytes: BytesHandler | undefined;
  #onFailure: FailureHandler | undefined;
  #failure: Error | undefined;

  private constructor(port: number, carriage: Carriage) {
    this.#carriage = carriage;
    this.socket = connect({
      host: "127.0.0.1",
      port,
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (count) => {
          this.#read(count);
          return true;
        },
      },
    });
    this.socket.on("error", (error) => this.#fail(error));
    this.socket.on("close", () => this.#fail(new Error("the server closed the connection")));
  }

  /** Connects and completes the NATS handshake; rejects when the server refuses. */
  static async open(port: number, carriage: Carriage = "tcp"): Promise<Connection> {
    const connection = new Connection(port, carriage);
    if (carriage !== "tcp") await connection.#upgrade(port);
    await connection.roundTrip(CONNECT);
    return connection;
  }

  /**
   * From now on `handler` gets everything that arrives. `onFailure` gets what `handler` throws, and the end
   * of the connection.
   */
  listen(handler: BytesHandler, onFailure: FailureHandler): void {
    this.#onBytes = handler;
    this.#onFailure = onFailure;
    if (this.#failure !== undefined) onFailure(this.#failure);
  }

  /**
   * Writes operations and a PING, and waits for the PONG, which tells that the server has read them all.
   * Resolves with what came besides; rejects on -ERR, a closed connection, or no answer in time.
   */
  async roundTrip(operations: string | Buffer): Promise<string> {
    const answer = this.receive(PONG);
    if (operations.length > 0) this.write(operations);
    this.write(PING);
    return (await answer).replace(PONG, "");
  }

  /**
   * Resolves with all that has arrived once `awaited` is part of it, the server's own PINGs left out;
   * rejects as `roundTrip` does.
   */
  async receive(awaited: string): Promise<string> {
    const previousHandler = this.#onBytes;
    const previousFailure = this.#onFailure;
    const answer = Promise.withResolvers<string>();
    let text = "";
    this.listen((bytes) => {
      text = (text + bytes.toString("latin1")).replaceAll(PING, "");
      if (text.includes("-ERR")) answer.reject(new Error(`the server answered ${text.trim()}`));
      else if (text.includes(awaited)) answer.resolve(text);
    }, answer.reject);
    const deadline = setTimeout(() => {
      const last = JSON.stringify(text.slice(-100));
      answer.reject(new Error(`no ${JSON.stringify(awaited)} in ${ANSWER_DEADLINE_MS} ms; so far: ${last}`));
    }, ANSWER_DEADLINE_MS);
    try {
      return await answer.promise;
    } finally {
      clearTimeout(deadline);
      this.#onBytes = previousHandler;
      this.#onFailure = previousFailure;
    }
  }

  /** Writes operations, in a frame of their own over WebSocket. What is framed already goes to `socket`. */
  write(operations: string | Buffer): void {
    if (this.#carriage === "tcp") this.socket.write(operations);
    else this.socket.write(frameOf(Buffer.from(operations), this.#carriage));
  }

  /** Becomes a WebSocket. What comes behind the answer is INFO, which nobody waits for. */
  async #upgrade(port: number): Promise<void> {
    const answer = this.receive("\r\n\r\n");
    this.socket.write(upgradeRequest(port, this.#carriage));
    const text = await answer;
    if (!text.startsWith("HTTP/1.1 101")) throw new Error(`no WebSocket: ${text.slice(0, 100)}`);
    const rest = Buffer.from(text.slice(text.indexOf("\r\n\r\n") + 4), "latin1");
    this.#unframer = new Unframer((data) => this.#onBytes?.(data));
    this.#unframer.push(rest);
  }

  /** Ends the connection at once with a reset, which leaves no TIME_WAIT behind. */
  close(): void {
    this.#onFailure = undefined;
    this.socket.resetAndDestroy();
  }

  #read(count: number): void {
    try {
      const bytes = readBuffer.subarray(0, count);
      if (this.#unframer === undefined) this.#onBytes?.(bytes);
      else this.#unframer.push(bytes);
    } catch (error) {
      this.#onFailure?.(error);
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#onFailure?.(this.#failure);
  }
}
