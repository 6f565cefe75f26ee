import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { ServerProcess } from "../../support/server-process.ts";
import { FixedPortServer } from "./fixed-port-server.ts";
import { lastWords, linesOf, missingProgram } from "./programs.ts";
import { eachServer } from "./targets.ts";

/** Fetching, building and running a client takes no longer; reached only when something hangs. */
const SUITE_DEADLINE_MS = 20 * 60_000;
/** One run of all checks, servers' starts included; reached only when something hangs. */
const RUN_DEADLINE_MS = 120_000;

/** What the program of each language checks, in this order; ../README.md tells what each means. */
const CHECKS: readonly string[] = [
  "publish-subscribe",
  "wildcards",
  "queue-group",
  "headers",
  "request",
  "no-responders",
  "auto-unsubscribe",
  "max-payload",
  "drain",
  "auth",
  "reconnect",
];

/** How to start a client's program; the two server addresses follow `args`. */
export interface CheckProgram {
  command: string;
  args: readonly string[];
}

/** A client in another language. */
export interface ForeignClient {
  /** Name and language, as the report of the tests shows it. */
  name: string;
  /** Programs that must be on PATH for it. */
  needs: readonly string[];
  /** Whether only `CLIENTS=all` runs it, because a first build takes long. */
  slow: boolean;
  /** Fetches its packages. A rejection means that this machine cannot: the suite is skipped with that reason. */
  fetch: () => Promise<void>;
  /** Builds it from what was fetched. A rejection fails the suite. */
  build: () => Promise<CheckProgram>;
}

/** Runs a client's checks against both servers. Skipped, with the reason, where a toolchain or a package is absent. */
export function checkForeignClient(client: ForeignClient): void {
  describe(client.name, { timeout: SUITE_DEADLINE_MS }, () => {
    let program: CheckProgram | undefined;
    let reason = "";
    before(async () => {
      reason = whyNot(client.needs, client.slow) ?? "";
      if (reason !== "") return;
      try {
        await client.fetch();
      } catch (error) {
        reason = `cannot be fetched here: ${lastWords(error)}`;
        return;
      }
      program = await client.build();
    });
    eachServer((target) => {
      test("all checks", { timeout: RUN_DEADLINE_MS }, async (t) => {
        if (program === undefined) {
          t.skip(reason);
          return;
        }
        const open = await FixedPortServer.start(target);
        t.after(() => open.stop("SIGKILL"));
        const locked = await ServerProcess.start({
          command: target.command,
          config: 'authorization { user: ann, password: "secret" }',
        });
        t.after(() => locked.stop("SIGKILL"));
        const { command, args } = program;
        const urls = [`nats://127.0.0.1:${open.port}`, `nats://127.0.0.1:${locked.port}`];
        const passed: string[] = [];
        for await (const line of linesOf(command, [...args, ...urls], t.signal)) {
          if (line === "stop") await open.stop();
          else if (line === "start") await open.startAgain();
          else if (line.startsWith("ok ")) passed.push(line.slice("ok ".length));
          else t.diagnostic(line);
        }
        assert.deepEqual(passed, CHECKS);
      });
    });
  });
}

/** Why a suite that needs these programs is not run, or null when it is. */
export function whyNot(needs: readonly string[], slow: boolean): string | null {
  const missing = missingProgram(needs);
  if (missing !== null) return `no ${missing} on PATH`;
  if (slow && process.env["CLIENTS"] !== "all") return "takes long to build; CLIENTS=all runs it";
  return null;
}
