export type { JetStreamTierLimits as AccountTierLimits } from "../config/accounts.ts";

/** What the configuration says about JetStream of a server, in milliseconds and bytes; the `jetstream` block and `store_dir`. */
export interface JetStreamSettings {
  /** The folder `<store_dir>/jetstream`, absolute. */
  readonly folder: string;
  /** Bytes that all accounts may use. */
  readonly maxMemory: number;
  readonly maxStore: number;
  /** Empty: none. */
  readonly domain: string;
  /**
   * 0: whatever is acknowledged is synced. Else so long may pass between syncs, in milliseconds; acknowledgements do
   * not wait for them then.
   */
  readonly syncIntervalMs: number;
  /** Requests with fields nobody knows are refused. */
  readonly strict: boolean;
  readonly encryption: EncryptionSettings | null;
  readonly limits: JetStreamServerLimits;
  /** Bytes that blocks read from disk may take up in memory, all streams together. */
  readonly cacheBytes: number;
  /** What may wait for the disk of one stream before it refuses more: bytes, and messages. */
  readonly maxBufferedBytes: number;
  readonly maxBufferedMsgs: number;
  /** Requests to the API that may wait, and those of them that only ask for information. */
  readonly requestQueueLimit: number;
  readonly infoQueueLimit: number;
  /** Deliveries ask for acknowledgements at subjects that name domain and account (`js_ack_fc_v2`). */
  readonly acksNameAccount: boolean;
}

export interface EncryptionSettings {
  readonly cipher: "chacha" | "aes";
  readonly key: string;
  /** The key of before, to read what was written with it; empty: none. */
  readonly previousKey: string;
}

/** Bounds for what clients may ask for; 0: none. */
export interface JetStreamServerLimits {
  readonly maxAckPending: number;
  readonly maxHaAssets: number;
  readonly maxRequestBatch: number;
  /** How many consumers a stream may have where neither it nor its account says so; -1: any number. */
  readonly defaultMaxConsumers: number;
  /** Milliseconds. */
  readonly duplicateWindowMs: number;
  readonly batch: {
    readonly maxInflightPerStream: number;
    readonly maxInflightTotal: number;
    readonly maxMsgs: number;
    readonly timeoutMs: number;
  };
}
