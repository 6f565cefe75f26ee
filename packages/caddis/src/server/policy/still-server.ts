import { type Authenticator, denied, type Verdict } from "../../auth/identity.ts";
import type { UserRules } from "../../auth/user-claims.ts";
import { Broker } from "../../broker/broker.ts";
import type { Options } from "../../config/options.ts";
import type { ConnectionType } from "../../config/users.ts";
import type { Clock } from "../../io/clock.ts";
import { type Log, SILENT_LOG } from "../../io/log.ts";
import type { Random } from "../../io/random.ts";
import type { SecurityPorts } from "../../io/security.ts";
import { OperatorMode } from "../operator-mode.ts";
import { isOperatorMode, userRules } from "../security.ts";
import { ChosenRandom } from "./chosen-random.ts";
import { Probe } from "./probe.ts";
import { ProbePipe } from "./probe-pipe.ts";
import { StillDirectory } from "./still-directory.ts";

/** What a still server asks of the world. */
export interface StillPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly security: SecurityPorts;
}

/** Of the files in a folder of accounts' JWTs, which are named by the accounts' ids. */
const JWT_EXTENSION = ".jwt";

const NO_EVENTS = { onConnect: ignore, onDisconnect: ignore, onAuthError: ignore, onSlowConsumer: ignore };

/** What a running server consists of, apart from its ports: nobody else is connected, and nothing is written. */
export class StillServer {
  readonly options: Options;
  readonly broker: Broker;
  readonly random: ChosenRandom;
  readonly localZone: string;
  /** Warnings and errors that a server would log. */
  readonly warnings: string[] = [];
  /** Null: users and accounts are configured. */
  operator: OperatorMode | null = null;
  #verdict: Verdict = denied("not asked yet");

  private constructor(options: Options, { clock, random, security }: StillPorts) {
    const note = (line: string): void => void this.warnings.push(line);
    const log: Log = { ...SILENT_LOG, warn: note, error: note };
    const authenticator: Authenticator = {
      expectsConnect: true,
      isRequired: false,
      needsNonce: false,
      takesUnannounced: false,
      authenticate: () => this.#verdict,
    };
    this.options = options;
    this.localZone = security.localZone;
    this.random = new ChosenRandom(random);
    const ports = { clock, random: this.random, log };
    this.broker = new Broker(options, ports, authenticator, NO_EVENTS, "");
  }

  /** Rejects with a `ConfigError` when no server would start with these options. */
  static async open(options: Options, ports: StillPorts): Promise<StillServer> {
    const server = new StillServer(options, ports);
    if (!isOperatorMode(options)) return server;
    try {
      await server.#openOperatorMode(ports.security);
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  /** All accounts that are at hand are loaded: each of them may import from that of the user. */
  async #openOperatorMode(security: SecurityPorts): Promise<void> {
    const { options, broker } = this;
    const folders: StillDirectory[] = [];
    const still: SecurityPorts = {
      ...security,
      async openClaimsDirectory(path, bytesMax) {
        const folder = new StillDirectory(await security.openClaimsDirectory(path, bytesMax));
        folders.push(folder);
        return folder;
      },
    };
    const operator = await OperatorMode.open(options, still, broker);
    this.operator = operator;
    // Verdicts are decided here; some of them are about tokens that nobody signed a nonce for.
    broker.reviewer = null;
    const ids = new Set(options.resolver_preload.keys());
    if (options.system_account !== "") ids.add(options.system_account);
    for (const folder of folders) {
      const names = await folder.names();
      for (const name of names.ok ? names.value : []) {
        if (name.endsWith(JWT_EXTENSION)) ids.add(name.slice(0, -JWT_EXTENSION.length));
      }
    }
    for (const id of ids) await operator.account(id);
  }

  /** What accounts of operator mode may not import. That is not in the log when their exporter came later. */
  importProblems(): readonly string[] {
    const { accounts } = this.broker;
    if (this.operator === null) return [];
    return Array.from(accounts, ({ name }) =>
      accounts.recheck(name).map((line) => `Account ${name}: ${line}`),
    ).flat();
  }

  /** What users of operator mode are judged by. */
  userRules(operator: OperatorMode): UserRules {
    return userRules(this.options, this.broker, this.localZone, operator);
  }

  /** A connection about which the server has decided this. */
  connect(verdict: Verdict, type: ConnectionType, host: string): Probe {
    this.#verdict = verdict;
    const pipe = new ProbePipe(host, this.broker.clock);
    const client = this.broker.accept(pipe, type === "IN_PROCESS" ? "in-process" : "tcp");
    pipe.attach(client);
    return new Probe(this.broker, pipe, client);
  }

  async close(): Promise<void> {
    await this.operator?.close();
    await this.broker.shutdown();
  }
}

function ignore(): void {}
