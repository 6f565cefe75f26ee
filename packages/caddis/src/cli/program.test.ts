import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { ConfigError } from "../config/config-error.ts";
import { LineLog } from "../io/node/line-log.ts";
import type { LogLevel } from "../io/node/log-format.ts";
import { type ProgramServer, runServer } from "./program.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGHUP"] as const;

/** A server that comes up when the test says so, and goes down at once. */
class HeldServer implements ProgramServer {
  readonly serverId = "N1";
  readonly clientUrls = [];
  readonly monitoringUrls = [];
  readonly websocketUrls = [];
  readonly opening = Promise.withResolvers<void>();
  readonly #down = Promise.withResolvers<void>();
  readonly closed = this.#down.promise;
  readonly calls: string[] = [];

  async start(onListening: () => void): Promise<void> {
    await this.opening.promise;
    if (this.calls.includes("shutdown")) throw new Error("shut down");
    onListening();
  }
  async lameDuck(): Promise<void> {
    this.calls.push("lame duck");
    return this.closed;
  }
  followFiles(): void {}
  async reload(): Promise<void> {
    this.calls.push("reload");
    throw new ConfigError(["one", "two"]);
  }
  async shutdown(): Promise<void> {
    this.calls.push("shutdown");
    this.#down.resolve();
  }
}

/** Runs the program on a held server. Signals are events of this process: none is sent, and nobody else hears them. */
function run(t: TestContext): { server: HeldServer; lines: string[]; code: Promise<number> } {
  const lines: string[] = [];
  const destination = {
    write: (level: LogLevel, message: string) => void lines.push(`${level}: ${message}`),
    reopen: () => false,
    close: () => Promise.resolve(),
  };
  const before = SIGNALS.map((signal) => [signal, process.listeners(signal)] as const);
  for (const signal of SIGNALS) process.removeAllListeners(signal);
  t.after(() => {
    for (const [signal, listeners] of before) {
      process.removeAllListeners(signal);
      for (const listener of listeners) process.on(signal, listener);
    }
  });
  const server = new HeldServer();
  const log = new LineLog(destination, { debug: false, trace: false });
  return { server, lines, code: runServer(server, log, "caddis", { pidFile: "", portsFileDir: "" }) };
}

test("a SIGTERM while it starts ends it, with exit code 0 and no word of a failure", async (t) => {
  const { server, lines, code } = run(t);
  process.emit("SIGTERM", "SIGTERM");
  server.opening.resolve();
  assert.equal(await code, 0);
  assert.deepEqual(server.calls, ["shutdown"]);
  assert.deepEqual(lines, ['info: Trapped "terminated" signal']);
});

test("a SIGUSR2 while it starts is told to have no effect, and a SIGTERM later ends it", async (t) => {
  const { server, lines, code } = run(t);
  process.emit("SIGUSR2", "SIGUSR2");
  assert.match(lines.at(-1) ?? "", /^warn: Lame duck mode ignored/);
  server.opening.resolve();
  await new Promise(setImmediate);
  process.emit("SIGTERM", "SIGTERM");
  assert.equal(await code, 0);
  assert.deepEqual(server.calls, ["shutdown"]);
});

test("in lame duck mode a SIGTERM changes nothing, a SIGINT ends it, and a second one is one too many", async (t) => {
  const { server, code } = run(t);
  server.opening.resolve();
  await new Promise(setImmediate);
  for (const signal of ["SIGUSR2", "SIGUSR2", "SIGTERM"] as const) process.emit(signal, signal);
  assert.deepEqual(server.calls, ["lame duck"]);
  for (const signal of ["SIGINT", "SIGINT", "SIGUSR2"] as const) process.emit(signal, signal);
  assert.deepEqual(server.calls, ["lame duck", "shutdown"]);
  assert.equal(await code, 0);
});

test("a start that fails by itself is fatal", async (t) => {
  const { server, lines, code } = run(t);
  server.opening.reject(new Error("port taken"));
  assert.equal(await code, 1);
  assert.deepEqual(lines, ["fatal: port taken"]);
});

test("a reload that fails is told with all that is in the way, and the server goes on", async (t) => {
  const { server, lines, code } = run(t);
  server.opening.resolve();
  await new Promise(setImmediate);
  process.emit("SIGHUP", "SIGHUP");
  await new Promise(setImmediate);
  assert.deepEqual(lines, [
    'info: Trapped "hangup" signal',
    "error: Failed to reload server configuration: one; two",
  ]);
  process.emit("SIGTERM", "SIGTERM");
  assert.equal(await code, 0);
  assert.deepEqual(server.calls, ["reload", "shutdown"]);
});
