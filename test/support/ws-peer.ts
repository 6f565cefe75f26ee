import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { constants, inflateRawSync } from "node:zlib";
import { connectLine } from "./attacked-server.ts";
import { type Frame, frame, type FrameShape, OPCODES, takeFrame } from "./ws-frames.ts";

/** How long a test waits for what must come before it calls the server silent. A last resort, not a pace. */
const DEADLINE_MS = 8_000;

/** What a request to become a WebSocket consists of. */
export interface UpgradeParts {
  readonly method?: string;
  readonly target?: string;
  /** Instead of those that there are by default, or besides; null leaves one out. */
  readonly headers?: Readonly<Record<string, string | null>>;
}

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** A WebSocket made by hand: bytes out as they are given, frames in. */
export class WsPeer {
  /** Status line and header fields of the answer to the upgrade, in lower case. */
  answer = "";
  /** Frames that have arrived. */
  readonly frames: Frame[] = [];
  /** What was in binary messages, inflated; latin1. */
  text = "";
  isClosed = false;
  readonly #socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #message: Frame[] = [];
  #changed = Promise.withResolvers<void>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("error", () => undefined);
    socket.on("end", () => this.#close());
    socket.on("close", () => this.#close());
  }

  /** Asks for the upgrade and waits for the answer, whatever it is. */
  static async open(port: number, parts: UpgradeParts = {}): Promise<WsPeer> {
    const peer = await WsPeer.dial(port);
    await peer.#upgrade(port, parts);
    return peer;
  }

  /** The same over a connection that is there, one with TLS, say. */
  static async over(socket: Socket, port: number): Promise<WsPeer> {
    const peer = new WsPeer(socket);
    await peer.#upgrade(port, {});
    return peer;
  }

  /** Connects, and says nothing. */
  static async dial(port: number): Promise<WsPeer> {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    await once(socket, "connect");
    return new WsPeer(socket);
  }

  /** Asks for the upgrade, comes in with CONNECT and waits for the PONG behind it. */
  static async enter(port: number, parts: UpgradeParts = {}, fields: object = {}): Promise<WsPeer> {
    const peer = await WsPeer.open(port, parts);
    peer.sendData(`${connectLine(fields)}PING\r\n`);
    if (!(await peer.waitUntil(() => peer.text.includes("PONG\r\n") || peer.isClosed))) {
      throw new Error("no PONG");
    }
    return peer;
  }

  /** The status of the answer to the upgrade; 0: there was none. */
  get status(): number {
    return Number(/^http\/1\.1 (\d+)/.exec(this.answer)?.[1] ?? 0);
  }

  /** The first INFO. */
  get info(): Record<string, unknown> {
    return JSON.parse(/INFO (.*?) ?\r\n/.exec(this.text)?.[1] ?? "{}") as Record<string, unknown>;
  }

  /** The frame with which the server closed; undefined while it has not. */
  get closeFrame(): { readonly code: number; readonly reason: string } | undefined {
    const found = this.frames.find(({ opcode }) => opcode === OPCODES.close);
    if (found === undefined) return undefined;
    if (found.payload.length < 2) return { code: 1005, reason: "" };
    return { code: found.payload.readUInt16BE(0), reason: found.payload.subarray(2).toString() };
  }

  /** Sends bytes as they are. */
  send(bytes: string | Uint8Array): void {
    this.#socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }

  sendFrame(opcode: number, payload: string | Uint8Array = "", shape: FrameShape = {}): void {
    this.send(frame(opcode, payload, shape));
  }

  /** One binary message. */
  sendData(data: string): void {
    this.sendFrame(OPCODES.binary, data);
  }

  /** Stops reading. */
  pause(): void {
    this.#socket.pause();
  }

  /** Reads again. */
  resume(): void {
    this.#socket.resume();
  }

  drop(): void {
    this.#socket.destroy();
  }

  /** Resolves to true as soon as `condition` holds, to false when it does not in time. */
  async waitUntil(condition: () => boolean, deadlineMs = DEADLINE_MS): Promise<boolean> {
    const late = Promise.withResolvers<"late">();
    const timer = setTimeout(() => late.resolve("late"), deadlineMs);
    try {
      while (!condition()) {
        if ((await Promise.race([this.#changed.promise, late.promise])) === "late") return condition();
      }
      return true;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits until all that was sent is dealt with; false when the connection ended instead. */
  async barrier(): Promise<boolean> {
    const before = this.text.split("PONG\r\n").length;
    this.sendData("PING\r\n");
    await this.waitUntil(() => this.text.split("PONG\r\n").length > before || this.isOver);
    return this.text.split("PONG\r\n").length > before;
  }

  /** The server has closed, in whatever way. */
  get isOver(): boolean {
    return this.isClosed || this.closeFrame !== undefined;
  }

  async #upgrade(port: number, parts: UpgradeParts): Promise<void> {
    this.send(upgradeRequest(port, parts));
    await this.waitUntil(() => this.answer !== "" || this.isClosed);
  }

  #onData(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    if (this.answer === "") {
      const end = this.#bytes.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.answer = this.#bytes.latin1Slice(0, end).toLowerCase();
      this.#bytes = this.#bytes.subarray(end + 4);
    }
    if (this.status === 101) this.#takeFrames();
    this.#notify();
  }

  #takeFrames(): void {
    for (let taken = takeFrame(this.#bytes); taken !== null; taken = takeFrame(this.#bytes)) {
      this.#bytes = taken.rest;
      this.frames.push(taken.frame);
      if (taken.frame.opcode >= OPCODES.close) continue;
      this.#message.push(taken.frame);
      if (!taken.frame.isFinal) continue;
      const payload = Buffer.concat(this.#message.map((part) => part.payload));
      const data = this.#message[0].isCompressed ? inflated(payload) : payload;
      this.text += data.toString("latin1");
      this.#message = [];
    }
  }

  #close(): void {
    this.isClosed = true;
    this.#notify();
  }

  #notify(): void {
    const changed = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    changed.resolve();
  }
}

/** The request of a client that keeps the rules, or does not. */
function upgradeRequest(port: number, { method, target, headers }: UpgradeParts = {}): string {
  const fields: Record<string, string | null> = {
    Host: `127.0.0.1:${port}`,
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
    ...headers,
  };
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    value === null ? [] : [`${name}: ${value}`],
  );
  return `${[`${method ?? "GET"} ${target ?? "/"} HTTP/1.1`, ...lines].join("\r\n")}\r\n\r\n`;
}

function inflated(payload: Buffer): Buffer {
  const end = Buffer.from([0, 0, 0xff, 0xff]);
  return inflateRawSync(Buffer.concat([payload, end]), { finishFlush: constants.Z_SYNC_FLUSH });
}
