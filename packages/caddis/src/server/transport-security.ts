import { OcspClient } from "../auth/ocsp/client.ts";
import { PeerChecker, type PeerCheckEvents } from "../auth/ocsp/peer-checker.ts";
import { createResponseCache, type ResponseCache } from "../auth/ocsp/response-cache.ts";
import { Stapler } from "../auth/ocsp/stapler.ts";
import { Authorities } from "../auth/ocsp/trusted-path.ts";
import type { TimerQueue } from "../base/timer-queue.ts";
import type { TlsSetup } from "../broker/securing.ts";
import type { Options } from "../config/options.ts";
import type { TlsConfig } from "../config/tls.ts";
import type { Clock } from "../io/clock.ts";
import type { Log } from "../io/log.ts";
import type { OcspTransport } from "../io/ocsp.ts";
import type { OpenTlsContext, SecurityPorts } from "../io/security.ts";
import type { ServedCertificate } from "../io/tls.ts";

/** Who connects, in log lines and events about certificates. */
const CLIENTS = "Client";

export interface TransportSecurityDeps {
  readonly ports: SecurityPorts;
  readonly clock: Clock;
  readonly timers: TimerQueue;
  readonly log: Log;
  readonly events: PeerCheckEvents;
  /** The server may not go on: a certificate that has to be good is not. */
  readonly onFatal: (reason: string) => void;
}

/** TLS of the port for clients: certificates, the checks of peers, and the status of both kinds of certificate. */
export class TransportSecurity {
  readonly setup: TlsSetup;
  /** What is known about peers' certificates; null where they are not checked. */
  readonly cache: ResponseCache | null;
  readonly #context: OpenTlsContext;
  readonly #stapler: Stapler;
  readonly #transport: OcspTransport;

  private constructor(
    setup: TlsSetup,
    context: OpenTlsContext,
    stapler: Stapler,
    cache: ResponseCache | null,
    transport: OcspTransport,
  ) {
    this.setup = setup;
    this.cache = cache;
    this.#context = context;
    this.#stapler = stapler;
    this.#transport = transport;
  }

  /** Rejects with what is wrong with the files, in the reference's words where it has some. */
  static async open(
    options: Options,
    tls: TlsConfig,
    deps: TransportSecurityDeps,
  ): Promise<TransportSecurity> {
    const { ports, clock, timers, log } = deps;
    const transport = await ports.openOcspTransport();
    const client = new OcspClient(transport, clock);
    const stapler = new Stapler({
      client,
      // A server without a folder of its own asks again after a restart.
      folder: null,
      clock,
      timers,
      log,
      onFatal: deps.onFatal,
    });
    const cache = await openCache(options, tls, deps);
    // Those of the last files that were read.
    let authorities = new Authorities([]);
    const checker =
      tls.ocsp_peer?.verify === true && cache !== null
        ? new PeerChecker(CLIENTS, tls.ocsp_peer, {
            client,
            cache,
            authorities: () => authorities,
            clock,
            log,
            events: deps.events,
          })
        : null;
    try {
      const context = await ports.openTls(tls, {
        log,
        staple: (leaf) => stapler.staple(leaf),
        onLoaded: (served, trusted) => {
          authorities = new Authorities(trusted);
          return stapler.use(options.ocsp, served.map(servedToClients));
        },
        ...(checker === null ? {} : { checkPeer: (chain) => checker.check(chain) }),
      });
      const setup: TlsSetup = {
        context,
        handshakeFirst: tls.handshake_first,
        // A handshake that comes first leaves no room for anything else.
        allowNonTls: options.allow_non_tls && tls.handshake_first !== "always",
        verify: tls.verify || tls.verify_and_map,
      };
      return new TransportSecurity(setup, context, stapler, cache, transport);
    } catch (error) {
      stapler.close();
      await cache?.close();
      transport.close();
      throw error;
    }
  }

  /** Reads the certificates again; null, or why the old ones stay. */
  reload(): Promise<string | null> {
    return this.#context.reload();
  }

  /** What to staple for one of the certificates that clients see, on another port; null: nothing. */
  staple(leaf: Buffer): Buffer | null {
    return this.#stapler.staple(leaf);
  }

  async close(): Promise<void> {
    this.#context.close();
    this.#stapler.close();
    this.#transport.close();
    await this.cache?.close();
  }
}

async function openCache(
  { ocsp_cache }: Options,
  { ocsp_peer }: TlsConfig,
  { ports, timers, log }: TransportSecurityDeps,
): Promise<ResponseCache | null> {
  if (ocsp_peer?.verify !== true) return null;
  const folder = await ports.openOcspFolder(ocsp_cache.local_store);
  const cache = createResponseCache(ocsp_cache, { folder, timers, log });
  await cache.start();
  return cache;
}

function servedToClients(served: ServedCertificate): ServedCertificate & { readonly kind: string } {
  return { kind: CLIENTS, ...served };
}
