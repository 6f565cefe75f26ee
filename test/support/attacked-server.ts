import { readFileSync } from "node:fs";
import type { TestContext } from "node:test";
import { loadConfig, resolveOptions } from "../../packages/caddis/src/config/load.ts";
import { nodePorts } from "../../packages/caddis/src/server/node-ports.ts";
import { Server } from "../../packages/caddis/src/server/server.ts";
import { ListLog } from "./fake-ocsp.ts";
import { RawClient } from "./raw-client.ts";

/** A server in this process, made of a configuration as an operator writes it, for those who try to get past it. */
export class AttackedServer {
  readonly server: Server;
  readonly log: ListLog;
  readonly #clients: RawClient[] = [];

  private constructor(server: Server, log: ListLog) {
    this.server = server;
    this.log = log;
  }

  /** Starts on a random port of 127.0.0.1; ends with the test. */
  static async start(t: TestContext, config: string): Promise<AttackedServer> {
    const { options, errors, unsupported } = loadConfig(config, {
      file: "conf",
      readFile: (path) => readFileSync(path, "utf8"),
      env: () => undefined,
    });
    const problems = [...errors, ...unsupported];
    if (problems.length > 0) throw new Error(problems.join("; "));
    const log = new ListLog();
    const resolved = resolveOptions({ ...options, host: "127.0.0.1", port: 0 });
    const server = new Server(resolved, nodePorts(log), {});
    const attacked = new AttackedServer(server, log);
    t.after(async () => {
      for (const client of attacked.#clients) client.drop();
      await server.shutdown();
    });
    await server.start();
    return attacked;
  }

  get port(): number {
    return this.server.broker.port;
  }

  /** A connection that was greeted with INFO, which is gone from its lines. */
  async open(): Promise<RawClient> {
    return (await this.greeted()).client;
  }

  /** The same, with what INFO gave it to sign. */
  async greeted(): Promise<{ readonly client: RawClient; readonly nonce: string }> {
    const client = await RawClient.connect(this.port);
    this.#clients.push(client);
    const info = JSON.parse(((await client.nextLine()) ?? "").slice("INFO ".length)) as { nonce?: string };
    return { client, nonce: info.nonce ?? "" };
  }

  /** A connection that sent its CONNECT with `fields`; whether it is let in, its next lines say. */
  async connect(fields: object = {}): Promise<RawClient> {
    const client = await this.open();
    client.send(connectLine(fields));
    return client;
  }

  /** A connection that was let in; its lines are empty. Throws when it was not. */
  async enter(fields: object = {}): Promise<RawClient> {
    const client = await this.connect(fields);
    if (!(await client.barrier())) throw new Error(`turned away: ${client.lines.join(" ")}`);
    client.lines.length = 0;
    return client;
  }

  /** The answer of monitoring at `path`, as text. */
  async monitor(path: string): Promise<string> {
    const response = await fetch(`${this.server.monitoringUrls[0]}${path}`);
    return response.text();
  }
}

/** A CONNECT with `fields`, from a client that wants no answer to each operation. */
export function connectLine(fields: object = {}): string {
  const connect = { verbose: false, pedantic: false, headers: true, protocol: 1, ...fields };
  return `CONNECT ${JSON.stringify(connect)}\r\n`;
}

/** Whether `client` was turned away for want of the right to come in; waits until it is closed. */
export async function isTurnedAway(client: RawClient): Promise<boolean> {
  await client.waitClosed();
  return client.closed && client.lines.includes("-ERR 'Authorization Violation'");
}

/** The subjects of the messages that have arrived at `client`, everything sent before being through. */
export async function received(client: RawClient): Promise<string[]> {
  await client.barrier();
  return client.lines.filter((line) => /^H?MSG /.test(line)).map((line) => line.split(" ")[1]);
}
