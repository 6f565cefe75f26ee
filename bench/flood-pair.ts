import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { INSIDER } from "./flood-servers.ts";
import { payloadOf } from "./load/traffic.ts";

const PAYLOAD_BYTES = 128;
/** Messages in one write. */
const BATCH = 512;
/** Messages that may be under way: the publisher waits for the subscriber, so that none piles up. */
const UNDER_WAY_MAX = 8_192;

const SUBJECT = "flood.pair";
const PUBLISH = `PUB ${SUBJECT} ${PAYLOAD_BYTES}\r\n${payloadOf(PAYLOAD_BYTES)}\r\n`;
const MESSAGE_BYTES = `MSG ${SUBJECT} 1 ${PAYLOAD_BYTES}\r\n${payloadOf(PAYLOAD_BYTES)}\r\n`.length;

/** A publisher and a subscriber that were let in, in the clear. */
export class FloodPair {
  readonly #publisher: Socket;
  readonly #subscriber: Socket;
  #receivedBytes = 0;
  #sentMessages = 0;
  #isRunning = false;
  #failed = Promise.withResolvers<never>();
  readonly #batch = Buffer.from(PUBLISH.repeat(BATCH), "latin1");

  private constructor(publisher: Socket, subscriber: Socket) {
    this.#publisher = publisher;
    this.#subscriber = subscriber;
    this.#failed.promise.catch(() => {});
    for (const socket of [publisher, subscriber]) {
      socket.on("close", () => this.#failed.reject(new Error("the server closed a connection of the pair")));
    }
    subscriber.on("data", (bytes: Buffer) => {
      // The server's PING now and then; nothing else comes between messages.
      if (bytes.length < MESSAGE_BYTES && bytes.includes("PING\r\n"))
        return void subscriber.write("PONG\r\n");
      this.#receivedBytes += bytes.length;
      this.#pump();
    });
    publisher.on("data", (bytes: Buffer) => {
      if (bytes.includes("-ERR")) this.#failed.reject(new Error(bytes.toString("latin1")));
      if (bytes.includes("PING\r\n")) publisher.write("PONG\r\n");
    });
    publisher.on("drain", () => this.#pump());
  }

  /** Connects both. */
  static async open(port: number): Promise<FloodPair> {
    const [publisher, subscriber] = [await enter(port), await enter(port)];
    await say(subscriber, `SUB ${SUBJECT} 1\r\n`);
    return new FloodPair(publisher, subscriber);
  }

  /** A callout service that hears every question and answers none. */
  static async silentService(port: number): Promise<{ close(): void }> {
    const socket = await enter(port);
    await say(socket, "SUB $SYS.REQ.USER.AUTH 1\r\n");
    socket.resume();
    return { close: () => void socket.destroy() };
  }

  /** Publishes as fast as messages arrive until `end` resolves; messages received per second. */
  async run(end: Promise<unknown>): Promise<number> {
    const [startMs, startBytes] = [performance.now(), this.#receivedBytes];
    this.#isRunning = true;
    this.#pump();
    try {
      await Promise.race([end, this.#failed.promise]);
    } finally {
      this.#isRunning = false;
    }
    const seconds = (performance.now() - startMs) / 1_000;
    return (this.#receivedBytes - startBytes) / MESSAGE_BYTES / seconds;
  }

  close(): void {
    for (const socket of [this.#publisher, this.#subscriber]) {
      socket.removeAllListeners("close");
      socket.destroy();
    }
  }

  #pump(): void {
    while (this.#isRunning && this.#sentMessages - this.#receivedBytes / MESSAGE_BYTES < UNDER_WAY_MAX) {
      this.#sentMessages += BATCH;
      if (!this.#publisher.write(this.#batch)) return;
    }
  }
}

async function enter(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  await say(
    socket,
    `CONNECT ${JSON.stringify({ verbose: false, pedantic: false, protocol: 0, ...INSIDER })}\r\n`,
  );
  return socket;
}

/** Sends `operations`; resolves when the server has taken them. */
async function say(socket: Socket, operations: string): Promise<void> {
  socket.write(`${operations}PING\r\n`);
  let text = "";
  while (!text.includes("PONG\r\n")) {
    const [bytes] = (await once(socket, "data")) as [Buffer];
    text += bytes.toString("latin1");
    if (text.includes("-ERR")) throw new Error(text);
  }
}
