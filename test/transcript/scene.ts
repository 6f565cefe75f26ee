import { RawClient } from "../support/raw-client.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { readBytes, writeBytes } from "./bytes.ts";
import { ANYTHING, CLOSED, matches, matchesInAnyOrder, messages } from "./match.ts";
import { Connection } from "./connection.ts";
import type { Case, Command, Expectation, Step } from "./transcript.ts";

/** How long no connection may receive anything until a recording takes it that all has arrived. */
const RECORD_QUIET_MS = 120;

/** Fields of INFO that a recording writes down: those that are the same on every machine and in every run. */
const STABLE_INFO_FIELDS = [
  ..."headers max_payload auth_required tls_required tls_verify tls_available jetstream".split(" "),
  ..."client_ip ldm connect_info remote_account acc_is_sys".split(" "),
];

/** New expectation lines of a step, to be written where the old ones stand. */
export interface Recording {
  step: Step;
  lines: string[];
}

/** Cuts bytes to pieces; together they are the same bytes. */
export type Cut = (bytes: string) => string[];

/** A case being played against a server: its connections and what they received. */
export class Scene {
  readonly #case: Case;
  readonly #server: ServerProcess;
  readonly #cut: Cut;
  readonly #connections = new Map<string, Connection>();

  /** `cut` says in which pieces bytes go out that the transcript itself does not cut. */
  constructor(played: Case, server: ServerProcess, cut: Cut = (bytes) => [bytes]) {
    this.#case = played;
    this.#server = server;
    // In lame duck mode there is no bystander to prove that a piece was read.
    this.#cut = played.server.exclusive ? (bytes) => [bytes] : cut;
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
        for (const connection of this.#connections.values()) connection.taken.length = 0;
        await this.#command(step.commands);
        const differences = await this.#check(step);
        // Output that is right is left as it is, without waiting: what is about time goes on.
        if (step.expectations.length > 0 && differences.length === 0) continue;
        while (await this.#somethingArrives()) continue;
        if (step.expectations.length === 0 && this.#unread().length === 0) continue;
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
      await this.#send(connection, chunks.length === 1 ? this.#cut(chunks.join("")) : chunks);
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
      if (connection.closed) return;
      if (chunk !== "") connection.send(chunk);
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
    const received: string[] = [];
    for (const text of expected) {
      const line = text === ANYTHING ? await connection.takeAll() : await connection.take();
      received.push(line ?? "");
      const wrong = line === null || (!first.anyOrder && text !== ANYTHING && !matches(text, line));
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
      const ordered = unordered ? messages(received).sort(byText).flat() : received;
      for (const line of ordered)
        lines.push(`${connection.name}${unordered ? "~" : "<"} ${transcribed(line)}`);
    }
    return lines;
  }

  async #finish(): Promise<void> {
    for (const connection of this.#connections.values()) await connection.finish();
  }
}

function byText(a: readonly string[], b: readonly string[]): number {
  return a.join() < b.join() ? -1 : 1;
}

function blockKey(expectation: Expectation | undefined): string {
  return expectation === undefined
    ? ""
    : `${expectation.connections.join("|")}${expectation.anyOrder ? "~" : "<"}`;
}

async function firstToReceive(candidates: readonly Connection[]): Promise<Connection> {
  const [only] = candidates;
  if (only !== undefined && candidates.length === 1) return only;
  const waits = candidates.map(async (one) => {
    const came = await one.waitForOutput();
    return came ? one : null;
  });
  return (await Promise.race(waits)) ?? candidates[0] ?? fail();
}

function fail(): never {
  throw new Error("an expectation names no connection");
}

function transcribed(line: string): string {
  if (line === CLOSED) return CLOSED;
  const info = /^INFO (\{.*\}) $/s.exec(line)?.[1];
  if (info === undefined) return writeBytes(line);
  // An array as replacer names the fields that stay.
  return `INFO ${JSON.stringify(JSON.parse(info), STABLE_INFO_FIELDS)}`;
}

function chunksOf(text: string, byteByByte: boolean): string[] {
  const { chunks, unterminated } = readBytes(text);
  if (!unterminated) chunks.push(`${chunks.pop() ?? ""}\r\n`);
  return byteByByte ? ["", ...chunks.join("").split(""), ""] : chunks;
}

function difference(
  first: Expectation,
  connection: Connection,
  expected: readonly string[],
  received: readonly string[],
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
