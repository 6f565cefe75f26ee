import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from "node:crypto";
import { hsalsa, xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { decodePublicNkey, publicNkey } from "./nkey.ts";

/** What sealed messages begin with: the version of the format. */
const VERSION = Buffer.from("xkv1", "latin1");
/** Length of the nonce after it. */
export const SEAL_NONCE_BYTES = 24;
const HEADER_BYTES = VERSION.length + SEAL_NONCE_BYTES;
/** Poly1305's, in front of the cipher text. */
const TAG_BYTES = 16;

/** Headers in front of a raw X25519 key: PKCS #8 and SubjectPublicKeyInfo (RFC 8410). */
const PKCS8 = Buffer.from("302e020100300506032b656e04220420", "hex");
const SPKI = Buffer.from("302a300506032b656e032100", "hex");

/**
 * A curve key pair. It seals messages for, and opens messages from, the owner of another curve key: NaCl's box
 * (X25519, XSalsa20, Poly1305) behind a version and a nonce.
 */
export class CurveKeyPair {
  /** `X…`. */
  readonly publicKey: string;
  readonly #secret: KeyObject;

  /** Of 32 secret bytes, from a source of randomness; the caller wipes them. */
  constructor(secret: Uint8Array) {
    const der = Buffer.concat([PKCS8, secret]);
    this.publicKey = publicNkey("curve", secret);
    this.#secret = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    der.fill(0);
  }

  /** `message` sealed for `recipient` with a nonce that was never used before, or null if that is no curve key. */
  seal(message: Uint8Array, recipient: string, nonce: Uint8Array): Uint8Array | null {
    const key = this.#keyWith(recipient);
    if (key === null) return null;
    const sealed = xsalsa20poly1305(key, nonce).encrypt(message);
    key.fill(0);
    return Buffer.concat([VERSION, nonce, sealed]);
  }

  /** What `sender` sealed for this pair; null for anything else, and for what was altered. */
  open(sealed: Uint8Array, sender: string): Uint8Array | null {
    if (sealed.length < HEADER_BYTES + TAG_BYTES) return null;
    if (!VERSION.equals(sealed.subarray(0, VERSION.length))) return null;
    const key = this.#keyWith(sender);
    if (key === null) return null;
    try {
      const nonce = sealed.subarray(VERSION.length, HEADER_BYTES);
      return xsalsa20poly1305(key, nonce).decrypt(sealed.subarray(HEADER_BYTES));
    } catch {
      return null; // another key's, or altered
    } finally {
      key.fill(0);
    }
  }

  /** The key shared with the owner of another one: HSalsa20 of what X25519 gives. Null where there is none. */
  #keyWith(peer: string): Uint8Array | null {
    const decoded = decodePublicNkey(peer);
    if (decoded?.role !== "curve") return null;
    try {
      const der = Buffer.concat([SPKI, decoded.key]);
      const publicKey = createPublicKey({ key: der, format: "der", type: "spki" });
      return boxKey(diffieHellman({ privateKey: this.#secret, publicKey }));
    } catch {
      return null; // a point of small order: everybody would know the key
    }
  }
}

/** Salsa's constant, as it takes all its input: words of four bytes in the machine's order. */
const SIGMA = words(Buffer.from("expand 32-byte k", "latin1"));

function boxKey(shared: Uint8Array): Uint8Array {
  const key = new Uint32Array(8);
  const input = words(shared);
  hsalsa(SIGMA, input, new Uint32Array(4), key);
  input.fill(0);
  shared.fill(0);
  return new Uint8Array(key.buffer);
}

function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(Uint8Array.from(bytes).buffer);
}
