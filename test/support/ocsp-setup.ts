import type { TestContext } from "node:test";
import { Authorities } from "../../packages/caddis/src/auth/ocsp/trusted-path.ts";
import { OcspClient } from "../../packages/caddis/src/auth/ocsp/client.ts";
import { PeerChecker, type PeerCheckEvents } from "../../packages/caddis/src/auth/ocsp/peer-checker.ts";
import {
  createResponseCache,
  type ResponseCache,
} from "../../packages/caddis/src/auth/ocsp/response-cache.ts";
import { Stapler } from "../../packages/caddis/src/auth/ocsp/stapler.ts";
import { TimerQueue } from "../../packages/caddis/src/base/timer-queue.ts";
import type { OcspCacheConfig, OcspPeerConfig } from "../../packages/caddis/src/config/tls.ts";
import { SILENT_LOG } from "../../packages/caddis/src/io/log.ts";
import { systemClock } from "../../packages/caddis/src/io/node/clock.ts";
import { openOcspFolder } from "../../packages/caddis/src/io/node/ocsp-folder.ts";
import { openOcspTransport } from "../../packages/caddis/src/io/node/ocsp-http.ts";
import type { TestCertificate } from "./certificates.ts";

/** A stapler as a server has it, that keeps responses in `folder`, if any. */
export function openStapler(t: TestContext, folder: string | null): Stapler {
  const clock = systemClock();
  const transport = openOcspTransport();
  const stapler = new Stapler({
    client: new OcspClient(transport, clock),
    folder: folder === null ? null : openOcspFolder(folder),
    clock,
    timers: new TimerQueue(clock),
    log: SILENT_LOG,
    onFatal: (reason) => {
      throw new Error(reason);
    },
  });
  t.after(() => {
    stapler.close();
    transport.close();
  });
  return stapler;
}

/** `ocsp_peer: true`. */
const PEER_DEFAULTS: OcspPeerConfig = {
  verify: true,
  ca_timeout: 2_000,
  allowed_clockskew: 30_000,
  warn_only: false,
  unknown_is_good: false,
  allow_when_ca_unreachable: false,
  cache_ttl_when_next_update_unset: 3_600_000,
};

/** A checker as a server has it, with everything real around it. */
export async function startPeerChecker(
  t: TestContext,
  ca: TestCertificate,
  config: Partial<OcspPeerConfig> = {},
  cacheFolder: string | null = null,
  events: PeerCheckEvents = { onReject: () => {}, onInvalidLink: () => {} },
): Promise<{ checker: PeerChecker; cache: ResponseCache }> {
  const clock = systemClock();
  const transport = openOcspTransport();
  const authorities = new Authorities([ca.der]);
  const cacheConfig: OcspCacheConfig = {
    type: cacheFolder === null ? "none" : "local",
    local_store: cacheFolder ?? "",
    preserve_revoked: false,
    save_interval: 300_000,
  };
  const cache = createResponseCache(cacheConfig, {
    folder: openOcspFolder(cacheConfig.local_store),
    timers: new TimerQueue(clock),
    log: SILENT_LOG,
  });
  await cache.start();
  t.after(async () => {
    transport.close();
    await cache.close();
  });
  const checker = new PeerChecker(
    "Client",
    { ...PEER_DEFAULTS, ...config },
    {
      client: new OcspClient(transport, clock),
      cache,
      authorities: () => authorities,
      clock,
      log: SILENT_LOG,
      events,
    },
  );
  return { checker, cache };
}
