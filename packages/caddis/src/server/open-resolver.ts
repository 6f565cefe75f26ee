import type { ClaimsRules } from "../auth/resolver/claims.ts";
import { DirectoryResolver } from "../auth/resolver/directory-resolver.ts";
import { JwtStore, type StoreRules } from "../auth/resolver/jwt-store.ts";
import { MemoryResolver } from "../auth/resolver/memory-resolver.ts";
import { type Resolver } from "../auth/resolver/resolver.ts";
import { FETCH_TIMEOUT_MS, UrlResolver } from "../auth/resolver/url-resolver.ts";
import { JWT_BYTES_MAX } from "../auth/jwt.ts";
import type { TimerQueue } from "../base/timer-queue.ts";
import type { ResolverConfig } from "../config/operator.ts";
import type { Options } from "../config/options.ts";
import type { Clock } from "../io/clock.ts";
import type { Log } from "../io/log.ts";
import type { SecurityPorts } from "../io/security.ts";

export interface ResolverDeps {
  readonly ports: SecurityPorts;
  readonly claims: ClaimsRules;
  readonly clock: Clock;
  readonly timers: TimerQueue;
  readonly log: Log;
}

type DirectoryConfig = Extract<ResolverConfig, { readonly dir: string }>;

/** The resolver that a configuration asks for, not started; a text says why there can be none. */
export async function openResolver(options: Options, deps: ResolverDeps): Promise<Resolver | string> {
  const { resolver, resolver_preload, resolver_tls } = options;
  if (resolver === null) return new MemoryResolver(resolver_preload);
  switch (resolver.type) {
    case "memory":
      return new MemoryResolver(resolver_preload);
    case "url": {
      const http = await deps.ports.openHttpClient(resolver_tls);
      return typeof http === "string" ? http : new UrlResolver(resolver.url, http);
    }
    default:
      return openDirectory(resolver, deps);
  }
}

async function openDirectory(config: DirectoryConfig, deps: ResolverDeps): Promise<Resolver> {
  const directory = await deps.ports.openClaimsDirectory(config.dir, JWT_BYTES_MAX);
  const store = new JwtStore(storeRules(config), { ...deps, directory });
  const timeoutMs = config.timeout > 0 ? config.timeout : FETCH_TIMEOUT_MS;
  return new DirectoryResolver(config.type, store, { timers: deps.timers, timeoutMs });
}

function storeRules(config: DirectoryConfig): StoreRules {
  const limit = config.limit < 0 ? Infinity : config.limit;
  if (config.type === "cache") return { limit, evicts: true, ttlMs: config.ttl, deletion: "remove" };
  const deletion = !config.allow_delete ? "none" : config.hard_delete ? "remove" : "rename";
  return { limit, evicts: false, ttlMs: 0, deletion };
}
