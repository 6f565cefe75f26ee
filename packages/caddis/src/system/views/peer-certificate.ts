import { createHash } from "node:crypto";
import { escapeValue, subjectText } from "../../auth/certificate-map.ts";
import { type NameAttribute, readCertificateNames } from "../../auth/certificate-names.ts";
import { parseCertificate } from "../../auth/ocsp/certificate.ts";

/** A certificate that a client showed. Hashes are lower-case hexadecimal SHA-256. */
export interface PeerCertificate {
  readonly subject: string | undefined;
  /** Of the public key, as `pinned_certs` has it. */
  readonly spki_sha256: string | undefined;
  readonly cert_sha256: string;
}

/** `der` was taken by TLS; what can't be read of it all the same is left out. */
export function peerCertificate(der: Uint8Array): PeerCertificate {
  const names = readCertificateNames(der);
  const keyInfo = parseCertificate(der)?.keyInfo;
  return {
    subject: names === null ? undefined : shownSubject(names.subject) || undefined,
    spki_sha256: keyInfo === undefined ? undefined : sha256(keyInfo),
    cert_sha256: sha256(der),
  };
}

/** The types that Go's `pkix.Name` has a field for. */
const KNOWN_TYPE = /^2\.5\.4\.(?:3|5|6|7|8|9|10|11|17)$/;

/** As Go's `pkix.Name.String()`: attributes it has no name for come last, from the last to the first. */
function shownSubject(subject: readonly (readonly NameAttribute[])[]): string {
  const others = subject
    .flat()
    .filter(({ oid }) => !KNOWN_TYPE.test(oid))
    .map(({ oid, value }) => `${oid}=${escapeValue(value)}`);
  return [subjectText(subject), ...others.toReversed()].filter((part) => part !== "").join(",");
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
