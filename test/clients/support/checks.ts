import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, test, type TestContext } from "node:test";
import { ServerProcess } from "../../support/server-process.ts";
import { FixedPortServer } from "./fixed-port-server.ts";
import { lastWords, linesOf, missingProgram } from "./programs.ts";
import { eachServer, type Target } from "./targets.ts";

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

/** The same of JetStream. */
const JETSTREAM_CHECKS = [
  "streams",
  "publish",
  "publish-async",
  "messages",
  "pull",
  "push",
  "ordered",
  "acks",
  "retention",
  "key-value",
  "object-store",
  "mirrors-sources",
  "restart",
] as const;

/** A check of JetStream. */
export type JetStreamCheck = (typeof JETSTREAM_CHECKS)[number];

/** How to start a client's program; the server addresses follow `args`. */
export interface CheckProgram {
  command: string;
  args: readonly string[];
}

/** The programs of a client: one for messaging, with two addresses, and one for JetStream, with one. */
export interface CheckPrograms {
  messaging: CheckProgram;
  jetstream: CheckProgram;
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
  build: () => Promise<CheckPrograms>;
  /** Checks of JetStream that this client has no functions for. */
  lacks: readonly JetStreamCheck[];
}

/** Runs a client's checks against both servers. Skipped, with the reason, where a toolchain or a package is absent. */
export function checkForeignClient(client: ForeignClient): void {
  describe(client.name, { timeout: SUITE_DEADLINE_MS }, () => {
    let programs: CheckPrograms | undefined;
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
      programs = await client.build();
    });
    eachServer((target) => {
      test("all checks", { timeout: RUN_DEADLINE_MS }, async (t) => {
        if (programs === undefined) t.skip(reason);
        else assert.deepEqual(await passedMessaging(t, target, programs.messaging), CHECKS);
      });
      test("all checks of JetStream", { timeout: RUN_DEADLINE_MS }, async (t) => {
        const expected = JETSTREAM_CHECKS.filter((name) => !client.lacks.includes(name));
        if (programs === undefined) t.skip(reason);
        else assert.deepEqual(await passedJetStream(t, target, programs.jetstream), expected);
      });
    });
  });
}

async function passedMessaging(t: TestContext, target: Target, program: CheckProgram): Promise<string[]> {
  const open = await FixedPortServer.start(target);
  t.after(() => open.stop("SIGKILL"));
  const config = 'authorization { user: ann, password: "secret" }';
  const locked = await ServerProcess.start({ command: target.command, config });
  t.after(() => locked.stop("SIGKILL"));
  return await passed(t, open, program, [open.port, locked.port]);
}

async function passedJetStream(t: TestContext, target: Target, program: CheckProgram): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "caddis-jetstream-"));
  const server = await FixedPortServer.start(target, ["-js", "-sd", folder]);
  t.after(async () => {
    await server.stop("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });
  return await passed(t, server, program, [server.port]);
}

/** The names of the checks that passed; `server` is the one that the program may have stopped and started. */
async function passed(
  t: TestContext,
  server: FixedPortServer,
  program: CheckProgram,
  ports: readonly number[],
): Promise<string[]> {
  const urls = ports.map((port) => `nats://127.0.0.1:${port}`);
  const names: string[] = [];
  for await (const line of linesOf(program.command, [...program.args, ...urls], t.signal)) {
    if (line === "stop") await server.stop();
    else if (line === "start") await server.startAgain();
    else if (line.startsWith("ok ")) names.push(line.slice("ok ".length));
    else t.diagnostic(line);
  }
  return names;
}

/** Why a suite that needs these programs is not run, or null when it is. */
export function whyNot(needs: readonly string[], slow: boolean): string | null {
  const missing = missingProgram(needs);
  if (missing !== null) return `no ${missing} on PATH`;
  if (slow && process.env["CLIENTS"] !== "all") return "takes long to build; CLIENTS=all runs it";
  return null;
}
