import type { Broker } from "../broker/broker.ts";
import type { Options } from "../config/options.ts";
import type { StoragePort } from "../io/storage.ts";
import type { JetStream } from "../jetstream/jetstream.ts";
import type { JetStreamPart } from "./jetstream-part.ts";
import type { OperatorMode } from "./operator-mode.ts";

/** The JetStream of a server, while it is on: loaded and made when it is wanted. */
export class JetStreamHolder {
  readonly #broker: Broker;
  /** Null: there is nowhere to store anything. */
  readonly #storage: StoragePort | null;
  #part: JetStreamPart | null = null;

  constructor(broker: Broker, storage: StoragePort | null) {
    this.#broker = broker;
    this.#storage = storage;
  }

  /** Null while it is off. */
  get part(): JetStreamPart | null {
    return this.#part;
  }

  /** Null while it is off. */
  get jetStream(): JetStream | null {
    return this.#part?.jetStream ?? null;
  }

  /**
   * Switches it on with a server: resolves when all that was kept is there. `operator`: who knows the accounts; null:
   * they are configured. Rejects with what is in the way.
   */
  async start(options: Options, operator: OperatorMode | null): Promise<void> {
    const part = await this.open(options);
    this.use(part);
    try {
      await part.start();
    } catch (error) {
      throw cantStart(error);
    }
    // Their consumers and sources work before the first of their users comes.
    if (operator === null) return;
    await Promise.all((await part.storedAccounts()).map((name) => operator.account(name)));
  }

  /** Makes one of these options that is not started yet, and changes nothing. Rejects with what is in the way. */
  async open(options: Options): Promise<JetStreamPart> {
    try {
      if (this.#storage === null) throw new Error("there is nowhere to store anything");
      const { JetStreamPart } = await import("./jetstream-part.ts");
      return await JetStreamPart.open(this.#broker, options, this.#storage);
    } catch (error) {
      throw cantStart(error);
    }
  }

  /** Goes on with another one, or none. */
  use(part: JetStreamPart | null): void {
    this.#part = part;
    this.#broker.jetStream = part?.jetStream ?? null;
  }

  /** Resolves once all is put away; at the end of a server. */
  async close(): Promise<void> {
    await this.#part?.close();
    this.#broker.jetStream = null;
  }
}

function cantStart(error: unknown): Error {
  const reason = error instanceof Error ? error.message : String(error);
  return new Error(`Can't start JetStream: ${reason}`, { cause: error });
}
