import type { SecurityPorts } from "../security.ts";
import { BcryptHasher } from "./bcrypt.ts";

/** Security with Node's means. What most servers do without is loaded when it is wanted. */
export function nodeSecurity(): SecurityPorts {
  return {
    hasher: new BcryptHasher(),
    // Most servers never ask, and the answer takes as long as the rest of their start.
    get localZone() {
      return Intl.DateTimeFormat().resolvedOptions().timeZone;
    },
    openTls: async (config, hooks) => (await import("./tls.ts")).openTlsContext(config, hooks),
    openHttpClient: async (tls) => (await import("./http-client.ts")).createHttpClient(tls),
    openClaimsDirectory: async (path, bytesMax) =>
      (await import("./claims-directory.ts")).claimsDirectory(path, bytesMax),
    openOcspTransport: async () => (await import("./ocsp-http.ts")).openOcspTransport(),
    openOcspFolder: async (path) => (await import("./ocsp-folder.ts")).openOcspFolder(path),
  };
}
