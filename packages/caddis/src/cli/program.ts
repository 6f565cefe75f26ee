import { flushCompileCache } from "node:module";
import { ConfigError } from "../config/config-error.ts";
import type { LineLog } from "../io/node/line-log.ts";
import { closeUnaskedInspector } from "../io/node/process-control.ts";
import { type Ports, type ProgramFiles, RunFiles } from "./program-files.ts";
import { trapSignals } from "./signals.ts";

/** What the program needs of a server. */
export interface ProgramServer {
  readonly serverId: string;
  /** Resolves when clients can connect; rejects with an error whose message says why they cannot. */
  start(onListening: () => void): Promise<void>;
  /** Sends clients away slowly, then shuts down. */
  lameDuck(): Promise<void>;
  shutdown(): Promise<void>;
  /**
   * Reads the configuration again and goes on with it. Rejects with an error whose message says why all stays as
   * it is.
   */
  reload(): Promise<void>;
  /** Calls `follow` with the files that a configuration asks for as soon as it is in force. */
  followFiles(follow: (files: ProgramFiles) => void): void;
  /** Resolves when the server is down, whoever asked for it. */
  readonly closed: Promise<void>;
  readonly clientUrls: readonly string[];
  readonly monitoringUrls: readonly string[];
  readonly websocketUrls: readonly string[];
}

/** starting ─▶ running ─ SIGUSR2 ─▶ lame duck; from each of them SIGINT, and but for the last SIGTERM, lead to stopping. */
type Phase = "starting" | "running" | "lame duck" | "stopping";

/**
 * Runs one server until it is down: signals, pid file, ports file. Resolves to the exit code of the
 * process. `exe` is the name the program was called by. A shutdown that fails is an unhandled rejection:
 * the process ends with it.
 */
export async function runServer(
  server: ProgramServer,
  log: LineLog,
  exe: string,
  files: ProgramFiles,
): Promise<number> {
  const life: { phase: Phase } = { phase: "starting" };
  const written = new RunFiles(exe, log, () => portsOf(server), files);
  trapSignals(log, {
    stop(graceful) {
      // A server in lame duck mode is on its way out already.
      if (life.phase === "stopping" || (graceful && life.phase === "lame duck")) return;
      life.phase = "stopping";
      void server.shutdown();
    },
    lameDuck() {
      if (life.phase === "starting") log.warn("Lame duck mode ignored, the server is still starting");
      if (life.phase !== "running") return;
      life.phase = "lame duck";
      void server.lameDuck();
    },
    reopenLog: () => log.reopen(),
    reload: () => void reload(server, log),
  });
  server.followFiles((next) => written.follow(next));

  closeUnaskedInspector();
  try {
    await server.start(() => {
      life.phase = "running";
      // Not before it listens: a second server that finds the port taken must not take the pid file of the
      // first. And before the log says that it is ready: who waits for that line looks for the files next.
      written.write();
    });
  } catch (error) {
    if (life.phase === "stopping") {
      // A signal came in between: that is how it was meant to end.
      await server.closed;
      return 0;
    }
    log.fatal(describe(error));
    return 1;
  }
  // Launchers of tests end servers with SIGKILL: what was compiled is kept now rather than at the exit.
  flushCompileCache();
  await server.closed;
  written.remove();
  return 0;
}

/** On SIGHUP. What keeps the configuration from being taken is told in the log, and all stays as it is. */
async function reload(server: ProgramServer, log: LineLog): Promise<void> {
  try {
    await server.reload();
  } catch (error) {
    const reason = error instanceof ConfigError ? error.problems.join("; ") : describe(error);
    log.error(`Failed to reload server configuration: ${reason}`);
  }
}

/** URLs by the names test launchers look for; kinds of listeners that are off have no entry. */
function portsOf(server: ProgramServer): Ports {
  const ports: Record<string, readonly string[]> = {};
  if (server.clientUrls.length > 0) ports["nats"] = server.clientUrls;
  if (server.monitoringUrls.length > 0) ports["monitoring"] = server.monitoringUrls;
  if (server.websocketUrls.length > 0) ports["websocket"] = server.websocketUrls;
  return ports;
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
