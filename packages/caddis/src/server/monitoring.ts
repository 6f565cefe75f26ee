import { ConfigError } from "../config/config-error.ts";
import type { Options } from "../config/options.ts";
import type { TlsConfig } from "../config/tls.ts";
import type { Http } from "../io/http.ts";
import type { OpenTlsContext, SecurityPorts } from "../io/security.ts";
import type { TlsContext } from "../io/tls.ts";
import type { MonitoredServer } from "../monitor/endpoint.ts";
import { type Address, Monitor } from "../monitor/monitor.ts";
import type { ReloadPart, ReloadStep } from "./reload-part.ts";
import type { TransportSecurity } from "./transport-security.ts";

const NO_CERTIFICATE = "TLS cert and key required for HTTPS";

/** What monitoring takes of its server and its world. */
export interface MonitoringDeps {
  readonly server: MonitoredServer;
  readonly http: Http;
  readonly security: SecurityPorts;
  /** TLS of the port for clients; null: there is none, or not yet. */
  readonly transport: () => TransportSecurity | null;
}

/** Monitoring of a server on its port, in the clear or by TLS with the certificates that clients see. */
export class Monitoring implements ReloadPart {
  readonly #deps: MonitoringDeps;
  readonly #monitor: Monitor;
  /** Null without HTTPS. */
  #context: OpenTlsContext | null = null;

  constructor(deps: MonitoringDeps) {
    this.#deps = deps;
    this.#monitor = new Monitor(deps.server);
  }

  get scheme(): "http" | "https" {
    return this.#deps.server.broker.options.https_port === 0 ? "http" : "https";
  }

  /** By endpoint. */
  get requests(): ReadonlyMap<string, number> {
    return this.#monitor.requests;
  }

  /** Null while it does not listen. */
  get address(): Address | null {
    return this.#monitor.address;
  }

  /** Rejects with what is in the way. */
  async start(): Promise<Address> {
    const { http_port, https_port, tls } = this.#deps.server.broker.options;
    if (http_port !== 0 && https_port !== 0) {
      throw new Error(`can't specify both HTTP (${http_port}) and HTTPs (${https_port}) ports`);
    }
    if (https_port === 0) return this.#listen();
    if (tls === null) throw new Error(NO_CERTIFICATE);
    this.#context = await this.#open(tls);
    try {
      return await this.#listen(() => this.#currentContext());
    } catch (error) {
      this.#context.close();
      throw error;
    }
  }

  /** Ends all its connections at once. */
  async close(): Promise<void> {
    await this.#monitor.close();
    this.#context?.close();
  }

  /** Files of certificates are read again in any case. */
  async prepare(_current: Options, next: Options): Promise<ReloadStep> {
    if (this.#context === null) return { commit() {} };
    if (next.tls === null) throw new ConfigError([NO_CERTIFICATE]);
    const previous = this.#context;
    const context = await this.#open(next.tls);
    return {
      commit: () => {
        this.#context = context;
      },
      finish: () => Promise.resolve(previous.close()),
      abandon: () => Promise.resolve(context.close()),
    };
  }

  async #listen(tls?: () => TlsContext | null): Promise<Address> {
    try {
      return await this.#monitor.start(this.#deps.http, tls);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`can't listen to the monitor port: ${reason}`, { cause: error });
    }
  }

  /** Where the certificates of clients are asked about by OCSP, who watches has to show one, too; as in the reference. */
  #currentContext(): TlsContext | null {
    const checksPeers = this.#deps.server.broker.options.tls?.ocsp_peer?.verify ?? false;
    return checksPeers ? (this.#deps.transport()?.setup.context ?? null) : this.#context;
  }

  #open(tls: TlsConfig): Promise<OpenTlsContext> {
    const { security, server, transport } = this.#deps;
    return security.openTls(withoutPeers(tls), {
      log: server.broker.log,
      staple: (leaf) => transport()?.staple(leaf) ?? null,
    });
  }
}

/** Who watches shows no certificate. */
function withoutPeers(tls: TlsConfig): TlsConfig {
  return { ...tls, verify: false, verify_and_map: false, pinned_certs: [], ocsp_peer: null };
}
