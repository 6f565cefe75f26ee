import type { Log } from "../io/log.ts";

/** What a running program does on signals. */
export interface SignalActions {
  /** SIGINT, SIGTERM; `graceful` is false for SIGINT, which also cuts lame duck mode short. */
  stop(graceful: boolean): void;
  /** SIGUSR1: something moved the log file away. */
  reopenLog(): void;
  /** SIGUSR2: leave slowly. */
  lameDuck(): void;
  /** SIGHUP: read the configuration again. */
  reload(): void;
}

/** The signals the server traps, with the names its log calls them by: those of nats-server. */
const NAMES = {
  SIGINT: "interrupt",
  SIGTERM: "terminated",
  SIGUSR1: "user defined signal 1",
  SIGUSR2: "user defined signal 2",
  SIGHUP: "hangup",
} as const;

/** From now on signals are logged and acted on, for as long as the process lives. */
export function trapSignals(log: Log, actions: SignalActions): void {
  const trap = (signal: keyof typeof NAMES, act: () => void): void => {
    process.on(signal, () => {
      log.info(`Trapped "${NAMES[signal]}" signal`);
      act();
    });
  };
  trap("SIGINT", () => actions.stop(false));
  trap("SIGTERM", () => actions.stop(true));
  trap("SIGUSR1", () => actions.reopenLog());
  trap("SIGUSR2", () => actions.lameDuck());
  trap("SIGHUP", () => actions.reload());
}
