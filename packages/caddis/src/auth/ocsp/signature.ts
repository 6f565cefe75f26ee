import { createPublicKey, verify } from "node:crypto";

interface Algorithm {
  readonly keyType: "rsa" | "ec" | "ed25519";
  /** Null where the algorithm brings its own. */
  readonly hash: string | null;
}

/**
 * Signature algorithms by their AlgorithmIdentifier in DER, hex: there is one way to write each. SHA-1 is not
 * among them: signatures over it can be forged by now.
 */
const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map([
  ["300d06092a864886f70d01010b0500", { keyType: "rsa", hash: "sha256" }],
  ["300d06092a864886f70d01010c0500", { keyType: "rsa", hash: "sha384" }],
  ["300d06092a864886f70d01010d0500", { keyType: "rsa", hash: "sha512" }],
  ["300a06082a8648ce3d040302", { keyType: "ec", hash: "sha256" }],
  ["300a06082a8648ce3d040303", { keyType: "ec", hash: "sha384" }],
  ["300a06082a8648ce3d040304", { keyType: "ec", hash: "sha512" }],
  ["300506032b6570", { keyType: "ed25519", hash: null }],
]);

/** Something signed, as certificates and responses carry it. */
export interface Signed {
  readonly signed: Uint8Array;
  /** AlgorithmIdentifier in DER. */
  readonly signatureAlgorithm: Uint8Array;
  readonly signature: Uint8Array;
}

/** Whether the owner of `keyInfo` (SubjectPublicKeyInfo, DER) signed. False for algorithms and keys not known here. */
export function isSignedBy({ signed, signatureAlgorithm, signature }: Signed, keyInfo: Uint8Array): boolean {
  const algorithm = ALGORITHMS.get(Buffer.from(signatureAlgorithm).toString("hex"));
  if (algorithm === undefined) return false;
  try {
    const key = createPublicKey({ key: Buffer.from(keyInfo), format: "der", type: "spki" });
    return key.asymmetricKeyType === algorithm.keyType && verify(algorithm.hash, signed, key, signature);
  } catch {
    return false; // A key that is none.
  }
}
