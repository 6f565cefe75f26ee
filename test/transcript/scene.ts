import { RawClient } from "../support/raw-client.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { readBytes, writeBytes } from "./bytes.ts";
import { ANYTHING, CLOSED, matches, matchesInAnyOrder, messages } from "./match.ts";
import type { Case, Command, Expectation, Step } from "./transcript.ts";

/** How long no connection may receive anything until a recording takes it that all has arrived. */
const RECORD_QUIET_MS = 120;

/** Fields of INFO that a recording writes down: those that are the same on every machine and in every run. */
const STABLE_INFO_FIELDS = new Set([
  ..."headers max_payload auth_required tls_required tls_verify tls_available jetstream".split(" "),
  ..."client_ip ldm connect_info remote_account acc_is_sys".split(" "),
]);

/** New expectation lines of a step, to be written where the old ones stand. */
export interface Recording {
  step: Step;
  lines: string[];
}

/** A line that was received, as latin1, or the end of the connection. */
type Received = string | typeof CLOSED;

/** A case being played against a server: its connections and what they received. */
export class Scene {
  readonly #case: Case;
  readonly #server: ServerProcess;
  readonly #connections = new Map<string, Connection>();

  constructor(played: Case, server: ServerProcess) {
    this.#case = played;
    this.#server = server;
  }

  /** Plays all steps. Returns the differences as readable lines, none when the server does what is written. */
  async play(): Promise<string[]> {
    try {
      for (const step of this.#case.steps) {
        await this.#command(step.commands);
        const differences = await this.#check(step);
        if (differences.length > 0) return differences;
      }
      return await this.#leftovers();
    } finally {
      await this.#finish();
    }
  }

  /** Plays all steps and returns what the expectations of those that differ should say. */
  async record(): Promise<Recording[]> {
    const recordings: Recording[] = [];
    try {
      for (const step of this.#case.steps) {
        for (const connection of this.#connections.values()) connection.taken = [];
        await this.#command(step.commands);
        const differences = await this.#check(step);
        while (await this.#somethingArrives()) continue;
        if (differences.length === 0 && this.#unread().length === 0) continue;
        recordings.push({ step, lines: this.#transcribe(step) });
      }
      return recordings;
    } finally {
      await this.#finish();
    }
  }

  /** Carries out the commands of a step; sends of one connection that follow one another go out together. */
  async #command(commands: readonly Command[]): Promise<void> {
    for (let at = 0; at < commands.length; at += 1) {
      const command = commands[at];
      if (command === undefined) break;
      if (command.kind === "signal") {
        this.#server.signal(command.signal);
        continue;
      }
      const connection = await this.#connection(command.connection);
      if (command.kind === "action") {
        await connection.act(command.action);
        continue;
      }
      let chunks = [""];
      for (; at < commands.length; at += 1) {
        const next = commands[at];
        if (next?.kind !== "send" || next.connection !== command.connection) break;
        const [first = "", ...rest] = chunksOf(next.text, next.byteByByte);
        chunks = [...chunks.slice(0, -1), (chunks.at(-1) ?? "") + first, ...rest];
      }
      at -= 1;
      await this.#send(connection, chunks);
    }
  }

  /** Sends chunks so that the server reads them one by one: between two, a bystander is served. */
  async #send(connection: Connection, chunks: readonly string[]): Promise<void> {
    for (const [index, chunk] of chunks.entries()) {
      if (index > 0) {
        const bystander = await RawClient.connect(this.#server.port);
        await bystander.nextLine();
        await bystander.finish();
      }
      if (chunk !== "") connection.client.send(chunk);
    }
  }

  async #connection(name: string): Promise<Connection> {
    const known = this.#connections.get(name);
    if (known !== undefined) return known;
    const connection = new Connection(name, await RawClient.connect(this.#server.port));
    this.#connections.set(name, connection);
    // The first INFO is left out of a transcript unless it is what the case is about.
    const expectations = this.#case.steps.flatMap((step) => step.expectations);
    const first = expectations.find((expectation) => expectation.connections.includes(name));
    if (first?.text.startsWith("INFO ") !== true) await connection.dropInfo();
    return connection;
  }

  /** Compares what arrives with a step's expectations, block by block. */
  async #check(step: Step): Promise<string[]> {
    const blocks: Expectation[][] = [];
    for (const expectation of step.expectations) {
      const block = blocks.at(-1);
      if (block !== undefined && blockKey(block[0]) === blockKey(expectation)) block.push(expectation);
      else blocks.push([expectation]);
    }
    for (const block of blocks) {
      const differences = await this.#checkBlock(block);
      if (differences.length > 0) return differences;
    }
    return [];
  }

  async #checkBlock(block: readonly Expectation[]): Promise<string[]> {
    const [first] = block;
    if (first === undefined) return [];
    const candidates: Connection[] = [];
    for (const name of first.connections) candidates.push(await this.#connection(name));
    const connection = await firstToReceive(candidates);
    const expected = block.map((expectation) => expectation.text);
    const received: Received[] = [];
    for (const text of expected) {
      const line = text === ANYTHING ? await connection.takeAll() : await connection.take();
      received.push(line ?? "");
      const wrong = line === null || (!first.anyOrder && text !== ANYTHING && !matches(escaped(text), line));
      if (wrong) return difference(first, connection, expected, received, line === null);
    }
    if (first.anyOrder && !matchesInAnyOrder(expected, received)) {
      return difference(first, connection, expected, received, false);
    }
    return [];
  }

  /** What came that no expectation asked for, once every connection has proved that nothing is on its way. */
  async #leftovers(): Promise<string[]> {
    for (const connection of this.#connections.values()) await connection.settle();
    return this.#unread().map((line) => `+ ${line}   (not expected)`);
  }

  #unread(): string[] {
    return [...this.#connections.values()].flatMap((connection) =>
      connection.unread().map((line) => `${connection.name}< ${writeBytes(line)}`),
    );
  }

  async #somethingArrives(): Promise<boolean> {
    const count = this.#unread().length;
    await new Promise((resolve) => setTimeout(resolve, RECORD_QUIET_MS));
    return this.#unread().length > count;
  }

  /** All that was received in this step, as expectation lines. */
  #transcribe(step: Step): string[] {
    const lines: string[] = [];
    for (const connection of [...this.#connections.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const received = [...connection.taken, ...connection.unread()];
      connection.takeUnread();
      const unordered = step.expectations.some(
        (one) => one.anyOrder && one.connections.length === 1 && one.connections[0] === connection.name,
      );
      const ordered = unordered ? messages(received).sort().flat() : received;
      for (const line of ordered) lines.push(`${connection.name}${unordered ? "~" : "<"} ${transcribed(line)}`);
    }
    return lines;
  }

  async #finish(): Promise<void> {
    for (const connection of this.#connections.values()) await connection.client.finish();
  }
}

/** One named connection of a scene. */
class Connection {
  readonly name: string;
  readonly client: RawClient;
  /** What was taken in the current step. */
  taken: Received[] = [];
  #closeTaken = false;
  #given = false;

  constructor(name: string, client: RawClient) {
    this.name = name;
    this.client = client;
  }

  async dropInfo(): Promise<void> {
    await this.client.waitUntil(() => this.client.lines.length > 0 || this.client.closed);
    if (this.client.lines[0]?.startsWith("INFO ") === true) this.client.lines.shift();
  }

  async act(action: string): Promise<void> {
    if (action === "sync") {
      if (!(await this.client.barrier())) throw new Error(`${this.name} was closed instead of answering a PING`);
    } else if (action === "drop") {
      this.client.drop();
      this.#given = true;
    } else if (action === "end") this.client.endSending();
    else if (action === "pause") this.client.pause();
    else if (action === "resume") this.client.resume();
  }

  /** The next line; the end when the connection is closed; null when nothing comes. */
  async take(): Promise<Received | null> {
    const { client } = this;
    if (!(await client.waitUntil(() => client.lines.length > 0 || client.closed))) return null;
    const line = this.unread()[0] ?? null;
    if (line === null) return null;
    if (client.lines.length > 0) client.lines.shift();
    else if (client.partial !== "") client.partial = "";
    else this.#closeTaken = true;
    this.taken.push(line);
    return line;
  }

  /** Takes whatever comes until the end. */
  async takeAll(): Promise<string> {
    await this.client.waitClosed();
    this.client.lines.length = 0;
    this.client.partial = "";
    return ANYTHING;
  }

  /** What has come and was not taken. */
  unread(): Received[] {
    if (this.#given) return [];
    const { lines, partial, closed } = this.client;
    const ended = closed && !this.#closeTaken ? [CLOSED] : [];
    return [...lines, ...(closed && partial !== "" ? [partial] : []), ...ended];
  }

  takeUnread(): void {
    this.client.lines.length = 0;
    if (this.client.closed) {
      this.client.partial = "";
      this.#closeTaken = true;
    }
  }

  /** Waits until the server has answered everything sent so far. */
  async settle(): Promise<void> {
    if (!this.client.closed) await this.client.lastBarrier();
  }
}

function blockKey(expectation: Expectation | undefined): string {
  return expectation === undefined ? "" : `${expectation.connections.join("|")}${expectation.anyOrder ? "~" : "<"}`;
}

async function firstToReceive(candidates: readonly Connection[]): Promise<Connection> {
  const [only] = candidates;
  if (only !== undefined && candidates.length === 1) return only;
  const waits = candidates.map(async (one) => {
    const came = await one.client.waitUntil(() => one.unread().length > 0);
    return came ? one : null;
  });
  return (await Promise.race(waits)) ?? candidates[0] ?? fail();
}

function fail(): never {
  throw new Error("an expectation names no connection");
}

/** A received line's end without CRLF shows as a `\` in the transcript; the comparison goes without it. */
function escaped(text: string): string {
  return text;
}

function transcribed(line: Received): string {
  if (line === CLOSED) return CLOSED;
  const info = /^INFO (\{.*\}) $/s.exec(line)?.[1];
  if (info === undefined) return writeBytes(line);
  const fields = Object.entries(JSON.parse(info) as object).filter(([name]) => STABLE_INFO_FIELDS.has(name));
  return `INFO ${JSON.stringify(Object.fromEntries(fields))}`;
}

function chunksOf(text: string, byteByByte: boolean): string[] {
  const { chunks, unterminated } = readBytes(text);
  if (!unterminated) chunks.push(`${chunks.pop() ?? ""}\r\n`);
  return byteByByte ? ["", ...chunks.join(""), ""] : chunks;
}

function difference(
  first: Expectation,
  connection: Connection,
  expected: readonly string[],
  received: readonly Received[],
  silent: boolean,
): string[] {
  const seen = [...received.slice(0, silent ? -1 : undefined), ...connection.unread()];
  return [
    `line ${first.line}:`,
    ...expected.map((line) => `- ${connection.name}< ${line}`),
    ...seen.map((line) => `+ ${connection.name}< ${writeBytes(line)}`),
    ...(silent ? ["+ (and then nothing more came)"] : []),
  ];
}
