import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import type { NkeyRole } from "../base/nkey-text.ts";
import { decodePublicNkey, decodeSeed, encodePublicNkey } from "./nkey.ts";

/** Headers in front of a raw Ed25519 key: PKCS #8 and SubjectPublicKeyInfo (RFC 8410). */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI = Buffer.from("302a300506032b6570032100", "hex");
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** A role whose keys sign; curve keys only encrypt. */
export type SigningRole = Exclude<NkeyRole, "curve">;

/** An Ed25519 key pair that signs. The secret lies in the crypto library's memory, out of reach of dumps of the heap. */
export class KeyPair {
  readonly role: SigningRole;
  readonly publicKey: string;
  #secret: KeyObject | null;

  private constructor(role: SigningRole, secret: KeyObject) {
    const spki = createPublicKey(secret).export({ format: "der", type: "spki" });
    this.role = role;
    this.publicKey = encodePublicNkey(role, spki.subarray(spki.length - KEY_BYTES));
    this.#secret = secret;
  }

  /** The pair of a seed, or null where `seed` is none of a signing role. Bytes can be wiped by the caller; a string can't. */
  static fromSeed(seed: string | Uint8Array): KeyPair | null {
    const decoded = decodeSeed(seed);
    if (decoded === null) return null;
    try {
      return decoded.role === "curve" ? null : KeyPair.fromSecret(decoded.role, decoded.secret);
    } finally {
      decoded.secret.fill(0);
    }
  }

  /** The pair of 32 secret bytes, from a source of randomness; the caller wipes them. */
  static fromSecret(role: SigningRole, secret: Uint8Array): KeyPair {
    const der = Buffer.concat([PKCS8, secret]);
    try {
      return new KeyPair(role, createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
    } finally {
      der.fill(0);
    }
  }

  /** 64 bytes. Throws after `wipe`: a mistake of the caller. */
  sign(bytes: Uint8Array): Uint8Array {
    if (this.#secret === null) throw new Error("the key pair was wiped");
    return sign(null, bytes, this.#secret);
  }

  /** Lets go of the secret; the crypto library clears it when it frees it. */
  wipe(): void {
    this.#secret = null;
  }
}

/** Whether the owner of `publicNkey` signed `bytes`. False for whatever is no such key or signature. */
export function verifySignature(publicNkey: string, bytes: Uint8Array, signature: Uint8Array): boolean {
  const decoded = decodePublicNkey(publicNkey);
  if (decoded === null || decoded.role === "curve" || signature.length !== SIGNATURE_BYTES) return false;
  try {
    const der = Buffer.concat([SPKI, decoded.key]);
    return verify(null, bytes, createPublicKey({ key: der, format: "der", type: "spki" }), signature);
  } catch {
    return false; // 32 bytes that are no point of the curve
  }
}

/** A nonce's signature as CONNECT carries it: base64 for URLs without padding, or the plain one with it. */
export function decodeSignature(text: string): Uint8Array | null {
  for (const encoding of ["base64url", "base64"] as const) {
    const bytes = Buffer.from(text, encoding);
    if (bytes.length === SIGNATURE_BYTES && bytes.toString(encoding) === text) return bytes;
  }
  return null;
}

/** Whether `signature`, as CONNECT carries it, is the key's over INFO's nonce. Never for an empty nonce. */
export function verifyNonce(publicNkey: string, nonce: string, signature: string): boolean {
  const bytes = decodeSignature(signature);
  return bytes !== null && nonce !== "" && verifySignature(publicNkey, Buffer.from(nonce, "utf8"), bytes);
}
