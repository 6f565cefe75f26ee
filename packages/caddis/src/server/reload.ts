import type { Broker } from "../broker/broker.ts";
import { ConfigError } from "../config/config-error.ts";
import type { Options } from "../config/options.ts";
import { reviewConnections } from "./reload-clients.ts";
import { diffOptions } from "./reload-diff.ts";
import { reloadedLines } from "./reload-lines.ts";
import { abandonAll, finishAll, prepareAll, type ReloadPart } from "./reload-part.ts";
import { type ServerState, STATE_TEXTS } from "./server-state.ts";

/** What a reload needs of its server. */
export interface ReloadDeps {
  readonly broker: Broker;
  readonly state: () => ServerState;
  /** The port that clients are listened for on; null without one. */
  readonly listeningPort: () => number | null;
  /** What follows the options now, in the order in which they take effect. */
  readonly parts: () => readonly ReloadPart[];
  /** All are in force, and no client has noticed yet. `digest`: of the file they are from. */
  readonly onCommitted: (digest: string) => void;
}

/** Reloads of one server: each makes ready what can fail, then changes everything at once; one after the other. */
export class Reloads {
  readonly #deps: ReloadDeps;
  #last: Promise<void> = Promise.resolve();

  constructor(deps: ReloadDeps) {
    this.#deps = deps;
  }

  /**
   * Goes on with options `next`; live connections have what these say when it resolves. All or nothing: rejects with a
   * `ConfigError` that lists what is in the way, and nothing has changed. `digest`: of the file they are from, or empty.
   */
  run(next: Options, digest: string): Promise<void> {
    const turn = this.#last.then(() => this.#reload(next, digest));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #reload(next: Options, digest: string): Promise<void> {
    const { broker, state, listeningPort, parts, onCommitted } = this.#deps;
    assertRunning(state());
    const current = broker.options;
    const { changed, refused } = diffOptions(current, next, listeningPort());
    if (refused.length > 0) throw new ConfigError(refused);
    // What can fail comes first …
    const steps = await prepareAll(parts(), current, next);
    if (state() !== "running") await abandonAll(steps);
    assertRunning(state());
    // … and then nothing can come in between.
    for (const line of reloadedLines(current, next, changed)) broker.log.info(line);
    broker.options = next;
    const { authenticator } = broker;
    for (const step of steps) step.commit();
    onCommitted(digest);
    const reviewed = reviewConnections(broker, current, broker.authenticator !== authenticator);
    await finishAll(steps);
    await reviewed;
    broker.log.info(`Reloaded server configuration${digest === "" ? "" : ` (${digest})`}`);
  }
}

function assertRunning(state: ServerState): void {
  const problem = `a server that is ${STATE_TEXTS[state]} can't be given another configuration`;
  if (state !== "running") throw new ConfigError([problem]);
}
