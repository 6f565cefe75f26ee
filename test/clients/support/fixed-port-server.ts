import { randomInt } from "node:crypto";
import { ServerProcess } from "../../support/server-process.ts";
import type { Target } from "./targets.ts";

/**
 * Ports to restart a server on lie here: below those that systems hand out by themselves, so that no other
 * connection takes the port in the moment when nobody listens.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 29_999;
/** How many ports to try before giving up: other tests may hold some. */
const ATTEMPTS = 10;

/** A server that can be restarted on the port it had. */
export class FixedPortServer {
  readonly port: number;
  readonly #target: Target;
  readonly #args: readonly string[];
  #process: ServerProcess;

  private constructor(port: number, target: Target, args: readonly string[], process: ServerProcess) {
    this.port = port;
    this.#target = target;
    this.#args = args;
    this.#process = process;
  }

  /** Starts it on a free port, with more arguments. Throws the last server's complaint when no port was free. */
  static async start(target: Target, args: readonly string[] = []): Promise<FixedPortServer> {
    for (let attempt = 1; ; attempt++) {
      const port = randomInt(FIRST_PORT, LAST_PORT + 1);
      try {
        return new FixedPortServer(port, target, args, await startOn(target, port, args));
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** Ends the process; the port is then free. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    await this.#process.stop(signal);
  }

  /** Starts a new process on the same port, after {@link stop}. */
  async startAgain(): Promise<void> {
    this.#process = await startOn(this.#target, this.port, this.#args);
  }
}

async function startOn(target: Target, port: number, args: readonly string[]): Promise<ServerProcess> {
  return await ServerProcess.start({ command: target.command, args: ["-p", String(port), ...args] });
}
