import { X509Certificate } from "node:crypto";
import { parseCertificate, sameBytes, type Certificate } from "./certificate.ts";

/** The certificates that are trusted by themselves. */
export class Authorities {
  readonly #bySubject = new Map<string, Certificate[]>();

  /** `certificates` in DER; what cannot be read is left out, so nothing is trusted for its sake. */
  constructor(certificates: readonly Uint8Array[]) {
    for (const der of certificates) {
      const certificate = parseCertificate(der);
      if (certificate === null) continue;
      const subject = nameKey(certificate.subject);
      if (!this.#bySubject.get(subject)?.push(certificate)) this.#bySubject.set(subject, [certificate]);
    }
  }

  has(certificate: Certificate): boolean {
    return this.#named(certificate.subject).some(({ der }) => sameBytes(der, certificate.der));
  }

  /** Who of them issued `certificate`; null: nobody. */
  issuerOf(certificate: Certificate): Certificate | null {
    return this.#named(certificate.issuer).find((issuer) => hasIssued(issuer, certificate)) ?? null;
  }

  #named(name: Uint8Array): readonly Certificate[] {
    return this.#bySubject.get(nameKey(name)) ?? [];
  }
}

/**
 * The shortest way from `shown[0]`, a peer's own certificate, over others that it showed to a trusted one, which
 * is the last; null when there is none. Each is signed by the next. TLS has found such a way before, but does not
 * tell which: a peer may show more than that, with names that are not its own to choose another.
 */
export function trustedPath(
  shown: readonly Certificate[],
  authorities: Authorities,
  nowMs: number,
): readonly Certificate[] | null {
  const [leaf, ...others] = shown;
  if (authorities.has(leaf)) return [leaf];
  const unused = new Set(others.filter((other) => other.isCa && isValidAt(other, nowMs)));
  // Each certificate is come upon once, so a peer cannot make this long.
  let paths: (readonly Certificate[])[] = [[leaf]];
  while (paths.length > 0) {
    const longer: (readonly Certificate[])[] = [];
    for (const path of paths) {
      const last = path[path.length - 1];
      const authority = authorities.issuerOf(last);
      if (authority !== null) return [...path, authority];
      for (const next of unused) {
        if (!hasIssued(next, last)) continue;
        unused.delete(next);
        longer.push([...path, next]);
      }
    }
    paths = longer;
  }
  return null;
}

/**
 * Whether `issuer` signed `certificate`, by whatever algorithm the TLS library knows: for certificates that it
 * has accepted, or that are our own.
 */
export function hasIssued(issuer: Certificate, certificate: Certificate): boolean {
  if (!sameBytes(issuer.subject, certificate.issuer)) return false;
  try {
    return new X509Certificate(certificate.der).verify(new X509Certificate(issuer.der).publicKey);
  } catch {
    return false; // A key that is none.
  }
}

function isValidAt({ notBeforeMs, notAfterMs }: Certificate, nowMs: number): boolean {
  return notBeforeMs <= nowMs && nowMs <= notAfterMs;
}

function nameKey(name: Uint8Array): string {
  return Buffer.from(name).toString("latin1");
}
