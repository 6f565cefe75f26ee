import { ConfigError } from "../config/config-error.ts";
import { mergeInputs, resolveOptions } from "../config/load.ts";
import { OPTIONS, type Options, type OptionsInput } from "../config/options.ts";

/** Options of the program around a server: an embedded one has a logger handed in and no files of its own. */
const PROGRAM_OPTIONS = [
  "logtime",
  "logtime_utc",
  "log_format",
  "audit_log",
  "log_file",
  "logfile_size_limit",
  "logfile_max_num",
  "syslog",
  "remote_syslog",
  "pid_file",
  "ports_file_dir",
] as const satisfies readonly (keyof typeof OPTIONS)[];

type ProgramOption = (typeof PROGRAM_OPTIONS)[number];

/**
 * The options of an embedded server: those of a configuration file, by the same names and with the same
 * values, except for the ones about the program's log and files. Unlike the program, it listens on
 * `127.0.0.1` and on any free port unless told otherwise, so that embedded servers neither collide nor
 * open a port to the network by accident.
 */
export interface ServerOptions extends Omit<OptionsInput, ProgramOption> {}

/** What holds where an embedder says nothing; see `ServerOptions`. */
const EMBEDDED_DEFAULTS: OptionsInput = { host: "127.0.0.1", port: 0 };

/** The options to run with. Throws a `ConfigError` that lists all that is wrong. */
export function resolveEmbeddedOptions(input: ServerOptions, hasLogger: boolean): Options {
  const options = resolveOptions(mergeInputs(EMBEDDED_DEFAULTS, input));
  const problems: string[] = PROGRAM_OPTIONS.filter((name) => options[name] !== OPTIONS[name].default).map(
    (name) => `"${name}" is for the caddis program; an embedded server writes to the logger it is given`,
  );
  if ((options.debug || options.trace) && !hasLogger) {
    problems.push('"debug" and "trace" need a logger: createServer(options, { logger: console })');
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return options;
}
