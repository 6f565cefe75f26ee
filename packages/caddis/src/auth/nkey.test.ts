import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import * as official from "@nats-io/nkeys";
import { isPublicNkey, type NkeyRole, roleOfNkey } from "../base/nkey-text.ts";
import { base32, decodePublicNkey, decodeSeed, encodePublicNkey, encodeSeed, publicNkey } from "./nkey.ts";
import { decodeSignature, KeyPair, verifyNonce, verifySignature } from "./nkey-pair.ts";

/** Each role with the official library's way to make a pair, and the letter of its public keys. */
const ROLES: readonly (readonly [NkeyRole, string, () => official.KeyPair])[] = [
  ["account", "A", official.createAccount],
  ["cluster", "C", official.createCluster],
  ["curve", "X", official.createCurve],
  ["operator", "O", official.createOperator],
  ["server", "N", official.createServer],
  ["user", "U", official.createUser],
];
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const text = new TextDecoder();

test("seeds and public keys of all roles are those of the official library", () => {
  for (const [role, letter, create] of ROLES) {
    const theirs = create();
    const seed = text.decode(theirs.getSeed());
    const decoded = decodeSeed(seed);
    assert.equal(decoded?.role, role);
    assert.deepEqual(decodeSeed(theirs.getSeed()), decoded, "bytes are as good as a string");
    assert.equal(encodeSeed(role, decoded.secret), seed);
    assert.equal(publicNkey(role, decoded.secret), theirs.getPublicKey());
    const publicKey = decodePublicNkey(theirs.getPublicKey());
    assert.equal(publicKey?.role, role);
    assert.equal(encodePublicNkey(role, publicKey.key), theirs.getPublicKey());
    assert.equal(theirs.getPublicKey()[0], letter);
    assert.equal(roleOfNkey(theirs.getPublicKey()), role);
  }
});

test("signatures are those of the official library, and verified as there", () => {
  const bytes = randomBytes(100);
  for (const [role, , create] of ROLES.filter(([name]) => name !== "curve")) {
    const theirs = create();
    const ours = KeyPair.fromSeed(theirs.getSeed());
    assert.equal(ours?.publicKey, theirs.getPublicKey(), role);
    assert.deepEqual(new Uint8Array(ours.sign(bytes)), theirs.sign(bytes));
    assert.ok(verifySignature(ours.publicKey, bytes, theirs.sign(bytes)));
    assert.ok(!verifySignature(official.createUser().getPublicKey(), bytes, theirs.sign(bytes)));
    assert.ok(!verifySignature(ours.publicKey, randomBytes(100), theirs.sign(bytes)));
  }
});

test("a pair comes of secret bytes, and signs no more once it is wiped", () => {
  const secret = randomBytes(32);
  const pair = KeyPair.fromSecret("user", secret);
  assert.equal(pair.publicKey, publicNkey("user", secret));
  assert.equal(KeyPair.fromSeed(encodeSeed("user", secret))?.publicKey, pair.publicKey);
  pair.sign(secret);
  pair.wipe();
  assert.throws(() => pair.sign(secret), /wiped/);
  assert.equal(pair.publicKey, publicNkey("user", secret));
});

test("what decodes is not shown when a pair is printed", () => {
  const seed = text.decode(official.createUser().getSeed());
  const pair = KeyPair.fromSeed(seed);
  const shown = JSON.stringify(pair);
  assert.deepEqual(Object.keys(JSON.parse(shown) as object), ["role", "publicKey"]);
  assert.ok(!shown.includes(seed));
});

test("nothing but the one spelling of a key is one", () => {
  const theirs = official.createUser();
  const key = theirs.getPublicKey();
  const seed = text.decode(theirs.getSeed());
  for (const [name, decode, spelling] of [
    ["public key", decodePublicNkey, key],
    ["seed", decodeSeed, seed],
  ] as const) {
    assert.notEqual(decode(spelling), null, name);
    const others = [
      "",
      spelling.slice(0, -1),
      `${spelling}A`,
      ` ${spelling}`,
      `${spelling}\n`,
      `${spelling}=`,
      spelling.toLowerCase(),
      `${spelling.slice(0, 9)}0${spelling.slice(10)}`,
      `${spelling.slice(0, 9)}1${spelling.slice(10)}`,
      `${spelling.slice(0, 9)}é${spelling.slice(10)}`,
    ];
    for (const other of others) assert.equal(decode(other), null, `${name} ${other}`);
    for (let i = 0; i < spelling.length; i++) {
      for (const letter of ALPHABET.replace(spelling[i], "")) {
        const other = `${spelling.slice(0, i)}${letter}${spelling.slice(i + 1)}`;
        assert.equal(decode(other), null, `${name} with ${letter} at ${i}`);
      }
    }
  }
  assert.equal(decodePublicNkey(seed), null);
  assert.equal(decodeSeed(key), null);
  assert.equal(KeyPair.fromSeed(key), null);
});

test("a key with a right checksum but bits that mean nothing is none", () => {
  const secret = randomBytes(32);
  // Low bits of the prefix byte: the reference masks them off, so that one key would have eight names.
  const aliased = Buffer.concat([Uint8Array.of((20 << 3) | 1), secret]);
  assert.equal(decodePublicNkey(withChecksum(aliased)), null);
  assert.ok(!isPublicNkey("user", withChecksum(aliased)));
  // No such role: P, a private key, and Z.
  for (const bits of [15, 25, 18]) {
    assert.equal(decodePublicNkey(withChecksum(Buffer.concat([Uint8Array.of(bits << 3), secret]))), null);
  }
  const seedBits = Buffer.concat([Uint8Array.of((18 << 3) | (20 >> 2), ((20 & 3) << 6) | 1), secret]);
  assert.equal(decodeSeed(withChecksum(seedBits)), null);
  seedBits[1] ^= 1;
  assert.equal(decodeSeed(withChecksum(seedBits))?.role, "user");
});

test("curve keys sign nothing", () => {
  const theirs = official.createCurve();
  assert.equal(KeyPair.fromSeed(theirs.getSeed()), null);
  assert.ok(!verifySignature(theirs.getPublicKey(), randomBytes(3), randomBytes(64)));
});

test("signatures of a nonce come in two alphabets, each in one spelling", () => {
  // One whose signature has both characters in which the alphabets differ.
  const pair = KeyPair.fromSecret("user", Buffer.alloc(32, 1));
  const nonce = "kQ8rGGKy5OuVuGo";
  const signature = Buffer.from(pair.sign(Buffer.from(nonce)));
  const url = signature.toString("base64url");
  const plain = signature.toString("base64");
  assert.ok(verifyNonce(pair.publicKey, nonce, url));
  assert.ok(verifyNonce(pair.publicKey, nonce, plain));
  const bad = [
    "",
    `${url}==`,
    plain.slice(0, -2),
    ` ${url}`,
    `${url}\n`,
    url.slice(0, -2),
    `${url}AAAA`,
    // The last character holds two bits of the signature and four that are zero.
    `${url.slice(0, -1)}${url.endsWith("A") ? "B" : url.endsWith("Q") ? "R" : url.endsWith("g") ? "h" : "x"}`,
  ];
  for (const one of bad) assert.equal(decodeSignature(one), null, one);
  assert.ok(!verifyNonce(pair.publicKey, "another", url));
  assert.ok(!verifyNonce(publicNkey("user", randomBytes(32)), nonce, url));
  assert.ok(!verifyNonce("", nonce, url));
  const empty = Buffer.from(pair.sign(new Uint8Array())).toString("base64url");
  assert.ok(!verifyNonce(pair.publicKey, "", empty), "a signature of nothing says nothing");
});

/** Base32 with the checksum that bytes ought to have; written down here so that it does not come from the code it tests. */
function withChecksum(body: Uint8Array): string {
  let crc = 0;
  for (const byte of body) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ ((crc & 0x8000) === 0 ? 0 : 0x1021)) & 0xffff;
  }
  return base32(Buffer.concat([body, Uint8Array.of(crc & 0xff, crc >> 8)]));
}
