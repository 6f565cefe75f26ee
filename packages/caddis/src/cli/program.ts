import { flushCompileCache } from "node:module";
import { join } from "node:path";
import type { LineLog } from "../io/node/line-log.ts";
import { removePidFile, removePortsFile, writePidFile, writePortsFile } from "../io/node/process-files.ts";
import { closeUnaskedInspector } from "../io/node/process-control.ts";
import { trapSignals } from "./signals.ts";

/** What the program needs of a server. */
export interface ProgramServer {
  readonly serverId: string;
  /** Resolves when clients can connect; rejects with an error whose message says why they cannot. */
  start(onListening: () => void): Promise<void>;
  /** Sends clients away slowly, then shuts down. */
  lameDuck(): Promise<void>;
  shutdown(): Promise<void>;
  /** Resolves when the server is down, whoever asked for it. */
  readonly closed: Promise<void>;
  readonly clientUrls: readonly string[];
  readonly monitoringUrls: readonly string[];
}

/** The files that tell others about a running server; empty for none. */
export interface ProgramFiles {
  readonly pidFile: string;
  readonly portsFileDir: string;
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
    reload: () => log.error("Failed to reload server configuration: reload is not supported yet"),
  });

  closeUnaskedInspector();
  const portsFile = files.portsFileDir === "" ? "" : join(files.portsFileDir, `${exe}_${process.pid}.ports`);
  try {
    await server.start(() => {
      life.phase = "running";
      // Not before it listens: a second server that finds the port taken must not take the pid file of the
      // first. And before the log says that it is ready: who waits for that line looks for the files next.
      if (files.pidFile !== "") claimPidFile(files.pidFile);
      if (portsFile === "") return;
      attempt(log, `Error writing ports file (${portsFile})`, () =>
        writePortsFile(portsFile, portsOf(server)),
      );
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
  if (portsFile !== "") {
    attempt(log, `Error cleaning up ports file ${portsFile}`, () => removePortsFile(portsFile));
  }
  if (files.pidFile !== "") removePidFile(files.pidFile, process.pid);
  return 0;
}

function claimPidFile(path: string): void {
  try {
    writePidFile(path, process.pid);
  } catch (error) {
    removePidFile(path, process.pid);
    throw new Error(`Could not write pidfile: ${describe(error)}`, { cause: error });
  }
}

/** URLs by the names test launchers look for; kinds of listeners that are off have no entry. */
function portsOf(server: ProgramServer): Record<string, readonly string[]> {
  const ports: Record<string, readonly string[]> = {};
  if (server.clientUrls.length > 0) ports["nats"] = server.clientUrls;
  if (server.monitoringUrls.length > 0) ports["monitoring"] = server.monitoringUrls;
  return ports;
}

function attempt(log: LineLog, complaint: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    log.error(`${complaint}: ${describe(error)}`);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
