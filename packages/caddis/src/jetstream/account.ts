import type { Account } from "../broker/account.ts";
import type { ApiError } from "./core/api-error.ts";
import type { StreamConfig } from "./core/stream-config.ts";
import type { JetStream } from "./jetstream.ts";
import type { AccountTierLimits } from "./settings.ts";
import type { Stream } from "./stream.ts";

/** JetStream of one account: its streams, and what it may use. */
export class JetStreamAccount {
  readonly jetStream: JetStream;
  readonly account: Account;
  /** By tier (`R1`, …), or under "" where there are none. */
  limits: ReadonlyMap<string, AccountTierLimits>;
  readonly streams = new Map<string, Stream>();

  constructor(jetStream: JetStream, account: Account, limits: ReadonlyMap<string, AccountTierLimits>) {
    this.jetStream = jetStream;
    this.account = account;
    this.limits = limits;
  }

  /**
   * Makes a stream of a configuration that has been checked and has its defaults; resolves once it is durable. What
   * depends on other streams and on what the account may use is checked here. `null` where equal is there already.
   */
  createStream(_config: StreamConfig): Promise<Stream | ApiError> {
    throw new Error("unbuilt");
  }

  /** Removes a stream and its consumers; resolves once that is durable. */
  deleteStream(_stream: Stream): Promise<ApiError | null> {
    throw new Error("unbuilt");
  }
}
