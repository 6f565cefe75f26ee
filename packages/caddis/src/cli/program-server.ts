import type { Options } from "../config/options.ts";
import type { LineLog } from "../io/node/line-log.ts";
import { nodeSurroundings } from "../io/node/surroundings.ts";
import { nodePorts } from "../server/node-ports.ts";
import type { ReloadPart } from "../server/reload-part.ts";
import { Server } from "../server/server.ts";
import { auditReload, openAudit } from "./audit-program.ts";
import { watchConfig } from "./config-watch.ts";
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
  configFile: string,
  load: () => LoadedOptions,
): ProgramServer {
  const followers: ReloadPart[] = [new LogReload(log, exe)];
  const surroundings = nodeSurroundings(() => (digest === "" ? null : digestNow(load)));
  const ports = { ...nodePorts(log), followers, surroundings };
  const server = new Server(options, ports, {
    onConnect: ignore,
    onDisconnect: ignore,
    onAuthError: ignore,
    onSlowConsumer: ignore,
  });
  server.configDigest = digest;
  const audit = openAudit(server, options, log);
  if (audit !== null) followers.push(auditReload(audit));
  const reload = async (): Promise<void> => {
    try {
      const loaded = load();
      for (const warning of loaded.warnings) log.warn(warning);
      await server.reload(loaded.options, loaded.digest);
    } catch (error) {
      audit?.noteConfigRefused();
      throw error;
    }
  };
  server.reread = reload;
  const watch = watchConfig(configFile, log, ({ config_watch }) => config_watch, reload);
  followers.push(watch);
  void server.closed.then(() => watch.close());
  return {
    serverId: server.broker.serverId,
    async start(onListening) {
      await server.start(onListening);
      audit?.follow();
      await watch.start(server.broker.options, server.configDigest);
    },
    lameDuck() {
      audit?.noteSignal("lame duck");
      return server.lameDuck();
    },
    shutdown() {
      audit?.noteSignal("shutdown");
      return server.shutdown();
    },
    reload() {
      audit?.noteSignal("reload");
      return reload();
    },
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

/** The digest of the file as it is now, as `Surroundings` has it. */
function digestNow(load: () => LoadedOptions): string {
  try {
    return load().digest;
  } catch {
    return "broken";
  }
}

function ignore(): void {}
