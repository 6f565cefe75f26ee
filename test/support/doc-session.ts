import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { endOfShown, isShown, type Step } from "./doc-page.ts";
import { DocTerminal } from "./doc-terminal.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Ports that pages name; each session has others in their place. */
const PORTS_ON_PAGES = ["4222", "4223", "8222"];
/** Where free ports are looked for: below those that systems hand out by themselves. */
const FIRST_PORT = 10_000;
const LAST_PORT = 19_999;

/** How many characters of the server's log a failure shows. */
const LOG_SHOWN = 3_000;

/** How many subscriptions a command of `nats` makes before it hears all it is to hear. */
const SUBSCRIPTIONS: ReadonlyMap<string, number> = new Map([
  ["sub", 1],
  ["reply", 1],
  ["events", 3],
]);

/** Has a shell keep its variables and its folder for the next one, whatever happens in it. */
const LEAVE_STATE = String.raw`leave() { { export -p; printf 'cd %q\n' "$PWD"; } > "$DOC_STATE"; }
trap leave EXIT`;

/** A reader who works through a page, in a folder of its own that has a checkout's `bin` and the clients' packages. */
export class DocSession {
  readonly #folder: string;
  readonly #ports: ReadonlyMap<string, string>;
  readonly #env: NodeJS.ProcessEnv;
  /** Terminals that stay, by their command; and the last command that ended, under "". */
  readonly #terminals = new Map<string, DocTerminal>();

  private constructor(folder: string, tools: string, ports: ReadonlyMap<string, string>) {
    this.#folder = folder;
    this.#ports = ports;
    this.#env = {
      PATH: [tools, dirname(process.execPath), process.env["PATH"]].join(":"),
      HOME: join(folder, "home"),
      NO_COLOR: "1",
      DOC_STATE: join(folder, "state"),
    };
  }

  /** `tools` is a folder with the programs that the machine itself may not have. */
  static async open(tools: string): Promise<DocSession> {
    const folder = await mkdtemp(join(tmpdir(), "caddis-docs-"));
    await mkdir(join(folder, "home"));
    await mkdir(join(folder, "work/bin"), { recursive: true });
    await symlink(join(ROOT, "bin/caddis"), join(folder, "work/bin/caddis"));
    await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
    await writeFile(join(folder, "state"), "");
    const ports = new Map<string, string>();
    for (const port of PORTS_ON_PAGES) ports.set(port, await freePort());
    return new DocSession(folder, tools, ports);
  }

  async close(): Promise<void> {
    for (const terminal of this.#terminals.values()) await terminal.stop("SIGKILL");
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Does what a step says. Rejects when it does not come to what the page says. */
  async do(step: Step): Promise<void> {
    const text = this.#withOwnPorts(step.text);
    if (step.kind === "output") await this.#check(text, step.terminal);
    else if (step.kind === "file")
      await this.#run(`cat > ${step.name} <<'END OF FILE'\n${text}\nEND OF FILE`);
    else if (step.kind === "stay") await this.#start(text);
    else await this.#run(text, step.kind === "fail");
  }

  #withOwnPorts(text: string): string {
    return text.replaceAll(/\b\d{4}\b/g, (number) => this.#ports.get(number) ?? number);
  }

  /** Runs commands with the working folder and the variables that the last ones left. */
  async #run(commands: string, isToFail = false): Promise<void> {
    const terminal = this.#open(`${LEAVE_STATE}\nset -ae\n${withoutInstalls(commands)}`);
    this.#terminals.set("", terminal);
    const code = await terminal.end();
    assert.equal(
      code !== 0,
      isToFail,
      `exit code ${code}: ${terminal.output}\n${this.#serverLog().slice(-LOG_SHOWN)}`,
    );
  }

  /** Starts a command that stays, and waits until it is at work. */
  async #start(command: string): Promise<void> {
    const [program, verb] = command.split(" ");
    const before = this.#serverLog().length;
    if (program === "caddis") {
      await this.#stopServer();
      // The server's trace tells when subscriptions have arrived.
      command += " -DV";
    }
    const terminal = this.#open(command);
    this.#terminals.set(command, terminal);
    if (program === "caddis" || program === "nats-server")
      await terminal.until((log) => log.includes("Server is ready"), "Server is ready");
    const subscriptions = program === "nats" ? (SUBSCRIPTIONS.get(verb) ?? 0) : 0;
    const hasThem = (log: string): boolean => log.slice(before).split("<<- [SUB ").length > subscriptions;
    if (subscriptions > 0) await this.#server()?.until(hasThem, "[SUB ");
  }

  #open(script: string): DocTerminal {
    const cwd = join(this.#folder, "work");
    return new DocTerminal(`. "$DOC_STATE"\n${script}`, cwd, this.#env);
  }

  async #check(text: string, name: string | null): Promise<void> {
    if (name === null) {
      const actual = this.#terminals.get("")?.output ?? "";
      if (!isShown(actual, text)) assert.equal(actual, text);
      return;
    }
    const terminal = this.#terminal(name);
    assert.ok(terminal, `a terminal with ${name}`);
    const end = (): number | null => endOfShown(terminal.output, text, terminal.linesSeen);
    await terminal.until(() => end() !== null, text);
    terminal.linesSeen = end() ?? 0;
  }

  /** The last terminal that stays whose command begins so. */
  #terminal(start: string): DocTerminal | undefined {
    return [...this.#terminals].findLast(([command]) => command.startsWith(start))?.[1];
  }

  #server(): DocTerminal | undefined {
    return this.#terminal("caddis ");
  }

  #serverLog(): string {
    return this.#server()?.output ?? "";
  }

  async #stopServer(): Promise<void> {
    for (const [command, terminal] of this.#terminals) {
      if (!command.startsWith("caddis ")) continue;
      await terminal.stop("SIGTERM");
      this.#terminals.delete(command);
    }
  }
}

/** Packages are there already: the folder above has them. */
function withoutInstalls(commands: string): string {
  return commands.replaceAll(/^npm install .*$/gm, (install) => {
    const names = install.split(" ").slice(2);
    return names.map((name) => `test -d ${join(ROOT, "node_modules", name)}`).join("\n");
  });
}

async function freePort(): Promise<string> {
  for (;;) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1);
    const isFree = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once("error", () => resolve(false));
      server.listen(port, () => server.close(() => resolve(true)));
    });
    if (isFree) return String(port);
  }
}
