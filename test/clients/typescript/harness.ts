import assert from "node:assert/strict";
import { after, before, describe, type TestContext } from "node:test";
import type { NodeConnectionOptions } from "@nats-io/transport-node";
import { ServerProcess } from "../../support/server-process.ts";
import { eachServer, type Target } from "../support/targets.ts";
import {
  errorText,
  PACKAGES,
  type ClientPackage,
  type Connection,
  type Message,
  type Subscription,
} from "./package.ts";

/** Time that is never used up unless something is lost. */
export const LONG_MS = 20_000;

/** Defines a suite for each server and each package. */
export function eachPackage(define: (client: ClientPackage, target: Target) => void): void {
  eachServer((target) => {
    for (const client of PACKAGES) describe(client.name, () => define(client, target));
  });
}

/** The same, with one server for all tests of the suite; `port` may be called once tests run. */
export function eachPackageOnOneServer(define: (client: ClientPackage, port: () => number) => void): void {
  eachServer((target) => {
    let server: ServerProcess | undefined;
    before(async () => {
      server = await ServerProcess.start({ command: target.command });
    });
    after(async () => {
      await server?.stop();
    });
    const port = (): number => {
      assert.ok(server);
      return server.port;
    };
    for (const client of PACKAGES) describe(client.name, () => define(client, port));
  });
}

/** A server of its own for a test, which goes with the test. */
export async function startServer(
  t: TestContext,
  target: Target,
  options: { config?: string; args?: readonly string[] } = {},
): Promise<ServerProcess> {
  const server = await ServerProcess.start({ command: target.command, ...options });
  // By SIGKILL, because a server in lame duck mode ignores the polite signals.
  t.after(() => server.stop("SIGKILL"));
  return server;
}

/** A connection that is closed when the test ends. */
export async function connect(
  t: TestContext,
  client: ClientPackage,
  port: number,
  options: NodeConnectionOptions = {},
): Promise<Connection> {
  const connection = await client.connect({
    servers: `127.0.0.1:${port}`,
    reconnectTimeWait: 10,
    reconnectJitter: 1,
    maxReconnectAttempts: -1,
    ...options,
  });
  t.after(() => connection.close());
  return connection;
}

/** Asserts that the server says at once that nobody listens on a subject. */
export async function assertNobodyAnswers(
  client: ClientPackage,
  connection: Connection,
  subject: string,
  noMux = false,
): Promise<void> {
  await assert.rejects(connection.request(subject, "", { timeout: LONG_MS, noMux }), (error) => {
    assert.match(errorText(error), client.noResponders);
    return true;
  });
}

/** Reads a subscription message by message. */
export class Inbox {
  readonly #iterator: AsyncIterator<Message>;

  constructor(subscription: Subscription) {
    this.#iterator = subscription[Symbol.asyncIterator]();
  }

  /** The next message; fails when the subscription ends instead. */
  async next(): Promise<Message> {
    const result = await this.#iterator.next();
    assert.ok(result.done !== true, "the subscription ended");
    return result.value;
  }

  /** The text of the next `count` messages. */
  async texts(count: number): Promise<string[]> {
    const texts: string[] = [];
    for (let i = 0; i < count; i++) texts.push((await this.next()).string());
    return texts;
  }

  /** The text of all messages until the subscription ends. */
  async rest(): Promise<string[]> {
    const texts: string[] = [];
    for (;;) {
      const result = await this.#iterator.next();
      if (result.done === true) return texts;
      texts.push(result.value.string());
    }
  }
}

/** Follows the events of a connection from its start. */
export class Events {
  readonly #iterator: AsyncIterator<{ readonly type: string }>;

  constructor(connection: Connection) {
    this.#iterator = connection.status()[Symbol.asyncIterator]();
  }

  /** Waits for the next event of a type, passing over others. */
  async until(type: string): Promise<void> {
    const passed: string[] = [];
    for (;;) {
      const result = await this.#iterator.next();
      assert.ok(result.done !== true, `closed without "${type}", only: ${passed.join(", ")}`);
      if (result.value.type === type) return;
      passed.push(result.value.type);
    }
  }
}
