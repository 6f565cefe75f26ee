import { OCSP_SIGNING, parseCertificate, sameBytes, type Certificate } from "./certificate.ts";
import { isIdOf } from "./request.ts";
import { parseResponse, type BasicResponse, type Status } from "./response.ts";
import { isSignedBy } from "./signature.ts";

/** What a certificate's issuer says about it. */
export interface CertificateStatus {
  readonly status: Status;
  readonly thisUpdateMs: number;
  /** Null: the responder did not say. */
  readonly nextUpdateMs: number | null;
}

/**
 * Why a response counts for nothing. `delegation`: whoever signed has a certificate of the issuer, but none that
 * allows him to.
 */
export interface Unverified {
  readonly problem: "response" | "delegation";
  readonly detail: string;
}

/**
 * Certificates of a response that are looked at: one is usual, and each costs two verifications of a signature.
 */
const RESPONDER_CERTIFICATES_MAX = 4;

/**
 * What `response` (DER) says about `certificate`, if it is `issuer` who says so, or a responder that has the
 * issuer's leave (RFC 6960, 4.2.2.2). Says nothing about whether it is still current; see `isCurrent`.
 * Stricter than the reference, which takes an answer of the issuer about another of his certificates.
 */
export function verifyResponse(
  response: Uint8Array,
  certificate: Certificate,
  issuer: Certificate,
  nowMs: number,
  skewMs: number,
): CertificateStatus | Unverified {
  const basic = parseResponse(response);
  if (typeof basic === "string") return { problem: "response", detail: basic };
  const refusal = verifySigner(basic, issuer, nowMs, skewMs);
  if (refusal !== null) return refusal;
  const answers = basic.answers.filter(({ id }) => isIdOf(id, certificate, issuer));
  if (answers.length !== 1) {
    const detail = answers.length === 0 ? "it is about another certificate" : "it says several things";
    return { problem: "response", detail };
  }
  const [{ status, thisUpdateMs, nextUpdateMs }] = answers;
  return { status, thisUpdateMs, nextUpdateMs };
}

function verifySigner(
  basic: BasicResponse,
  issuer: Certificate,
  nowMs: number,
  skewMs: number,
): Unverified | null {
  if (isSignedBy(basic, issuer.keyInfo)) return null;
  for (const der of basic.certificates.slice(0, RESPONDER_CERTIFICATES_MAX)) {
    const signer = parseCertificate(der);
    if (signer === null || !isIssuedBy(signer, issuer) || !isSignedBy(basic, signer.keyInfo)) continue;
    if (!signer.extendedKeyUsages.includes(OCSP_SIGNING))
      return { problem: "delegation", detail: "its signer may not sign responses" };
    if (signer.notBeforeMs > nowMs + skewMs || signer.notAfterMs < nowMs - skewMs)
      return { problem: "delegation", detail: "its signer's certificate is not valid at this time" };
    return null;
  }
  return { problem: "response", detail: "it is not signed by the issuer" };
}

/** Whether `issuer` signed `certificate`. */
export function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  return sameBytes(certificate.issuer, issuer.subject) && isSignedBy(certificate, issuer.keyInfo);
}

/**
 * Whether a status holds now. A status without an end holds for `ttlMs`. All in milliseconds; `skewMs` is how
 * far the responder's clock may be from ours.
 */
export function isCurrent(status: CertificateStatus, nowMs: number, skewMs: number, ttlMs: number): boolean {
  const endMs = status.nextUpdateMs ?? status.thisUpdateMs + ttlMs;
  return endMs >= nowMs - skewMs && status.thisUpdateMs <= nowMs + skewMs;
}
