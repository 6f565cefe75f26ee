import type { RequestInfo } from "../broker/request-info.ts";
import type { JetStreamAccount } from "./account.ts";
import type { StreamConfig } from "./core/stream-config.ts";
import { Restore } from "./restore.ts";

/** Each holds some megabytes in memory; nobody restores so many streams of an account at a time. */
const RESTORES_MAX = 64;

/** Streams of one account that are being restored. */
export class Restores {
  readonly #owner: JetStreamAccount;
  readonly #all = new Set<Restore>();

  constructor(owner: JetStreamAccount) {
    this.#owner = owner;
  }

  /** Begins one; `client`: who asks. Null: there are too many. Rejects when there is no place for it. */
  async begin(config: StreamConfig, client: RequestInfo | null): Promise<Restore | null> {
    if (this.#all.size >= RESTORES_MAX) return null;
    const restore = new Restore(this.#owner, config, client, () => this.#all.delete(restore));
    this.#all.add(restore);
    await restore.start();
    return restore;
  }

  /** Breaks off all of them; resolves once nothing of them is left. */
  async stop(): Promise<void> {
    await Promise.all(Array.from(this.#all, (restore) => restore.stop()));
  }
}
