/** Descriptors of the process: files, sockets, pipes. */
export interface DescriptorUsage {
  readonly inUse: number;
  readonly limit: number;
}

/** What explanations are drawn from besides the server's own state, handed in. */
export interface Surroundings {
  /** Null where the system does not tell. */
  descriptors(): DescriptorUsage | null;
  /**
   * The digest of the configuration file as it is now, to compare with the one in force; null without a file. A file
   * that no server would start with is `"broken"`.
   */
  configDigest(): string | null;
}
