import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { Program, testFolder } from "./program.ts";
import { RawClient } from "./raw-client.ts";

/** A client of a reload: what it sends to come in, `CONNECT` apart from its braces first. */
export interface ReloadClient {
  /** Members of the CONNECT's JSON; verbose and pedantic are off. */
  readonly connect?: Readonly<Record<string, unknown>>;
  /** Subjects it subscribes to, with sids from 1; `subject queue` in a group. */
  readonly subs?: readonly string[];
}

/** What became of a client: lines it got after the reload, and whether it is still in. */
export interface ClientOutcome {
  readonly lines: readonly string[];
  readonly isIn: boolean;
}

/** What became of a reload. */
export interface ReloadOutcome {
  readonly isAccepted: boolean;
  /** Log lines from the signal on, without time and process. */
  readonly log: readonly string[];
  readonly clients: readonly ClientOutcome[];
  /** What INFO tells a new client about getting in: names of members, with the values that are no chance. */
  readonly greeting: Readonly<Record<string, unknown>>;
}

/** Members of INFO that options decide about. */
const GREETING = ["auth_required", "tls_required", "tls_verify", "tls_available", "max_payload", "headers"];

/** A server whose configuration file the test rewrites. */
export class ReloadServer {
  readonly folder: string;
  readonly #program: Program;
  readonly #file: string;
  /** Reloads whose end the log has told. */
  #reloads = 0;

  private constructor(folder: string, file: string, program: Program) {
    this.folder = folder;
    this.#file = file;
    this.#program = program;
  }

  static async start(
    t: TestContext,
    command: string,
    config: string,
    args: readonly string[] = [],
  ): Promise<ReloadServer> {
    const folder = await testFolder(t);
    const file = join(folder, "server.conf");
    await writeFile(file, config);
    const program = new Program(t, command, ["-a", "127.0.0.1", "-p", "-1", "-c", file, ...args], folder);
    await program.until(/Server is ready/);
    return new ReloadServer(folder, file, program);
  }

  get port(): number {
    return Number(/Listening for client connections on .*:(\d+)/.exec(this.#program.stderr)?.[1]);
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** Lines of the log on stderr, without time and process. */
  get log(): readonly string[] {
    return this.#program.stderr.split("\n").map((line) => line.replace(/^\[\d+\] [^[]*(?=\[)/, ""));
  }

  signal(name: NodeJS.Signals): void {
    this.#program.signal(name);
  }

  /** Resolves when the log on stderr matches. */
  until(pattern: RegExp): Promise<void> {
    return this.#program.until(pattern);
  }

  /** Gives the server another configuration; says whether it took it. */
  async reload(config: string): Promise<boolean> {
    await writeFile(this.#file, config);
    this.#program.signal("SIGHUP");
    this.#reloads++;
    const ends = (text: string): string[] => text.match(RELOAD_END) ?? [];
    await this.#program.untilSaid((text) => ends(text).length >= this.#reloads, "the end of a reload");
    return ends(this.#program.stderr)[this.#reloads - 1].startsWith("Reloaded");
  }

  async connect({ connect, subs }: ReloadClient): Promise<RawClient> {
    const client = await RawClient.connect(this.port);
    await client.waitUntil(() => client.lines.length > 0);
    const options = { verbose: false, pedantic: false, ...connect };
    const interest = (subs ?? []).map((subject, i) => `SUB ${subject} ${i + 1}\r\n`);
    client.send(`CONNECT ${JSON.stringify(options)}\r\n${interest.join("")}`);
    await client.barrier();
    client.lines.length = 0;
    return client;
  }

  /** From `before` to `after` with clients that came in between. */
  async run(before: string, after: string, clients: readonly ReloadClient[]): Promise<ReloadOutcome> {
    if (!(await this.reload(before))) throw new Error(`not taken: ${before}\n${this.log.join("\n")}`);
    const connected: RawClient[] = [];
    for (const client of clients) connected.push(await this.connect(client));
    const from = this.log.length - 1;
    const isAccepted = await this.reload(after);
    const outcomes: ClientOutcome[] = [];
    for (const client of connected) {
      const isIn = await client.barrier();
      outcomes.push({ lines: client.lines.map(withoutInfo), isIn });
      await client.finish();
    }
    const greeting = await this.greeting();
    return { isAccepted, log: this.log.slice(from), clients: outcomes, greeting };
  }

  /** INFO as a new client gets it. */
  async greeting(): Promise<Record<string, unknown>> {
    const client = await RawClient.connect(this.port);
    await client.waitUntil(() => client.lines.length > 0 || client.closed);
    const info = JSON.parse((client.lines.at(0) ?? "INFO {}").slice("INFO ".length)) as Record<
      string,
      unknown
    >;
    await client.finish();
    const shown = GREETING.map((name) => [name, info[name]]);
    return { ...Object.fromEntries(shown), hasNonce: info["nonce"] !== undefined };
  }
}

/** What the log says at the end of a reload. */
const RELOAD_END = /(?:Reloaded|Failed to reload) server configuration.*\n/g;

/** An INFO by its name: what it says is other on each server. */
function withoutInfo(line: string): string {
  return line.startsWith("INFO ") ? "INFO" : line;
}
