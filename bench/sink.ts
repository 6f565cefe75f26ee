#!/usr/bin/env node
/**
 * No server, but what the load generator is held against to see how fast it could go: it looks at the first
 * PUB of a connection only, takes all that follows to be of the same length, and sends each subscriber as many
 * copies of a prepared MSG as whole PUBs have come in. `npm run bench -- --only ours --ours bench/sink.ts`
 * runs cases with it that publish to nobody or to plain subscribers (not --short, which compares bytes).
 */
import { writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";

/** Size of a prepared run of messages, at least one of them. */
const BLOCK_BYTES = 512 * 1024;

/** A subscribed connection and the messages prepared for it. */
class SinkSubscriber {
  readonly #socket: Socket;
  readonly #sid: string;
  #block = Buffer.alloc(0);
  #messageBytes = 0;

  constructor(socket: Socket, sid: string) {
    this.#socket = socket;
    this.#sid = sid;
  }

  /** Sends `count` messages; false when the publisher should wait for `drain` of the socket. */
  deliver(count: number, subject: string, payload: string): boolean {
    if (this.#messageBytes === 0) {
      const message = Buffer.from(
        `MSG ${subject} ${this.#sid} ${payload.length}\r\n${payload}\r\n`,
        "latin1",
      );
      this.#messageBytes = message.length;
      this.#block = Buffer.concat(Array<Buffer>(Math.ceil(BLOCK_BYTES / message.length)).fill(message));
    }
    let writable = true;
    for (let rest = count * this.#messageBytes; rest > 0; rest -= this.#block.length) {
      writable = this.#socket.write(this.#block.subarray(0, Math.min(rest, this.#block.length)));
    }
    return writable;
  }

  /** Calls back once the socket has written what it was given. */
  onceDrained(resume: () => void): void {
    this.#socket.once("drain", resume);
  }
}

const subscribers: SinkSubscriber[] = [];

/** Serves one connection: text until its first PUB, counted bytes after it. */
function serve(socket: Socket): void {
  socket.on("error", () => socket.destroy());
  socket.setNoDelay(true);
  socket.write('INFO {"max_payload":1048576} \r\n');
  let text = "";
  let subject = "";
  let payload = "";
  let operationBytes = 0;
  let partialBytes = 0;

  const count = (bytes: number) => {
    partialBytes += bytes;
    const messages = Math.floor(partialBytes / operationBytes);
    partialBytes %= operationBytes;
    const full = subscribers.filter((subscriber) => !subscriber.deliver(messages, subject, payload));
    if (full.length === 0) return;
    socket.pause();
    let waiting = full.length;
    for (const subscriber of full) subscriber.onceDrained(() => --waiting === 0 && socket.resume());
  };

  socket.on("data", (chunk: Buffer) => {
    if (operationBytes > 0) {
      const isPing = chunk.subarray(-6).equals(Buffer.from("PING\r\n"));
      if (isPing) socket.write("PONG\r\n");
      count(chunk.length - (isPing ? 6 : 0));
      return;
    }
    text += chunk.toString("latin1");
    for (let end = text.indexOf("\r\n"); end >= 0 && operationBytes === 0; end = text.indexOf("\r\n")) {
      const [verb, ...words] = text.slice(0, end).split(" ");
      if (verb === "PUB") {
        const size = Number(words.at(-1));
        if (text.length < end + 2 + size) return;
        [subject] = words;
        payload = text.slice(end + 2, end + 2 + size);
        operationBytes = end + 2 + size + 2;
        count(text.length);
        return;
      }
      if (verb === "PING") socket.write("PONG\r\n");
      if (verb === "SUB") subscribers.push(new SinkSubscriber(socket, words.at(-1) ?? ""));
      text = text.slice(end + 2);
    }
  });
}

if (process.argv.includes("--version")) {
  console.log("sink");
} else {
  const folder = process.argv[process.argv.indexOf("--ports_file_dir") + 1];
  const server = createServer(serve).listen(0, "127.0.0.1", () => {
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("not listening on TCP");
    const ports = JSON.stringify({ nats: [`nats://127.0.0.1:${address.port}`] });
    writeFileSync(join(folder, `sink_${process.pid}.ports`), ports);
  });
}
