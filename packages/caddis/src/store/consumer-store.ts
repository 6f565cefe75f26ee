/**
 * Where the consumers of one stream are kept: their configurations, and their states as of the last time they
 * were put. One for all consumers of a stream, so that thousands of them share one file and its syncs.
 */
export interface ConsumerStore {
  /** What was kept when it was opened, by name. */
  readonly recovered: ReadonlyMap<string, KeptConsumer>;
  /** Keeps the configuration of a consumer, new or changed. */
  putConfig(name: string, json: string): void;
  /** Keeps the state of a consumer, in place of the one before. Copied. */
  putState(name: string, state: Uint8Array): void;
  remove(name: string): void;

  /** As of `StreamStore`. */
  readonly position: number;
  readonly durablePosition: number;
  commit(): void;
  onDurable: () => void;
  readonly failure: string | null;

  usedBytes(): number;
  close(): Promise<void>;
  destroy(): Promise<void>;
}

export interface KeptConsumer {
  /** JSON text. */
  readonly config: string;
  /** Null: none was put since it was made. */
  readonly state: Uint8Array | null;
}
