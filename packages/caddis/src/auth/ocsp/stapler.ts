import { createHash } from "node:crypto";
import type { OcspConfig } from "../../config/tls.ts";
import { isWebAddress, parseCertificate, type Certificate } from "./certificate.ts";
import { StapleMonitor, type Stapled, type StaplerDeps } from "./staple-monitor.ts";
import { hasIssued } from "./trusted-path.ts";

/** A certificate that the server shows, as a listener has it. */
export interface ServerCertificate {
  /** Who connects there: `Client`; for the log. */
  readonly kind: string;
  /** The certificate's file; for the log. */
  readonly name: string;
  /** DER, as sent to peers: the certificate first. */
  readonly chain: readonly Uint8Array[];
  /** DER of trusted certificates, among which its issuer is looked for when the chain does not have it. */
  readonly authorities: readonly Uint8Array[];
}

/**
 * Keeps the status of the server's own certificates, to be shown with them ("stapled"). Without a configuration
 * only certificates that ask for it have theirs shown.
 */
export class Stapler {
  readonly #deps: StaplerDeps;
  /** By the SHA-256 of the certificate. */
  #monitors: ReadonlyMap<string, StapleMonitor> = new Map();
  #isClosed = false;

  constructor(deps: StaplerDeps) {
    this.#deps = deps;
  }

  /**
   * Serves `certificates` from now on: at the start, on a reload, and when files have changed. Returns why they
   * cannot be used, and everything stays as it was; or null. Never rejects. One call at a time.
   */
  async use(config: OcspConfig | null, certificates: readonly ServerCertificate[]): Promise<string | null> {
    const monitors = new Map<string, StapleMonitor>();
    for (const certificate of certificates) {
      const stapled = this.#stapled(config, certificate);
      if (stapled === null) continue;
      if (typeof stapled === "string") return stapled;
      const { fingerprint } = stapled.certificate;
      if (monitors.has(fingerprint)) continue;
      monitors.set(
        fingerprint,
        new StapleMonitor(stapled, this.#monitors.get(fingerprint) ?? null, this.#deps),
      );
    }
    const problems = await Promise.all([...monitors.values()].map((monitor) => monitor.prepare()));
    const problem = problems.find((problem) => problem !== null) ?? null;
    if (problem !== null || this.#isClosed) return problem;
    this.#replace(monitors);
    return null;
  }

  /** The response to show with the certificate `leaf` (DER) now; null: none. */
  staple(leaf: Uint8Array): Buffer | null {
    if (this.#monitors.size === 0) return null;
    return this.#monitors.get(createHash("sha256").update(leaf).digest("base64"))?.staple() ?? null;
  }

  close(): void {
    this.#isClosed = true;
    for (const monitor of this.#monitors.values()) monitor.close();
  }

  #replace(monitors: ReadonlyMap<string, StapleMonitor>): void {
    for (const monitor of this.#monitors.values()) monitor.close();
    this.#monitors = monitors;
    const kinds = new Set([...monitors.values()].map(({ stapled }) => stapled.kind));
    for (const kind of kinds) this.#deps.log.info(`OCSP Stapling enabled for ${kind} connections`);
    for (const monitor of monitors.values()) monitor.start();
  }

  /** How a certificate is to be looked after; null: not at all. A text says what is wrong with it. */
  #stapled(config: OcspConfig | null, served: ServerCertificate): Stapled | string | null {
    const { kind, name } = served;
    const [certificate, ...chain] = served.chain.map(parseCertificate);
    if (certificate === undefined) return "no certificate found";
    if (certificate === null) return `error parsing certificate: ${name}`;
    const { mustStaple } = certificate;
    const mode = config?.mode ?? "auto";
    if (mode === "never") {
      if (mustStaple) this.#deps.log.warn(`Certificate at '${name}' has MustStaple but OCSP is disabled`);
      return null;
    }
    if (!mustStaple && mode !== "always") return null;
    const issuer = issuerOf(certificate, chain, served.authorities);
    if (typeof issuer === "string") return issuer;
    const configured = (config?.urls ?? []).filter(isWebAddress);
    const urls = configured.length > 0 ? configured : certificate.responders;
    return { kind, name, certificate, issuer, urls, mustBeGood: mode !== "auto" };
  }
}

/** Who issued `certificate`: the next in its chain, or one of the trusted ones; or why nobody. */
function issuerOf(
  certificate: Certificate,
  chain: readonly (Certificate | null)[],
  authorities: readonly Uint8Array[],
): Certificate | string {
  const candidates = chain.length > 0 ? chain.slice(0, 1) : authorities.map(parseCertificate);
  const issuer = candidates.find((candidate) => candidate !== null && hasIssued(candidate, certificate));
  if (issuer === undefined || issuer === null) return "no issuers found";
  return issuer.isCa ? issuer : "invalid ca basic constraints: is not ca";
}
