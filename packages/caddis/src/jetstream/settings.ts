/** What the configuration says about JetStream of a server, in milliseconds and bytes; the `jetstream` block and `store_dir`. */
export interface JetStreamSettings {
  /** The folder `<store_dir>/jetstream`, absolute. */
  readonly folder: string;
  /** Bytes that all accounts may use; -1: any. */
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
  /** Milliseconds. */
  readonly duplicateWindowMs: number;
  readonly batch: {
    readonly maxInflightPerStream: number;
    readonly maxInflightTotal: number;
    readonly maxMsgs: number;
    readonly timeoutMs: number;
  };
}

/** What one account may use, for one tier ("" for all): -1 any. */
export interface AccountTierLimits {
  readonly maxMemory: number;
  readonly maxStore: number;
  readonly maxStreams: number;
  readonly maxConsumers: number;
  readonly maxAckPending: number;
  readonly memoryMaxStreamBytes: number;
  readonly storeMaxStreamBytes: number;
  readonly maxBytesRequired: boolean;
}
