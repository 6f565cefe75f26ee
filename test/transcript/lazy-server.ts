import { ServerProcess } from "../support/server-process.ts";
import type { Case } from "./transcript.ts";

/** The end of a log that is shown when a server died. */
const LOG_TAIL_BYTES = 2_000;

/** A server that starts with the first case that wants it, and again when a case has killed it. */
export class LazyServer {
  readonly #command: string;
  readonly #config: string;
  #shared: Promise<ServerProcess> | null = null;

  constructor(command: string, config: string) {
    this.#command = command;
    this.#config = config;
  }

  /**
   * Runs `play` with the shared server, or with one of its own when the case asks for that. Throws with
   * the end of the server's log when the server did not survive it.
   */
  async use<T>(played: Case, play: (server: ServerProcess) => Promise<T>): Promise<T> {
    if (!played.server.exclusive) {
      this.#shared ??= this.#start();
      const server = await this.#shared;
      try {
        return await play(server);
      } catch (error) {
        // Nobody listens any more: the server is about to be gone.
        if (isRefused(error)) await server.exited;
        throw error;
      } finally {
        if (server.hasExited) {
          this.#shared = null;
          await bury(server);
        }
      }
    }
    const own = await this.#start();
    try {
      return await play(own);
    } finally {
      // A server that a signal has sent into lame duck mode does not listen to another one.
      await own.stop("SIGKILL");
    }
  }

  /** Stops the shared server. */
  async stop(): Promise<void> {
    await (await this.#shared)?.stop();
  }

  #start(): Promise<ServerProcess> {
    const config = this.#config.trim() === "" ? {} : { config: this.#config };
    return ServerProcess.start({ command: this.#command, ...config });
  }
}

function isRefused(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ECONNREFUSED";
}

/** Removes what a dead server left and throws how it died. */
async function bury(server: ServerProcess): Promise<never> {
  await server.stop();
  throw new Error(`the server died:\n${server.log.slice(-LOG_TAIL_BYTES)}`);
}
