import { CADDIS_VERSION, COMPATIBLE_VERSION } from "../base/version.ts";
import { startWarnings } from "../config/load.ts";
import type { Options } from "../config/options.ts";
import { type LineLog, openLog, type LogSettings } from "../io/node/line-log.ts";
import { nameProcess } from "../io/node/process-control.ts";
import { STDERR_FD, STDOUT_FD, writeTextSync } from "../io/node/write-sync.ts";
import { parseCommandLine, type CommandLine } from "./flags.ts";
import { checkConfigFile, loadOptions, type LoadedOptions } from "./load-options.ts";
import { runServer } from "./program.ts";
import { createProgramServer } from "./program-server.ts";

/** The exit code of a program that found itself broken; that of a panic in Go. */
const CRASH_EXIT_CODE = 2;

/**
 * The program: reads the arguments and does what they ask for. `exe` is the name it was called by.
 * Resolves to the exit code, when the server is down or there was none to run.
 */
export async function main(exe: string, args: readonly string[]): Promise<number> {
  const line = parseCommandLine(args);
  if ("problem" in line) {
    // nats-server leaves with 0 here, after its help on stdout.
    const { helpText } = await import("./help.ts");
    say(STDERR_FD, `${line.problem}\n`);
    say(STDOUT_FD, helpText(exe));
    return 0;
  }
  try {
    return (await runCommand(exe, line)) ?? (await serve(exe, line));
  } catch (error) {
    return die(exe, error instanceof Error ? error.message : String(error));
  }
}

/** Does what needs no server of its own. Null when the command line asks for a server. */
async function runCommand(exe: string, line: CommandLine): Promise<number | null> {
  const word = line.words[0]?.toLowerCase();
  if (line.version || (word === "version" && !line.help && !line.helpTls)) {
    const { versionText } = await import("./help.ts");
    const { stdout, stderr } = versionText(exe);
    say(STDOUT_FD, stdout);
    say(STDERR_FD, stderr);
    return 0;
  }
  if (line.help || line.helpTls || word === "help") {
    const { helpText, TLS_HELP } = await import("./help.ts");
    say(STDOUT_FD, line.helpTls && !line.help ? TLS_HELP : helpText(exe));
    return 0;
  }
  if (word !== undefined) return die(exe, `unrecognized command: ${JSON.stringify(line.words[0])}`);
  if (line.signal !== "") {
    const { sendSignal } = await import("./send-signal.ts");
    const problem = sendSignal(exe, line.signal);
    return problem === null ? 0 : die(exe, problem);
  }
  if (!line.testConfig) return null;
  if (line.configFile === "")
    return die(exe, "must specify [-c, --config] option to check configuration file syntax");
  const digest = checkConfigFile(line.configFile);
  say(STDERR_FD, `${exe}: configuration file ${line.configFile} is valid (${digest})\n`);
  return 0;
}

/** Runs a server until it is down. */
async function serve(exe: string, line: CommandLine): Promise<number> {
  const loaded = loadOptions(line);
  for (const warning of loaded.warnings) say(STDERR_FD, `${warning}\n`);
  const { options } = loaded;
  const log = await openLog(logSettings(exe, options));
  dieLoudly(log);
  nameProcess(exe, [exe, ...hideSecrets(process.argv.slice(2))].join(" "));
  const server = createProgramServer(options, log);
  logStart(log, exe, line.configFile, loaded, server.serverId);
  const code = await runServer(server, log, exe, {
    pidFile: options.pid_file,
    portsFileDir: options.ports_file_dir,
  });
  await log.close();
  return code;
}

/** The first lines of a log, in the order of nats-server. */
function logStart(
  log: LineLog,
  exe: string,
  configFile: string,
  loaded: LoadedOptions,
  serverId: string,
): void {
  log.info(`Starting ${exe}`);
  log.info(`  Version:  ${COMPATIBLE_VERSION}`);
  log.info(`  Caddis:   ${CADDIS_VERSION}`);
  log.info("  Git:      [not set]");
  log.debug(`  Node:     ${process.version}`);
  log.info(`  Name:     ${loaded.options.server_name === "" ? serverId : loaded.options.server_name}`);
  log.info(`  ID:       ${serverId}`);
  if (configFile !== "") log.info(`Using configuration file: ${configFile} (${loaded.digest})`);
  for (const warning of startWarnings(loaded.options)) log.warn(warning);
}

function logSettings(exe: string, options: Options): LogSettings {
  return {
    debug: options.debug,
    trace: options.trace || options.trace_verbose || options.trace_headers,
    time: !options.logtime ? "none" : options.logtime_utc ? "utc" : "local",
    style: options.log_format,
    file: options.log_file,
    fileSizeLimitBytes: options.logfile_size_limit,
    filesMax: options.logfile_max_num,
    syslog: options.syslog,
    remoteSyslog: options.remote_syslog,
    tag: exe,
  };
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

/** The arguments as `ps` may show them: without secrets. */
function hideSecrets(args: readonly string[]): string[] {
  return args.map((arg, index) => {
    const match = /^--?(pass|auth|user)(=|$)/.exec(arg);
    if (match?.[2] === "=") return `${arg.slice(0, arg.indexOf("=") + 1)}[REDACTED]`;
    return /^--?(pass|auth|user)$/.test(args[index - 1] ?? "") ? "[REDACTED]" : arg;
  });
}

/** Says what ends the program, as nats-server does, and gives the exit code that goes with it. */
function die(exe: string, message: string): number {
  say(STDERR_FD, `${exe}: ${message}\n`);
  return 1;
}

function say(fd: number, text: string): void {
  writeTextSync(fd, text);
}
