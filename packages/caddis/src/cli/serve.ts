import { CADDIS_VERSION, COMPATIBLE_VERSION } from "../base/version.ts";
import { startWarnings } from "../config/load.ts";
import { type LineLog, openLog } from "../io/node/line-log.ts";
import { nameProcess } from "../io/node/process-control.ts";
import { STDERR_FD, writeTextSync } from "../io/node/write-sync.ts";
import type { CommandLine } from "./flags.ts";
import { loadOptions, type LoadedOptions } from "./load-options.ts";
import { logSettings } from "./log-reload.ts";
import { createProgramServer, filesOf } from "./program-server.ts";
import { runServer } from "./program.ts";

/** The exit code of a program that found itself broken; that of a panic in Go. */
const CRASH_EXIT_CODE = 2;

/**
 * Runs a server as the command line asks, until it is down. Resolves to the exit code; rejects with an
 * error for the user when there is no log yet to say it in.
 */
export async function serve(exe: string, args: readonly string[], line: CommandLine): Promise<number> {
  const loaded = loadOptions(line);
  for (const warning of loaded.warnings) writeTextSync(STDERR_FD, `${warning}\n`);
  const { options } = loaded;
  const log = await openLog(logSettings(exe, options));
  dieLoudly(log);
  nameProcess(exe, [exe, ...hideSecrets(args)].join(" "));
  const server = createProgramServer(exe, loaded, log, line.configFile, () => reloadOptions(line));
  logStart(log, exe, line.configFile, loaded, server.serverId);
  const code = await runServer(server, log, exe, filesOf(options));
  await log.close();
  return code;
}

/** Flags over the file as it is now. Throws an `Error` for the user. */
function reloadOptions(line: CommandLine): LoadedOptions {
  if (line.configFile === "") {
    throw new Error("can only reload config when a file is provided using -c or --config");
  }
  return loadOptions(line);
}

/** The first lines of a log, in the order of nats-server. */
function logStart(
  log: LineLog,
  exe: string,
  configFile: string,
  loaded: LoadedOptions,
  serverId: string,
): void {
  const { options, digest } = loaded;
  log.info(`Starting ${exe}`);
  log.info(`  Version:  ${COMPATIBLE_VERSION}`);
  log.info(`  Caddis:   ${CADDIS_VERSION}`);
  log.info("  Git:      [not set]");
  log.debug(`  Node:     ${process.version}`);
  log.info(`  Name:     ${options.server_name === "" ? serverId : options.server_name}`);
  log.info(`  ID:       ${serverId}`);
  if (configFile !== "") log.info(`Using configuration file: ${configFile} (${digest})`);
  for (const warning of startWarnings(options)) log.warn(warning);
}

/** A fault of our own ends the process, and the log says why; Node's warnings belong there too. */
function dieLoudly(log: LineLog): void {
  process.on("uncaughtException", (error) => {
    for (const row of (error.stack ?? String(error)).split("\n")) log.fatal(row);
    const leave = (): never => process.exit(CRASH_EXIT_CODE);
    log.close().then(leave, leave);
  });
  process.on("warning", (warning) => log.debug(`${warning.name}: ${warning.message}`));
}

/** Flags whose value nobody should read off a list of processes. */
const SECRET_FLAG = /^--?(user|pass|auth)(=|$)/;

/** The arguments as `ps` may show them. */
function hideSecrets(args: readonly string[]): string[] {
  return args.map((arg, index) => {
    if (SECRET_FLAG.exec(args[index - 1] ?? "")?.[2] === "") return "[REDACTED]";
    return SECRET_FLAG.exec(arg)?.[2] === "=" ? `${arg.slice(0, arg.indexOf("="))}=[REDACTED]` : arg;
  });
}
