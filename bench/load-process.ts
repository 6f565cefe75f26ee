import { fork, type ChildProcess } from "node:child_process";
import type { LoadAnswer, LoadCall, LoadOperations, OperationName } from "./load/operations.ts";

/**
 * A process of its own that makes the load, so that harness and load do not share an event loop, and so
 * that every run starts with a fresh one.
 */
export class LoadProcess {
  readonly #process: ChildProcess;

  constructor() {
    this.#process = fork(new URL("./load/worker.ts", import.meta.url), { execArgv: [] });
  }

  /**
   * Has the load process do one thing, and only one at a time. Rejects with the load's error, or when the
   * process ends without an answer.
   */
  async call<Name extends OperationName>(
    operation: Name,
    input: LoadOperations[Name]["input"],
  ): Promise<LoadOperations[Name]["output"]> {
    const { promise, resolve, reject } = Promise.withResolvers<LoadOperations[Name]["output"]>();
    const onMessage = (answer: LoadAnswer<Name>) => {
      if ("error" in answer) reject(new Error(answer.error));
      else resolve(answer.output);
    };
    const onExit = (code: number | null, signal: string | null) => {
      reject(new Error(`the load process ended with ${signal ?? code}`));
    };
    this.#process.on("message", onMessage);
    this.#process.on("exit", onExit);
    const call: LoadCall<Name> = { operation, input };
    this.#process.send(call);
    try {
      return await promise;
    } finally {
      this.#process.off("message", onMessage);
      this.#process.off("exit", onExit);
    }
  }

  /** Ends the process. Its connections are closed by the kernel. */
  kill(): void {
    this.#process.kill("SIGKILL");
  }
}
