import assert from "node:assert/strict";
import { after, before, describe, test, type TestContext } from "node:test";
import { connect, createInbox } from "@nats-io/transport-node";
import { ServerProcess } from "../../support/server-process.ts";
import { eachServer } from "../support/targets.ts";
import { type Ended, NatsCommand } from "./nats-command.ts";

/** Fetching and building takes no longer; reached only when something hangs. */
const SUITE_DEADLINE_MS = 20 * 60_000;
/** Enough that a benchmark fills several reads and writes. */
const BENCH_MESSAGES = 20_000;

describe("the nats command line", { timeout: SUITE_DEADLINE_MS }, () => {
  let nats: NatsCommand | string = "";
  before(async () => {
    nats = await NatsCommand.build();
  });

  eachServer((target) => {
    let server: ServerProcess | undefined;
    before(async () => {
      if (typeof nats !== "string") server = await ServerProcess.start({ command: target.command });
    });
    after(async () => {
      await server?.stop();
    });

    function run(t: TestContext, args: readonly string[], signal = t.signal): Promise<Ended> {
      assert.ok(typeof nats !== "string");
      return nats.run(t, url(), args, { signal });
    }

    function url(): string {
      assert.ok(server);
      return `nats://127.0.0.1:${server.port}`;
    }

    /** Publishes one message, "probe", as soon as somebody listens; until then the server answers 503. */
    async function untilHeard(t: TestContext, subject: string): Promise<void> {
      const connection = await connect({ servers: url() });
      t.after(() => connection.close());
      const reply = createInbox();
      let refusals = 0;
      connection.subscribe(reply, { callback: () => void refusals++ });
      for (let tried = 1; ; tried++) {
        t.signal.throwIfAborted();
        connection.publish(subject, "probe", { reply });
        await connection.flush();
        if (refusals < tried) return;
      }
    }

    function command(name: string, body: (t: TestContext) => Promise<void>): void {
      test(name, async (t) => {
        if (typeof nats === "string") t.skip(nats);
        else await body(t);
      });
    }

    command("rtt", async (t) => {
      const { code, output } = await run(t, ["rtt"]);
      assert.equal(code, 0, output);
      assert.match(output, /127\.0\.0\.1:\d+: [\d.]+(?:µs|ms)/);
    });

    command("server check connection", async (t) => {
      const { code, output } = await run(t, ["server", "check", "connection"]);
      assert.equal(code, 0, output);
      assert.match(output, /^OK Connection/);
    });

    command("account info", async (t) => {
      const { code, output } = await run(t, ["account", "info"]);
      assert.equal(code, 0, output);
      assert.match(output, /Headers Supported: true/);
      assert.match(output, /Maximum Payload: 1\.0 MiB/);
      assert.match(output, /JetStream is not supported in this account/);
    });

    command("pub and sub, with headers", async (t) => {
      const listening = run(t, ["sub", "cli.>", "--count=3"]);
      await untilHeard(t, "cli.a");
      for (const args of [
        ["cli.b", "with a header", "-H", "fruit:apple"],
        ["cli.c", "number {{.Count}}"],
      ]) {
        const { code, output } = await run(t, ["pub", ...args]);
        assert.equal(code, 0, output);
      }
      const { code, output } = await listening;
      assert.equal(code, 0, output);
      assert.match(output, /Received on "cli\.b"\s+fruit: apple\s+with a header/i);
      assert.match(output, /Received on "cli\.c"\s+number 1/);
    });

    command("request and reply", async (t) => {
      const enough = new AbortController();
      const replying = run(t, ["reply", "cli.help", "you said {{.Request}}"], enough.signal);
      await untilHeard(t, "cli.help");
      const { code, output } = await run(t, ["request", "cli.help", "hello"]);
      enough.abort();
      await replying;
      assert.equal(code, 0, output);
      assert.match(output, /you said hello/);
    });

    command("request to nobody", async (t) => {
      const { output } = await run(t, ["request", "cli.nobody", "hello"]);
      assert.match(output, /No responders are available/);
    });

    command("bench: publishers and subscribers", async (t) => {
      const common = ["--no-progress", `--msgs=${BENCH_MESSAGES}`];
      const subscribing = run(t, ["bench", "sub", "cli.bench", ...common]);
      await untilHeard(t, "cli.bench");
      const { code, output } = await run(t, ["bench", "pub", "cli.bench", ...common, "--clients=2"]);
      assert.equal(code, 0, output);
      const end = await subscribing;
      assert.equal(end.code, 0, end.output);
      assert.match(end.output, /msgs\/sec/);
    });

    command("bench: services", async (t) => {
      const common = ["cli.service", "--no-progress", "--msgs=500", "--clients=2"];
      const enough = new AbortController();
      const serving = run(t, ["bench", "service", "serve", ...common], enough.signal);
      await untilHeard(t, "cli.service");
      const { code, output } = await run(t, ["bench", "service", "request", ...common]);
      enough.abort();
      await serving;
      assert.equal(code, 0, output);
      assert.match(output, /msgs\/sec/);
    });

    command("latency", async (t) => {
      const { code, output } = await run(t, [
        "latency",
        `--server-b=${url()}`,
        "--duration=1s",
        "--rate=1000",
      ]);
      assert.equal(code, 0, output);
      assert.match(output, /Median Latency/);
    });
  });
});
