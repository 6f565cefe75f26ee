import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext } from "node:test";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { ServerProcess } from "../../support/server-process.ts";
import { eachServer } from "../support/targets.ts";

/** Defines a suite for each server, which has JetStream in a folder of its own; `open` connects once tests run. */
export function eachJetStreamServer(
  define: (open: (t: TestContext) => Promise<NatsConnection>) => void,
): void {
  eachServer((target) => {
    let server: ServerProcess | undefined;
    let folder = "";
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), "caddis-jetstream-"));
      server = await ServerProcess.start({ command: target.command, args: ["-js", "-sd", folder] });
    });
    after(async () => {
      await server?.stop();
      await rm(folder, { recursive: true, force: true });
    });
    define(async (t) => {
      assert.ok(server);
      const nc = await connect({ servers: `127.0.0.1:${server.port}`, timeout: 20_000 });
      t.after(() => nc.close());
      return nc;
    });
  });
}

/** The first `count` of what comes. */
export async function first<T>(items: AsyncIterable<T>, count: number): Promise<T[]> {
  const found: T[] = [];
  if (count === 0) return found;
  for await (const item of items) {
    found.push(item);
    if (found.length === count) break;
  }
  return found;
}

/** All of what comes until it ends. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Asserts that a request fails with this number of the API's errors. */
export async function refused(errCode: number, request: Promise<unknown>): Promise<void> {
  await assert.rejects(request, (error: Error & { code?: number }) => {
    assert.equal(error.code, errCode, error.message);
    return true;
  });
}
