import type { Compression } from "../../io/compression.ts";
import type { Resources } from "../../io/resources.ts";
import type { Usage, VarzSource } from "../views/varz.ts";

/** What requests in the system account are answered from. */
export interface RequestedServer extends Omit<VarzSource, "usage"> {
  readonly resources: Resources;
  readonly compression: Compression;
  /** False while it starts or sends its clients away. */
  readonly takesConnections: boolean;
  /** Reads the configuration again; resolves with why that did not happen, or null when it did. Never rejects. */
  reloadConfiguration(): Promise<string | null>;
}

/** What the process uses now. */
export function usageOf({ resources }: Pick<RequestedServer, "resources">): Usage {
  return {
    residentBytes: resources.residentBytes(),
    cpuPercent: resources.cpuPercent(),
    coreCount: resources.coreCount,
  };
}
