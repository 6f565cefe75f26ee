import { createHash } from "node:crypto";
import { sameBytes, type Certificate } from "./certificate.ts";
import { encodeDer, TAG } from "./der.ts";

/** How OCSP names a certificate: by its issuer and its number. */
export interface CertificateId {
  /** OID of the hash of the next two. */
  readonly hash: string;
  readonly issuerName: Uint8Array;
  readonly issuerKey: Uint8Array;
  readonly serial: Uint8Array;
}

/** Hashes of a certificate's name. SHA-1 serves as a short name here, not as a signature; all responders know it. */
const HASHES: ReadonlyMap<string, string> = new Map([
  ["1.3.14.3.2.26", "sha1"],
  ["2.16.840.1.101.3.4.2.1", "sha256"],
  ["2.16.840.1.101.3.4.2.2", "sha384"],
  ["2.16.840.1.101.3.4.2.3", "sha512"],
]);

/** AlgorithmIdentifier of SHA-1 in DER. */
const SHA1 = Buffer.from("300906052b0e03021a0500", "hex");

/**
 * The question for the status of `certificate`, DER (RFC 6960, 4.1). Without a nonce, as the reference asks:
 * answers may come from a cache, their time says how old they are.
 */
export function buildRequest(certificate: Certificate, issuer: Certificate): Uint8Array {
  const { sequence } = TAG;
  const id = encodeDer(
    sequence,
    SHA1,
    encodeDer(TAG.octetString, digest("sha1", issuer.subject)),
    encodeDer(TAG.octetString, digest("sha1", issuer.keyBits)),
    encodeDer(TAG.integer, certificate.serial),
  );
  return encodeDer(sequence, encodeDer(sequence, encodeDer(sequence, encodeDer(sequence, id))));
}

/** Whether `id` means `certificate`. */
export function isIdOf(id: CertificateId, certificate: Certificate, issuer: Certificate): boolean {
  const hash = HASHES.get(id.hash);
  return (
    hash !== undefined &&
    sameBytes(id.serial, certificate.serial) &&
    sameBytes(id.issuerName, digest(hash, issuer.subject)) &&
    sameBytes(id.issuerKey, digest(hash, issuer.keyBits))
  );
}

function digest(hash: string, bytes: Uint8Array): Uint8Array {
  return createHash(hash).update(bytes).digest();
}
