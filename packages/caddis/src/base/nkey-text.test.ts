import assert from "node:assert/strict";
import { test } from "node:test";
import {
  createAccount,
  createCluster,
  createCurve,
  createOperator,
  createServer,
  createUser,
} from "@nats-io/nkeys";
import * as fc from "fast-check";
import { isPublicNkey, roleOfNkey, type NkeyRole } from "./nkey-text.ts";

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".split("");

const MAKERS: readonly (readonly [NkeyRole, () => { getPublicKey(): string; getSeed(): Uint8Array }])[] = [
  ["account", createAccount],
  ["cluster", createCluster],
  ["curve", createCurve],
  ["operator", createOperator],
  ["server", createServer],
  ["user", createUser],
];

for (const [role, make] of MAKERS) {
  test(`a public key of role ${role}`, () => {
    const keys = make();
    const text = keys.getPublicKey();
    assert.equal(roleOfNkey(text), role);
    for (const [other] of MAKERS) assert.equal(isPublicNkey(other, text), other === role);
    assert.equal(roleOfNkey(Buffer.from(keys.getSeed()).toString("latin1")), null);
    for (const wrong of [text.toLowerCase(), text.slice(1), `${text}A`, `${text}=`, ` ${text}`, ""]) {
      assert.equal(roleOfNkey(wrong), null);
    }
  });
}

test("nothing that was altered is a public key", () => {
  const text = createUser().getPublicKey();
  const letter = fc.constantFrom(...BASE32);
  fc.assert(
    fc.property(fc.nat(text.length - 1), letter, (index, other) => {
      fc.pre(text[index] !== other);
      assert.equal(roleOfNkey(text.slice(0, index) + other + text.slice(index + 1)), null);
    }),
  );
});

test("whatever the text, it is a key or none", () => {
  fc.assert(fc.property(fc.string(), (text) => assert.equal(roleOfNkey(text), null)));
});
