import type { ResponseCache } from "../../auth/ocsp/response-cache.ts";
import type { OcspCacheConfig } from "../../config/tls.ts";

/** The cache of what is known about peers' certificates, in /varz. Fields stand in the reference's order; zeros are left out. */
export interface OcspPeerCache {
  readonly cache_type: OcspCacheConfig["type"];
  readonly cache_hits: number | undefined;
  readonly cache_misses: number | undefined;
  readonly cached_responses: number | undefined;
  readonly cached_revoked_responses: number | undefined;
  readonly cached_good_responses: number | undefined;
  readonly cached_unknown_responses: number | undefined;
}

/** `cache` is null where peers are not checked; one that keeps nothing is not shown either. */
export function peerCache(
  type: OcspCacheConfig["type"],
  cache: ResponseCache | null,
): OcspPeerCache | undefined {
  if (cache === null || type === "none") return undefined;
  const { hits, misses, size, revokes, goods, unknowns } = cache.stats;
  return {
    cache_type: type,
    cache_hits: hits || undefined,
    cache_misses: misses || undefined,
    cached_responses: size || undefined,
    cached_revoked_responses: revokes || undefined,
    cached_good_responses: goods || undefined,
    cached_unknown_responses: unknowns || undefined,
  };
}
