import { type Varz, varz } from "../system/views/varz.ts";
import type { Monitored } from "./endpoint.ts";

/** The answer of /varz. */
export function varzOf({ server, httpRequests }: Monitored): Varz {
  const { resources } = server;
  const usage = {
    residentBytes: resources.residentBytes(),
    cpuPercent: resources.cpuPercent(),
    coreCount: resources.coreCount,
  };
  const { broker, startMs, configLoadMs, configDigest, ocspCache, jetStream = null } = server;
  return varz({ broker, usage, startMs, configLoadMs, configDigest, ocspCache, jetStream, httpRequests });
}
