import { ServerProcess } from "../support/server-process.ts";
import type { Case } from "./transcript.ts";

/** A server that starts with the first case that wants it. */
export class LazyServer {
  readonly #command: string;
  readonly #config: string;
  #shared: Promise<ServerProcess> | null = null;

  constructor(command: string, config: string) {
    this.#command = command;
    this.#config = config;
  }

  /** Runs `play` with the shared server, or with one of its own when the case asks for that. */
  async use<T>(played: Case, play: (server: ServerProcess) => Promise<T>): Promise<T> {
    if (!played.server.exclusive) {
      this.#shared ??= this.#start();
      return play(await this.#shared);
    }
    const own = await this.#start();
    try {
      return await play(own);
    } finally {
      // A server that a signal has sent into lame duck mode does not listen to another one.
      await own.stop("SIGKILL");
    }
  }

  async stop(): Promise<void> {
    await (await this.#shared)?.stop();
  }

  #start(): Promise<ServerProcess> {
    const config = this.#config.trim() === "" ? {} : { config: this.#config };
    return ServerProcess.start({ command: this.#command, ...config });
  }
}
