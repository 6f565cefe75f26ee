import type { Options } from "../config/options.ts";
import { type LineLog, type LogSettings, openDestination } from "../io/node/line-log.ts";
import type { ReloadPart, ReloadStep } from "../server/reload-part.ts";

/** What the options say about the log of a program called `exe`. */
export function logSettings(exe: string, options: Options): LogSettings {
  return {
    debug: options.debug,
    trace: options.trace,
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

/** The program's log after a reload: other levels, another time, another destination. */
export class LogReload implements ReloadPart {
  readonly #log: LineLog;
  readonly #exe: string;

  constructor(log: LineLog, exe: string) {
    this.#log = log;
    this.#exe = exe;
  }

  async prepare(current: Options, next: Options): Promise<ReloadStep> {
    const settings = logSettings(this.#exe, next);
    const isSame = destinationOf(logSettings(this.#exe, current)) === destinationOf(settings);
    const destination = isSame ? null : await openDestination(settings);
    let unused = destination;
    return {
      commit: () => {
        unused = this.#log.redirect(destination, settings);
      },
      finish: async () => unused?.close(),
      abandon: async () => unused?.close(),
    };
  }
}

/** All of the settings that a destination is opened with, comparable. */
function destinationOf(settings: LogSettings): string {
  return JSON.stringify({ ...settings, debug: false, trace: false });
}
