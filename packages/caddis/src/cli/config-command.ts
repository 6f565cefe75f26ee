import { configSchema } from "../config/schema.ts";
import { STDERR_FD, STDOUT_FD, writeTextSync } from "../io/node/write-sync.ts";
import { diffSetups, originOf, type ConfigDiff } from "./config-diff.ts";
import { parseConfigLine, type ConfigLine } from "./config-flags.ts";
import { askRunning } from "./config-running.ts";
import { loadSetup, type Setup } from "./config-setup.ts";
import { configHelp, diffText, optionsText, type ShownOption } from "./config-text.ts";
import { allOptions, isDefault, shownValue } from "./config-values.ts";

/** Exit codes of `config diff`, by its verdict. */
const VERDICT_CODES = { same: 0, reload: 1, restart: 3 } as const;
const NO_ANSWER = 2;

/**
 * The command `config`: `diff`, `show` and `schema`. `args` are all that the program was given. Resolves to the exit
 * code. No server is started and nothing is changed.
 */
export async function configCommand(exe: string, args: readonly string[]): Promise<number> {
  const [first, second, ...rest] = args.map((arg, i) => (i < 2 ? arg.toLowerCase() : arg));
  // Flags of the server in front of it would say something that the file does not.
  if (first !== "config") return misused(exe, "options of the server stand at the end, behind --");
  const line = parseConfigLine(rest);
  if (typeof line === "string") return misused(exe, line);
  if (line.help || second === "--help" || second === "-h") {
    writeTextSync(STDOUT_FD, configHelp(exe));
    return 0;
  }
  try {
    switch (second) {
      case "schema":
        writeTextSync(STDOUT_FD, `${JSON.stringify(configSchema(), null, 2)}\n`, PIPE_WAIT_MS);
        return 0;
      case "diff":
        return await diffCommand(exe, line);
      case "show":
        return showCommand(exe, line);
      default:
        return misused(exe, "the commands are config diff, config show and config schema");
    }
  } catch (error) {
    return complain(exe, error instanceof Error ? error.message : String(error));
  }
}

/** A reader that is slower than that has gone away. */
const PIPE_WAIT_MS = 5_000;

async function diffCommand(exe: string, line: ConfigLine): Promise<number> {
  const { files, serverFlags, running } = line;
  if (files.length !== (running === "" ? 2 : 1)) {
    return misused(exe, "config diff takes two files, or --running with a URL and one file");
  }
  const next = loadSetup(["-c", files[files.length - 1], ...serverFlags]);
  warn(next);
  if (running !== "") return await tellRunning(line, next);
  const old = loadSetup(["-c", files[0], ...serverFlags]);
  return tell(line, diffSetups(old, next, portOf(old)));
}

/** What would change in a running server, as far as it tells; then what it does not tell. */
async function tellRunning(line: ConfigLine, next: Setup): Promise<number> {
  const { options, told, port, digest } = await askRunning(line.running, line.caFile, next.options);
  const diff = diffSetups({ options, origins: null }, next, port);
  const isSameFile = digest !== "" && digest === next.digest;
  const untold = isSameFile ? [] : [...next.origins.keys()].filter((path) => !told.has(path)).sort();
  const code = tell(line, diff, { sameFile: isSameFile, untold });
  if (line.wantsJson) return code;
  if (isSameFile) writeTextSync(STDOUT_FD, "It runs with a file of the same content.\n");
  else if (untold.length > 0) {
    writeTextSync(STDOUT_FD, `It does not tell about what else is set: ${untold.join(", ")}\n`);
  }
  return code;
}

function tell(line: ConfigLine, diff: ConfigDiff, more: object = {}): number {
  const text = line.wantsJson ? `${JSON.stringify({ ...diff, ...more }, null, 2)}\n` : diffText(diff);
  writeTextSync(STDOUT_FD, text, PIPE_WAIT_MS);
  return VERDICT_CODES[diff.verdict];
}

function showCommand(exe: string, line: ConfigLine): number {
  if (line.files.length > 1) return misused(exe, "config show takes one file");
  const file = line.files.length === 0 ? [] : ["-c", line.files[0]];
  const setup = loadSetup([...file, ...line.serverFlags]);
  warn(setup);
  const shown = shownOptions(setup, line.all);
  const text = line.wantsJson ? `${JSON.stringify(shown, null, 2)}\n` : optionsText(shown);
  writeTextSync(STDOUT_FD, text, PIPE_WAIT_MS);
  return 0;
}

/**
 * The program's `--dry-run`: what a start with these arguments would run with, and where that comes from. Throws an
 * `Error` that says why there would be no start.
 */
export async function dryRun(exe: string, args: readonly string[]): Promise<number> {
  const setup = loadSetup(args);
  warn(setup);
  writeTextSync(STDOUT_FD, optionsText(shownOptions(setup, false)), PIPE_WAIT_MS);
  writeTextSync(
    STDERR_FD,
    `${exe}: dry run: a server would start with this; nothing was started or changed\n`,
  );
  const { http_host, http_port } = setup.options;
  // A server that runs by this configuration is asked where it would listen for that.
  if (http_port <= 0) return 0;
  const url = `http://${hostOf(http_host)}:${http_port}${setup.options.http_base_path}`;
  const running = await askRunning(url, "", setup.options).catch(() => null);
  if (running === null) return 0;
  const diff = diffSetups({ options: running.options, origins: null }, setup, running.port);
  writeTextSync(STDOUT_FD, `\nBeside the server that runs at ${url}:\n${diffText(diff)}`, PIPE_WAIT_MS);
  return 0;
}

/** Where something that listens on `host` is reached from here. */
function hostOf(host: string): string {
  if (host === "" || host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

function shownOptions({ options, origins }: Setup, all: boolean): ShownOption[] {
  return allOptions(options)
    .filter((option) => all || origins.has(option.path) || !isDefault(option))
    .map((option) => ({
      option: option.path,
      value: shownValue(option),
      from: originOf(option, origins),
    }));
}

/** Null: any free one. */
function portOf({ options }: Setup): number | null {
  return options.port === 0 ? null : options.port;
}

function warn({ warnings }: Setup): void {
  for (const warning of warnings) writeTextSync(STDERR_FD, `${warning}\n`);
}

function misused(exe: string, problem: string): number {
  return complain(exe, `${problem}; see ${exe} config --help`);
}

function complain(exe: string, problem: string): number {
  writeTextSync(STDERR_FD, `${exe}: ${problem}\n`);
  return NO_ANSWER;
}
