import type { Options } from "../config/options.ts";
import type { LineLog } from "../io/node/line-log.ts";
import { nodePorts } from "../server/node-ports.ts";
import type { ReloadPart } from "../server/reload-part.ts";
import { Server } from "../server/server.ts";
import type { LoadedOptions } from "./load-options.ts";
import { LogReload } from "./log-reload.ts";
import type { ProgramServer } from "./program.ts";
import type { ProgramFiles } from "./program-files.ts";

/**
 * The server of a program called `exe`, with the ports of production. `load` reads flags and file again; it throws
 * an error for the user.
 */
export function createProgramServer(
  exe: string,
  { options, digest }: LoadedOptions,
  log: LineLog,
  load: () => LoadedOptions,
): ProgramServer {
  const followers: ReloadPart[] = [new LogReload(log, exe)];
  const ports = { ...nodePorts(log), followers };
  const server = new Server(options, ports, {
    onConnect: ignore,
    onDisconnect: ignore,
    onAuthError: ignore,
    onSlowConsumer: ignore,
  });
  server.configDigest = digest;
  const reload = async (): Promise<void> => {
    const loaded = load();
    for (const warning of loaded.warnings) log.warn(warning);
    await server.reload(loaded.options, loaded.digest);
  };
  server.reread = reload;
  return {
    serverId: server.broker.serverId,
    start: (onListening) => server.start(onListening),
    lameDuck: () => server.lameDuck(),
    shutdown: () => server.shutdown(),
    reload,
    followFiles(follow) {
      followers.push({ prepare: (_current, next) => ({ commit: () => follow(filesOf(next)) }) });
    },
    closed: server.closed,
    get clientUrls() {
      return server.clientUrls;
    },
    get monitoringUrls() {
      return server.monitoringUrls;
    },
    get websocketUrls() {
      return server.websocketUrls;
    },
  };
}

/** The files that options ask for besides the log. */
export function filesOf({ pid_file, ports_file_dir }: Options): ProgramFiles {
  return { pidFile: pid_file, portsFileDir: ports_file_dir };
}

function ignore(): void {}
