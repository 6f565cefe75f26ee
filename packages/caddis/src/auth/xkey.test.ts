import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { createCurve, createUser, fromCurveSeed } from "@nats-io/nkeys";
import { encodePublicNkey, encodeSeed } from "./nkey.ts";
import { CurveKeyPair, SEAL_NONCE_BYTES } from "./xkey.ts";

const MESSAGE = Buffer.from("a message of some length, not a multiple of the block's");

function pair(): CurveKeyPair {
  return new CurveKeyPair(randomBytes(32));
}

test("the official library opens what is sealed here, and the other way round", () => {
  const ours = pair();
  const theirs = createCurve();
  for (const message of [MESSAGE, Buffer.from("x"), randomBytes(5_000)]) {
    const sealed = ours.seal(message, theirs.getPublicKey(), randomBytes(SEAL_NONCE_BYTES));
    assert.ok(sealed !== null);
    assert.deepEqual(Buffer.from(theirs.open(sealed, ours.publicKey) ?? []), message);
    const answer = theirs.seal(message, ours.publicKey);
    assert.deepEqual(Buffer.from(ours.open(answer, theirs.getPublicKey()) ?? []), message);
  }
});

test("the same secret and nonce give the same bytes as the official library's", () => {
  const secret = Buffer.alloc(32, 7);
  const nonce = Buffer.alloc(SEAL_NONCE_BYTES, 9);
  const ours = new CurveKeyPair(secret);
  const theirs = fromCurveSeed(Buffer.from(encodeSeed("curve", secret)));
  const peer = createCurve().getPublicKey();
  assert.equal(ours.publicKey, theirs.getPublicKey());
  assert.deepEqual(
    Buffer.from(ours.seal(MESSAGE, peer, nonce) ?? []),
    Buffer.from(theirs.seal(MESSAGE, peer, nonce)),
  );
});

test("nobody else opens it, and nothing that was altered is opened", () => {
  const [sender, recipient, other] = [pair(), pair(), pair()];
  const sealed = sender.seal(MESSAGE, recipient.publicKey, randomBytes(SEAL_NONCE_BYTES));
  assert.ok(sealed !== null);
  assert.ok(recipient.open(sealed, sender.publicKey) !== null);
  assert.equal(other.open(sealed, sender.publicKey), null);
  assert.equal(recipient.open(sealed, other.publicKey), null);
  for (let i = 0; i < sealed.length; i++) {
    const altered: Buffer = Buffer.from(sealed);
    altered[i] ^= 1 << (i % 8);
    assert.equal(recipient.open(altered, sender.publicKey), null, `byte ${i}`);
    assert.equal(recipient.open(sealed.subarray(0, i), sender.publicKey), null, `${i} bytes`);
  }
});

test("keys that are no curve keys, or that everybody shares, are refused", () => {
  const ours = pair();
  const bad = [createUser().getPublicKey(), "", "X", encodePublicNkey("curve", new Uint8Array(32))];
  for (const peer of bad) {
    assert.equal(ours.seal(MESSAGE, peer, randomBytes(SEAL_NONCE_BYTES)), null, peer);
    assert.equal(ours.open(Buffer.concat([Buffer.from("xkv1"), randomBytes(60)]), peer), null, peer);
  }
});
