import { type Log, SILENT_LOG } from "../io/log.ts";
import type { ReloadPart } from "./reload-part.ts";

/**
 * Where an embedded server says what happens: `console`, or the logger of most libraries. A level that it
 * lacks goes to the next one it has. Its functions must not throw.
 */
export interface Logger {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  fatal?(message: string): void;
  debug?(message: string): void;
  trace?(message: string): void;
}

/** Which of the chatty levels are wanted: the options of the same names. */
interface Levels {
  readonly debug: boolean;
  readonly trace: boolean;
}

/** The log of an embedded server; which levels it passes can be changed. */
export interface LevelledLog extends Log {
  debugEnabled: boolean;
  traceEnabled: boolean;
}

/** The levels of an embedded server's log after a reload. */
export function levelsReload(log: LevelledLog): ReloadPart {
  return {
    prepare: (_current, next) => ({
      commit() {
        log.debugEnabled = next.debug;
        log.traceEnabled = next.trace;
      },
    }),
  };
}

/** The server's log on top of an application's logger; without one, silence. */
export function logTo(logger: Logger | undefined, levels: Levels): LevelledLog {
  if (logger === undefined) return { ...SILENT_LOG };
  const debug = (message: string): void => {
    if (logger.debug === undefined) logger.info(message);
    else logger.debug(message);
  };
  // A console's trace writes a stack below each line.
  const hasTrace = logger.trace !== undefined && !(logger instanceof console.Console);
  return {
    debugEnabled: levels.debug,
    traceEnabled: levels.trace,
    info: (message) => logger.info(message),
    warn: (message) => logger.warn(message),
    error: (message) => logger.error(message),
    fatal: (message) => {
      if (logger.fatal === undefined) logger.error(message);
      else logger.fatal(message);
    },
    debug,
    trace: hasTrace ? (message) => logger.trace?.(message) : debug,
  };
}
