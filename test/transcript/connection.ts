import type { RawClient } from "../support/raw-client.ts";
import { ANYTHING, CLOSED } from "./match.ts";
import type { Action } from "./transcript.ts";

/** One named connection of a scene. */
export class Connection {
  readonly name: string;
  /** What was taken since a recorder emptied it. */
  readonly taken: string[] = [];
  readonly #client: RawClient;
  #closeTaken = false;
  #dropped = false;

  constructor(name: string, client: RawClient) {
    this.name = name;
    this.#client = client;
  }

  /** Sends latin1 text in one write. */
  send(bytes: string): void {
    this.#client.send(bytes);
  }

  /** Whether the server has closed it. */
  get closed(): boolean {
    return this.#client.closed;
  }

  /** Hangs up. */
  finish(): Promise<void> {
    return this.#client.finish();
  }

  /** True as soon as there is something to take, false when nothing comes. */
  waitForOutput(): Promise<boolean> {
    return this.#client.waitUntil(() => this.unread().length > 0);
  }

  /** Takes the greeting away. Throws when it is not an INFO. */
  async dropInfo(): Promise<void> {
    await this.#client.waitUntil(() => this.#client.lines.length > 0 || this.#client.closed);
    const first = this.#client.lines[0] ?? "";
    if (!first.startsWith("INFO ")) throw new Error(`${this.name} was not greeted by an INFO, but: ${first}`);
    this.#client.lines.shift();
  }

  /** Does what a transcript asks for by a word. Throws when the connection cannot. */
  async act(action: Action): Promise<void> {
    if (action === "sync") {
      if (!(await this.#client.barrier()))
        throw new Error(`${this.name} was closed instead of answering a PING`);
    } else if (action === "drop") {
      this.#client.drop();
      this.#dropped = true;
    } else if (action === "end") this.#client.endSending();
    else if (action === "pause") this.#client.pause();
    else if (action === "resume") this.#client.resume();
  }

  /** The next line; the end when the connection is closed; null when nothing comes. */
  async take(): Promise<string | null> {
    const client = this.#client;
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
    await this.#client.waitClosed();
    this.#client.lines.length = 0;
    this.#client.partial = "";
    return ANYTHING;
  }

  /** What has come and was not taken. */
  unread(): string[] {
    if (this.#dropped) return [];
    const { lines, partial, closed } = this.#client;
    const ended = closed && !this.#closeTaken ? [CLOSED] : [];
    return [...lines, ...(closed && partial !== "" ? [partial] : []), ...ended];
  }

  /** Takes all that has come. */
  takeUnread(): void {
    this.#client.lines.length = 0;
    if (this.#client.closed) {
      this.#client.partial = "";
      this.#closeTaken = true;
    }
  }

  /** Waits until the server has answered everything sent so far. */
  async settle(): Promise<void> {
    if (!this.#client.closed) await this.#client.lastBarrier();
  }
}
