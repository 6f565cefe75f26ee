import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServerProcess } from "./server-process.ts";

/** How long answers may take before the scene has failed. */
const ANSWER_DEADLINE_MS = 10_000;

/** A message to be published, and how many messages that brings back. */
export interface SceneStep {
  readonly subject: string;
  /** Empty: none. Replies lie below `r.`. */
  readonly reply: string;
  /** Header fields, `Name: value` each; `{stream}` stands for the stream's name. */
  readonly fields: readonly string[];
  readonly body: string;
  readonly answers: number;
}

/** A stream, and what is published to it. Its subjects lie below `s.`. */
export interface Scene {
  readonly name: string;
  /** The stream's configuration, besides name, subjects and storage. */
  readonly config: object;
  readonly steps: readonly SceneStep[];
  /** How many messages the stream has in the end, where no answer tells that it is so far. */
  readonly holds?: number;
}

/** What goes in and out of a server's port for one client, without a client library. */
class SceneClient {
  readonly #socket: Socket;
  #input = Buffer.alloc(0);
  /** Messages that nobody took yet: subject, headers and body. */
  #received: string[] = [];
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
  }

  static async connect(port: number): Promise<SceneClient> {
    const socket = connect({ port, host: "127.0.0.1" });
    await once(socket, "connect");
    const hello = { verbose: false, headers: true, no_responders: true, protocol: 1 };
    socket.write(`CONNECT ${JSON.stringify(hello)}\r\nSUB r.> 1\r\nSUB api.* 2\r\n`);
    socket.write("SUB $JS.EVENT.ADVISORY.STREAM.BATCH_ABANDONED.> 3\r\n");
    return new SceneClient(socket);
  }

  publish({ subject, reply, fields, body }: SceneStep): void {
    const headers = fields.length === 0 ? "" : `NATS/1.0\r\n${fields.join("\r\n")}\r\n\r\n`;
    const size = Buffer.byteLength(headers + body);
    const sizes = headers === "" ? String(size) : `${Buffer.byteLength(headers)} ${size}`;
    const address = reply === "" ? subject : `${subject} ${reply}`;
    this.#socket.write(`${headers === "" ? "PUB" : "HPUB"} ${address} ${sizes}\r\n${headers}${body}\r\n`);
  }

  /** Resolves with the next `count` messages; rejects when they do not come. */
  async take(count: number, what: string): Promise<string[]> {
    const deadline = AbortSignal.timeout(ANSWER_DEADLINE_MS);
    while (this.#received.length < count) {
      if (deadline.aborted)
        throw new Error(`only ${JSON.stringify(this.#received)} of ${count} messages came: ${what}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        deadline.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    return this.#received.splice(0, count);
  }

  /** Asks the API and resolves with the answer's body. */
  async ask(subject: string, body: string): Promise<string> {
    this.publish({ subject: `$JS.API.${subject}`, reply: "api.x", fields: [], body, answers: 1 });
    for (;;) {
      const [message] = await this.take(1, subject);
      if (message.startsWith("api.x ")) return message.slice("api.x ".length);
      this.#late.push(message);
    }
  }

  /** Messages that came where none was expected. */
  readonly #late: string[] = [];

  get late(): readonly string[] {
    return this.#late;
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#input = Buffer.concat([this.#input, chunk]);
    for (;;) {
      const end = this.#input.indexOf("\r\n");
      if (end < 0) break;
      const words = this.#input.toString("latin1", 0, end).split(" ");
      const size = words[0] === "MSG" || words[0] === "HMSG" ? Number(words.at(-1)) + 2 : 0;
      if (this.#input.length < end + 2 + size) break;
      if (words[0] === "PING") this.#socket.write("PONG\r\n");
      if (size > 0) this.#received.push(`${words[1]} ${this.#input.toString("utf8", end + 2, end + size)}`);
      this.#input = this.#input.subarray(end + 2 + size);
    }
    this.#wake();
  }
}

const FOLDER_GONE = "error creating store for stream";
const CREATE_TRIES = 20;

/** Of what differs from one run to the next. */
const VOLATILE = /("(?:id|timestamp)":"|Nats-(?:Time-Stamp|Schedule-Next): (?=\d))[^"\r]*/g;

/** What a server says in each scene: the messages that came back, then what the stream holds. */
export async function playScenes(
  command: string,
  storage: "file" | "memory",
  scenes: readonly Scene[],
): Promise<Map<string, string[]>> {
  const folder = await mkdtemp(join(tmpdir(), "caddis-js-"));
  const limits = "limits { batch { max_msgs: 5, max_inflight_per_stream: 2 } }";
  const config = `server_name: T, jetstream { store_dir: ${JSON.stringify(folder)}, max_mem: 64MB, max_file: 64MB, ${limits} }`;
  const server = await ServerProcess.start({ command, config });
  const transcripts = new Map<string, string[]>();
  try {
    for (const [index, scene] of scenes.entries()) {
      const client = await SceneClient.connect(server.port);
      try {
        // Each has a name of its own: the reference may still be writing to a stream that was deleted.
        transcripts.set(scene.name, await play(client, `STREAM${index}`, storage, scene));
      } finally {
        client.close();
      }
    }
    return transcripts;
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function play(
  client: SceneClient,
  stream: string,
  storage: string,
  { name, config, steps, holds = 0 }: Scene,
): Promise<string[]> {
  const lines: string[] = [];
  const note = (text: string): void => void lines.push(text.replace(VOLATILE, "$1V").replaceAll(stream, "S"));
  const wanted = JSON.stringify({ name: stream, subjects: ["s.>"], storage, ...config });
  let made = await client.ask(`STREAM.CREATE.${stream}`, wanted);
  // The reference may just be removing the folder of all streams, since the last one was deleted.
  for (let tries = 1; tries < CREATE_TRIES && made.includes(FOLDER_GONE); tries++) {
    made = await client.ask(`STREAM.CREATE.${stream}`, wanted);
  }
  if (made.includes('"error"')) throw new Error(made);
  for (const step of steps) {
    client.publish({ ...step, fields: step.fields.map((field) => field.replace("{stream}", stream)) });
    note(`> ${step.subject} ${step.reply} ${step.fields.join(", ")}`);
    // Answers and advisories come by different ways.
    for (const message of bySubject(await client.take(step.answers, `${name}, ${step.reply}`)))
      note(`  < ${message}`);
  }
  let state = await stateOf(client, stream);
  const deadline = AbortSignal.timeout(ANSWER_DEADLINE_MS);
  while (state.messages < holds && !deadline.aborted) state = await stateOf(client, stream);
  const { messages, bytes, first_seq: firstSeq, last_seq: lastSeq } = state;
  note(`state ${messages} messages, ${bytes} bytes, ${firstSeq} to ${lastSeq}`);
  for (let seq = firstSeq; seq <= lastSeq; seq++) {
    const got = JSON.parse(await client.ask(`STREAM.MSG.GET.${stream}`, JSON.stringify({ seq }))) as {
      message?: { subject: string; hdrs?: string; data?: string };
    };
    const { subject = "", hdrs = "", data = "" } = got.message ?? {};
    note(`${seq} ${subject} ${decoded(hdrs)}|${decoded(data)}`);
  }
  for (const message of client.late) note(`unexpected ${message}`);
  await client.ask(`STREAM.DELETE.${stream}`, "");
  return lines;
}

interface SceneState {
  readonly messages: number;
  readonly bytes: number;
  readonly first_seq: number;
  readonly last_seq: number;
}

async function stateOf(client: SceneClient, stream: string): Promise<SceneState> {
  return (JSON.parse(await client.ask(`STREAM.INFO.${stream}`, "")) as { state: SceneState }).state;
}

/** Ordered by subject; those of one subject as they came. */
function bySubject(messages: readonly string[]): string[] {
  const subjectOf = (message: string): string => message.slice(0, message.indexOf(" "));
  return messages.toSorted((a, b) =>
    subjectOf(a) < subjectOf(b) ? -1 : subjectOf(a) > subjectOf(b) ? 1 : 0,
  );
}

function decoded(base64: string): string {
  return Buffer.from(base64, "base64").toString("utf8");
}
