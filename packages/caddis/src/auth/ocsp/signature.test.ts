import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { test } from "node:test";
import { isSignedBy } from "./signature.ts";

const RSA_SHA256 = Buffer.from("300d06092a864886f70d01010b0500", "hex");
const RSA_SHA1 = Buffer.from("300d06092a864886f70d0101050500", "hex");
const ECDSA_SHA256 = Buffer.from("300a06082a8648ce3d040302", "hex");
const signed = Buffer.from("what is signed");
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const info = ({ publicKey }: { publicKey: KeyObject }): Buffer =>
  publicKey.export({ format: "der", type: "spki" });

test("the algorithm that is named has to be the key's", () => {
  const byRsa = sign("sha256", signed, rsa.privateKey);
  const byEc = sign("sha256", signed, ec.privateKey);
  assert.equal(isSignedBy({ signed, signatureAlgorithm: RSA_SHA256, signature: byRsa }, info(rsa)), true);
  assert.equal(isSignedBy({ signed, signatureAlgorithm: ECDSA_SHA256, signature: byEc }, info(ec)), true);
  assert.equal(isSignedBy({ signed, signatureAlgorithm: ECDSA_SHA256, signature: byRsa }, info(rsa)), false);
  assert.equal(isSignedBy({ signed, signatureAlgorithm: RSA_SHA256, signature: byEc }, info(ec)), false);
});

test("SHA-1 and keys that are none are not trusted", () => {
  const signature = sign("sha1", signed, rsa.privateKey);
  assert.equal(isSignedBy({ signed, signatureAlgorithm: RSA_SHA1, signature }, info(rsa)), false);
  assert.equal(
    isSignedBy({ signed, signatureAlgorithm: RSA_SHA256, signature }, Buffer.from("no key")),
    false,
  );
});
