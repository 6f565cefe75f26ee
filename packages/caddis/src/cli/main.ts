import { STDERR_FD, STDOUT_FD, writeTextSync } from "../io/node/write-sync.ts";
import { parseCommandLine, type CommandLine } from "./flags.ts";

/**
 * The program: reads the arguments and does what they ask for. `exe` is the name it was called by.
 * Resolves to the exit code, when the server is down or there was none to run. Each command loads only
 * what it needs, so that `-v` and `--signal` are quick.
 */
export async function main(exe: string, args: readonly string[]): Promise<number> {
  try {
    const line = parseCommandLine(args);
    if ("problem" in line) return await misused(exe, line.problem);
    const done = await runCommand(exe, args, line);
    if (done !== null) return done;
    const { serve } = await import("./serve.ts");
    return await serve(exe, args, line);
  } catch (error) {
    return die(exe, error instanceof Error ? error.message : String(error));
  }
}

/** Does what needs no server of its own. Null when the command line asks for a server. */
async function runCommand(exe: string, args: readonly string[], line: CommandLine): Promise<number | null> {
  const word = line.words[0]?.toLowerCase();
  const wantsHelp = line.help || line.helpTls;
  if (line.version || (word === "version" && !wantsHelp)) {
    const { versionText } = await import("./help.ts");
    const { stdout, stderr } = versionText(exe);
    writeTextSync(STDOUT_FD, stdout);
    writeTextSync(STDERR_FD, stderr);
    return 0;
  }
  if (wantsHelp || word === "help") {
    const { helpText, TLS_HELP } = await import("./help.ts");
    writeTextSync(STDOUT_FD, line.helpTls && !line.help ? TLS_HELP : helpText(exe));
    return 0;
  }
  if (word === "auth") {
    const { authCommand } = await import("./auth-test.ts");
    return authCommand(exe, args);
  }
  if (word === "config") {
    const { configCommand } = await import("./config-command.ts");
    return configCommand(exe, args);
  }
  if (word === "explain") {
    const { explainCommand } = await import("./explain.ts");
    return explainCommand(exe, args);
  }
  if (word === "store") {
    const { storeCommand } = await import("./store-command.ts");
    return storeCommand(exe, args);
  }
  if (word !== undefined) return die(exe, `unrecognized command: ${JSON.stringify(line.words[0])}`);
  if (line.signal !== "") {
    const { sendSignal } = await import("./send-signal.ts");
    const problem = sendSignal(exe, line.signal);
    return problem === null ? 0 : die(exe, problem);
  }
  if (line.dryRun) {
    const { dryRun } = await import("./config-command.ts");
    return dryRun(exe, args);
  }
  if (!line.testConfig) return null;
  if (line.configFile === "") {
    return die(exe, "must specify [-c, --config] option to check configuration file syntax");
  }
  const { checkConfigFile } = await import("./load-options.ts");
  const digest = checkConfigFile(line.configFile);
  writeTextSync(STDERR_FD, `${exe}: configuration file ${line.configFile} is valid (${digest})\n`);
  return 0;
}

/** Flags that cannot be read: the problem on stderr, help on stdout and, as nats-server does, exit code 0. */
async function misused(exe: string, problem: string): Promise<number> {
  const { helpText } = await import("./help.ts");
  writeTextSync(STDERR_FD, `${problem}\n`);
  writeTextSync(STDOUT_FD, helpText(exe));
  return 0;
}

/** Says what ends the program, as nats-server does, and gives the exit code that goes with it. */
function die(exe: string, message: string): number {
  writeTextSync(STDERR_FD, `${exe}: ${message}\n`);
  return 1;
}
