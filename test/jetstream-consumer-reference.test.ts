/**
 * What consumers deliver, and say, against the reference server: the same scenes on both, compared as the bytes that
 * clients see.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { CONSUMER_SCENES } from "./support/jetstream-consumer-scenes.ts";
import { ConsumerSide } from "./support/jetstream-consumer-side.ts";
import { findReferenceServer, OUR_SERVER, ServerProcess } from "./support/server-process.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;

async function start(command: string, folder: string): Promise<ServerProcess> {
  const config = `jetstream { store_dir: ${JSON.stringify(folder)}, max_mem: 64MB, max_file: 64MB }`;
  return ServerProcess.start({ command, config });
}

describe("consumers behave as the reference's", { skip }, () => {
  const servers: ServerProcess[] = [];
  const folders: string[] = [];

  before(async () => {
    for (const command of [reference ?? "", OUR_SERVER]) {
      const folder = await mkdtemp(join(tmpdir(), "caddis-js-"));
      folders.push(folder);
      servers.push(await start(command, folder));
    }
  });

  after(async () => {
    for (const server of servers) await server.stop();
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  });

  async function record(server: ServerProcess, name: string): Promise<string[]> {
    const side = await ConsumerSide.connect(server.port);
    try {
      await CONSUMER_SCENES[name](side);
    } catch (error) {
      side.record.push(`scene cut short: ${String(error)}`);
    } finally {
      await side.close();
    }
    return side.record;
  }

  for (const name of Object.keys(CONSUMER_SCENES)) {
    test(name, async () => {
      const [expected, actual] = await Promise.all(servers.map((server) => record(server, name)));
      assert.deepEqual(actual, expected);
      assert.doesNotMatch(expected.at(-1) ?? "", /^scene cut short/);
    });
  }
});
