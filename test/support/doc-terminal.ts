import { spawn, type ChildProcess } from "node:child_process";

/** How long a command may take to end, or to say what is waited for; reached only when something hangs. */
const DEADLINE_MS = 30_000;

/** Commands that must not outlive this process when it fails. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) signalGroup(child, "SIGKILL");
});

/** A shell that works through one block of commands, as if in a terminal of its own. */
export class DocTerminal {
  /** Everything it wrote to either stream. */
  output = "";
  /** How many of its lines have been looked at. */
  linesSeen = 0;
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #hasEnded = false;
  #onChange: () => void = () => {};

  constructor(script: string, cwd: string, env: NodeJS.ProcessEnv) {
    const child = spawn("bash", ["-c", `exec 2>&1\n${script}`], {
      cwd,
      env,
      stdio: ["ignore", "pipe", "inherit"],
      detached: true,
    });
    this.#child = child;
    running.add(child);
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.output += text;
      this.#onChange();
    });
    this.#ended = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => {
        running.delete(child);
        this.#hasEnded = true;
        this.#onChange();
        resolve(code);
      });
    });
  }

  /** Resolves to the exit code when all commands have ended; null when they had to be killed. */
  async end(): Promise<number | null> {
    return await this.#withDeadline(this.#ended);
  }

  /** Resolves when its output is as wanted; rejects with the output when it ends otherwise. */
  async until(isWanted: (output: string) => boolean, wanted: string): Promise<void> {
    await this.#withDeadline(this.#wait(isWanted, wanted));
  }

  /** Ends it, and whatever it started. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    if (!this.#hasEnded) signalGroup(this.#child, signal);
    await this.end();
  }

  async #wait(isWanted: (output: string) => boolean, wanted: string): Promise<void> {
    while (!isWanted(this.output)) {
      if (this.#hasEnded) throw new Error(`there is no\n${wanted}\n\nin\n${this.output}`);
      await new Promise<void>((resolve) => (this.#onChange = resolve));
    }
  }

  /** What takes too long finds the commands killed. */
  async #withDeadline<T>(result: Promise<T>): Promise<T> {
    const deadline = setTimeout(() => signalGroup(this.#child, "SIGKILL"), DEADLINE_MS);
    try {
      return await result;
    } finally {
      clearTimeout(deadline);
    }
  }
}

function signalGroup(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, name);
  } catch {
    // The group is gone already.
  }
}
