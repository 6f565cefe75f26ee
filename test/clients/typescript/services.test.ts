import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { connect as connectCurrent } from "@nats-io/transport-node";
import { Svcm } from "@nats-io/services";
import { connect as connectOlder, RequestStrategy } from "nats";
import { ServerProcess } from "../../support/server-process.ts";
import { eachServer } from "../support/targets.ts";

const CONFIG = { name: "adder", version: "1.2.3", description: "adds numbers", metadata: { made: "here" } };

/** The services package declares connections by a core package of its own, which strict types set apart. */
type ServiceConnection = ConstructorParameters<typeof Svcm>[0];

async function all<T>(found: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of found) items.push(item);
  return items;
}

function sum(numbers: number[]): string {
  return String(numbers.reduce((total, next) => total + next, 0));
}

eachServer((target) => {
  let server: ServerProcess | undefined;
  before(async () => {
    server = await ServerProcess.start({ command: target.command });
  });
  after(async () => {
    await server?.stop();
  });

  describe("@nats-io/services", () => {
    test("a service is found, described, counted and asked", async (t) => {
      const connection = await connectCurrent({ servers: `127.0.0.1:${server?.port}` });
      t.after(() => connection.close());
      const services = new Svcm(connection as unknown as ServiceConnection);
      const service = await services.add(CONFIG);
      service.addGroup("math").addEndpoint("sum", (error, message) => {
        assert.equal(error, null);
        const numbers = message.json<number[]>();
        if (numbers.length === 0) message.respondError(400, "nothing to add");
        else message.respond(sum(numbers));
      });
      await connection.flush();

      assert.equal((await connection.request("math.sum", "[1,2,39]")).string(), "42");
      const refused = await connection.request("math.sum", "[]");
      assert.equal(refused.headers?.get("Nats-Service-Error-Code"), "400");
      assert.equal(refused.headers?.get("Nats-Service-Error"), "nothing to add");

      const discovery = services.client({ strategy: "count", maxMessages: 1, maxWait: 20_000 });
      const [found] = await all(await discovery.ping("adder"));
      assert.equal(found?.version, "1.2.3");
      const [info] = await all(await discovery.info("adder", found?.id));
      assert.equal(info?.description, "adds numbers");
      assert.deepEqual(
        info?.endpoints.map(({ name, subject, queue_group }) => ({ name, subject, queue_group })),
        [{ name: "sum", subject: "math.sum", queue_group: "q" }],
      );
      const [stats] = await all(await discovery.stats("adder"));
      const endpoint = stats?.endpoints?.[0];
      assert.equal(endpoint?.num_requests, 2);
      await service.stop();
    });
  });

  describe("nats", () => {
    test("its own services find and ask each other", async (t) => {
      const connection = await connectOlder({ servers: `127.0.0.1:${server?.port}` });
      t.after(() => connection.close());
      const service = await connection.services.add({ ...CONFIG, name: "older-adder" });
      service.addEndpoint("older-sum", (_error, message) => {
        message.respond(sum(message.json<number[]>()));
      });
      await connection.flush();
      assert.equal((await connection.request("older-sum", "[40,2]")).string(), "42");
      const [found] = await all(
        await connection.services
          .client({ strategy: RequestStrategy.Count, maxMessages: 1, maxWait: 20_000 })
          .ping("older-adder"),
      );
      assert.equal(found?.name, "older-adder");
      await service.stop();
    });
  });
});
