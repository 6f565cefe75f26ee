import type { OcspPeerConfig } from "../../config/tls.ts";
import type { Clock } from "../../io/clock.ts";
import type { Log } from "../../io/log.ts";
import { parseCertificate, type Certificate } from "./certificate.ts";
import type { OcspClient } from "./client.ts";
import { nameText } from "./name-text.ts";
import type { ResponseCache } from "./response-cache.ts";
import { trustedPath, type Authorities } from "./trusted-path.ts";
import { isCurrent, verifyResponse, type CertificateStatus, type Unverified } from "./verify.ts";

/** A certificate as events show it. */
export interface CertificateInfo {
  readonly subject: string;
  readonly issuer: string;
  /** Base64 of its SHA-256. */
  readonly fingerprint: string;
  readonly raw: Uint8Array;
}

/** Hears of peers that are turned away, for the events of the system account. */
export interface PeerCheckEvents {
  /** A peer is refused. */
  onReject(kind: string, peer: CertificateInfo, reason: string): void;
  /** A certificate in the chain of `peer`, which may be its own, is not good. */
  onInvalidLink(peer: CertificateInfo, link: CertificateInfo, reason: string): void;
}

export interface PeerCheckerDeps {
  readonly client: OcspClient;
  readonly cache: ResponseCache;
  /** Who is trusted at this time: the authorities that TLS verifies peers against. */
  readonly authorities: () => Authorities;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: PeerCheckEvents;
}

/** Why a client is refused, as the reference calls it. */
const CLIENT_REJECTED = "client not OCSP valid";

/** Chains of certificates that people use have up to five; each link may cost a question and several signatures. */
const SHOWN_MAX = 10;

/** A certificate of a chain whose issuer says where to ask about it. */
interface Link {
  readonly certificate: Certificate;
  readonly issuer: Certificate;
  /** For people. */
  readonly subject: string;
}

/**
 * Checks that no certificate of a peer was revoked (`tls.ocsp_peer`). What cannot be decided is refused, unless
 * the configuration says otherwise.
 */
export class PeerChecker {
  readonly #kind: string;
  readonly #config: OcspPeerConfig;
  readonly #deps: PeerCheckerDeps;

  /** `kind`: what peers are called in events: `Client`. */
  constructor(kind: string, config: OcspPeerConfig, deps: PeerCheckerDeps) {
    this.#kind = kind;
    this.#config = config;
    this.#deps = deps;
  }

  /**
   * Checks a peer that TLS has verified. `shown`: its own certificate first, then others that it showed, in any
   * order; DER. Resolves to why the peer is refused, or null. Never rejects.
   */
  async check(shown: readonly Uint8Array[]): Promise<string | null> {
    const reason = await this.#reasonAgainst(shown);
    if (reason === null) return null;
    this.#deps.log.debug(`No OCSP valid chains, thus peer is invalid: ${reason}`);
    const peer = shown.length === 0 ? null : parseCertificate(shown[0]);
    if (peer !== null) this.#deps.events.onReject(this.#kind, certificateInfo(peer), CLIENT_REJECTED);
    return CLIENT_REJECTED;
  }

  async #reasonAgainst(shown: readonly Uint8Array[]): Promise<string | null> {
    if (shown.length === 0) return "Peer certificate is nil, rejecting OCSP peer";
    if (shown.length > SHOWN_MAX) return "too many certificates";
    const certificates = shown.map(parseCertificate);
    if (!certificates.every((certificate) => certificate !== null)) return "a certificate cannot be read";
    const { authorities, clock } = this.#deps;
    const path = trustedPath(certificates, authorities(), clock.nowMs());
    if (path === null) return "no way to a trusted certificate";
    for (const link of linksOf(path)) {
      const reason = await this.#checkLink(link);
      if (reason === null) continue;
      const { events } = this.#deps;
      events.onInvalidLink(certificateInfo(certificates[0]), certificateInfo(link.certificate), reason);
      return reason;
    }
    return null;
  }

  async #checkLink(link: Link): Promise<string | null> {
    const { status, wasRevoked } = this.#recall(link);
    return status === null ? await this.#ask(link, wasRevoked) : this.#judge(link, status);
  }

  /** What the cache says of a certificate now, and whether it ever said "revoked". */
  #recall({ certificate, issuer, subject }: Link): { status: CertificateStatus | null; wasRevoked: boolean } {
    const { cache, log } = this.#deps;
    const { fingerprint } = certificate;
    const entry = cache.get(fingerprint);
    if (entry === null) return { status: null, wasRevoked: false };
    const status = this.#verify(entry.response, certificate, issuer);
    if ("problem" in status) {
      log.debug(`Invalid cached OCSP response for [${subject}] with fingerprint [${fingerprint}]`);
      cache.discard(fingerprint);
      return { status: null, wasRevoked: false };
    }
    const wasRevoked = status.status === "revoked";
    if (this.#isCurrent(status)) return { status, wasRevoked };
    log.debug(`Cached OCSP response is expired, status [${status.status}]`);
    cache.discard(fingerprint);
    return { status: null, wasRevoked };
  }

  async #ask(link: Link, wasRevoked: boolean): Promise<string | null> {
    const { client, log } = this.#deps;
    const { certificate, issuer, subject } = link;
    const answer = await client.ask(certificate, issuer, {
      urls: certificate.responders,
      methods: ["GET", "POST"],
      timeoutMs: this.#config.ca_timeout,
    });
    if ("problem" in answer) {
      log.warn(
        `Attempt to obtain OCSP response from CA responder for [${subject}] failed: ${answer.problem}`,
      );
      return this.#withoutAnswer(subject, answer.isUnreachable, wasRevoked);
    }
    const status = this.#verify(answer.response, certificate, issuer);
    if ("problem" in status) return this.#onUnverified(subject, status);
    if (!this.#isCurrent(status)) {
      log.warn(`New OCSP CA response obtained for [${subject}] but not current`);
      return this.#refuse(subject, "OCSP response not in effectivity window");
    }
    this.#remember(link, status, answer.response);
    return this.#judge(link, status);
  }

  #withoutAnswer(subject: string, isUnreachable: boolean, wasRevoked: boolean): string | null {
    const { log } = this.#deps;
    const prefix = `Failed to obtain OCSP CA response for [${subject}] but AllowWhenCAUnreachable set;`;
    if (isUnreachable && this.#config.allow_when_ca_unreachable && !this.#config.warn_only) {
      if (!wasRevoked) {
        log.warn(`${prefix} no cached revocation so allowing`);
        return null;
      }
      log.warn(`${prefix} cached revocation exists so rejecting`);
    }
    return this.#refuse(subject, "Failed OCSP response fetch");
  }

  #onUnverified(subject: string, { problem, detail }: Unverified): string | null {
    const { log } = this.#deps;
    if (problem === "delegation") {
      const reason = `Invalid OCSP response delegation: ${subject}`;
      log.warn(`${reason}: ${detail}`);
      return this.#refuse(subject, reason);
    }
    log.error(`Could not parse OCSP CA response for [${subject}]: ${detail}`);
    return this.#refuse(subject, "Failed OCSP response parse");
  }

  #judge({ subject }: Link, { status }: CertificateStatus): string | null {
    if (status === "good" || (status === "unknown" && this.#config.unknown_is_good)) return null;
    this.#deps.log.warn(`OCSP verify fail for [${subject}] with CA status [${status}]`);
    return this.#refuse(subject, `Invalid OCSP response status: ${status}`);
  }

  /** `reason`, or null where the configuration wants no more than a warning. */
  #refuse(subject: string, reason: string): string | null {
    if (!this.#config.warn_only) return reason;
    this.#deps.log.warn(`OCSP verify fail for [${subject}] but WarnOnly is true so allowing`);
    return null;
  }

  #remember({ certificate, subject }: Link, status: CertificateStatus, response: Uint8Array): void {
    this.#deps.cache.put(certificate.fingerprint, {
      subject,
      cachedAtMs: this.#deps.clock.nowMs(),
      status: status.status,
      expiresMs: status.nextUpdateMs,
      response,
    });
  }

  #verify(
    response: Uint8Array,
    certificate: Certificate,
    issuer: Certificate,
  ): CertificateStatus | Unverified {
    const { allowed_clockskew } = this.#config;
    return verifyResponse(response, certificate, issuer, this.#deps.clock.nowMs(), allowed_clockskew);
  }

  #isCurrent(status: CertificateStatus): boolean {
    const { allowed_clockskew, cache_ttl_when_next_update_unset } = this.#config;
    return isCurrent(status, this.#deps.clock.nowMs(), allowed_clockskew, cache_ttl_when_next_update_unset);
  }
}

/** The certificates of a path that can be asked about. The last is trusted as it is. */
function linksOf(path: readonly Certificate[]): Link[] {
  return path.slice(0, -1).flatMap((certificate, index) => {
    if (certificate.responders.length === 0) return [];
    return [{ certificate, issuer: path[index + 1], subject: nameText(certificate.subject) }];
  });
}

function certificateInfo(certificate: Certificate): CertificateInfo {
  return {
    subject: nameText(certificate.subject),
    issuer: nameText(certificate.issuer),
    fingerprint: certificate.fingerprint,
    raw: certificate.der,
  };
}
