import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** How long an answer may take before there is none. */
const ANSWER_DEADLINE_MS = 8_000;

export interface Answer {
  /** The header block, empty: none. */
  readonly headers: string;
  readonly body: string;
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly timer: NodeJS.Timeout;
}

/** Sends requests over a connection of its own and finds the answers; bytes in and out, no client library. */
export class Requester {
  readonly #socket: Socket;
  readonly #waiting = new Map<string, Waiting>();
  /** What came to other subjects than inboxes, in order. */
  readonly messages: { readonly subject: string; readonly reply: string; readonly body: string }[] = [];
  #input = Buffer.alloc(0);
  #count = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
  }

  static async connect(port: number, options: object = {}): Promise<Requester> {
    const socket = connect({ port, host: "127.0.0.1" });
    await once(socket, "connect");
    const requester = new Requester(socket);
    const connectOptions = { verbose: false, headers: true, no_responders: true, protocol: 1, ...options };
    socket.write(`CONNECT ${JSON.stringify(connectOptions)}\r\nSUB inbox.* 1\r\n`);
    return requester;
  }

  subscribe(subject: string): void {
    this.#socket.write(`SUB ${subject} 2\r\n`);
  }

  /** Rejects when nothing comes. `fields`: header fields without their CRLF. */
  request(subject: string, body: string, fields = ""): Promise<Answer> {
    const inbox = `inbox.${++this.#count}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(inbox);
        reject(new Error(`no answer to ${subject} ${body.slice(0, 200)}`));
      }, ANSWER_DEADLINE_MS);
      this.#waiting.set(inbox, { resolve, timer });
      this.#publish(subject, inbox, body, fields);
    });
  }

  /** As `request`, of what may be left without an answer: null, when one to a later request comes before. */
  async requestOrNone(subject: string, body: string, later: string): Promise<Answer | null> {
    const answer = this.request(subject, body);
    const inbox = `inbox.${this.#count}`;
    await this.request(later, "");
    const waiting = this.#waiting.get(inbox);
    if (waiting === undefined) return answer;
    this.#waiting.delete(inbox);
    clearTimeout(waiting.timer);
    return null;
  }

  close(): void {
    this.#socket.destroy();
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
  }

  #publish(subject: string, reply: string, body: string, fields: string): void {
    const headers = fields === "" ? "" : `NATS/1.0\r\n${fields}\r\n\r\n`;
    const payload = Buffer.from(headers + body, "utf8");
    const sizes = headers === "" ? String(payload.length) : `${headers.length} ${payload.length}`;
    this.#socket.write(`${headers === "" ? "PUB" : "HPUB"} ${subject} ${reply} ${sizes}\r\n`);
    this.#socket.write(payload);
    this.#socket.write("\r\n");
  }

  #receive(chunk: Buffer): void {
    this.#input = Buffer.concat([this.#input, chunk]);
    for (;;) {
      const end = this.#input.indexOf("\r\n");
      if (end < 0) return;
      const words = this.#input.toString("latin1", 0, end).split(" ");
      if (words[0] !== "MSG" && words[0] !== "HMSG") {
        if (words[0] === "PING") this.#socket.write("PONG\r\n");
        this.#input = this.#input.subarray(end + 2);
        continue;
      }
      const size = Number(words.at(-1));
      const start = end + 2;
      if (this.#input.length < start + size + 2) return;
      const headerSize = words[0] === "HMSG" ? Number(words.at(-2)) : 0;
      const headers = this.#input.toString("utf8", start, start + headerSize);
      const body = this.#input.toString("utf8", start + headerSize, start + size);
      this.#input = this.#input.subarray(start + size + 2);
      const reply = words.length === (headerSize > 0 ? 6 : 5) ? words[3] : "";
      this.#deliver(words[1], reply, { headers, body });
    }
  }

  #deliver(subject: string, reply: string, answer: Answer): void {
    const waiting = this.#waiting.get(subject);
    if (waiting === undefined) {
      this.messages.push({ subject, reply, body: answer.body });
      return;
    }
    this.#waiting.delete(subject);
    clearTimeout(waiting.timer);
    waiting.resolve(answer);
  }
}
