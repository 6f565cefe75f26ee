import { createHash, X509Certificate } from "node:crypto";

/**
 * A question: whether a DER certificate is among those that `pins` name, which are SHA-256 digests of public key
 * infos in lower-case hex. Whoever shows none is not.
 */
export function pinsOf(pins: readonly string[]): (certificate: Uint8Array | undefined) => boolean {
  const known = new Set(pins);
  return (certificate) => {
    const digest = certificate === undefined ? null : keyDigest(certificate);
    return digest !== null && known.has(digest);
  };
}

/** Null: the certificate has no key that could be read. */
function keyDigest(certificate: Uint8Array): string | null {
  try {
    const info = new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" });
    return createHash("sha256").update(info).digest("hex");
  } catch {
    return null;
  }
}
