import assert from "node:assert/strict";
import { test } from "node:test";
import { type ClaimsGiven, keyPair, NOW, NOW_MS } from "../../../../test/support/jwt-world.ts";
import { checkActivation, type Exporter, type ImportToCheck } from "./activation.ts";
import { isProblem } from "./claims/fields.ts";
import { encodeJwt } from "./jwt.ts";

const importer = keyPair("account", 1);
const exporter = keyPair("account", 2);
const signer = keyPair("account", 3);
const stranger = keyPair("account", 4);

function token({ nats = {}, iat = NOW - 10, signer = exporter, ...given }: ClaimsGiven = {}): string {
  const all = { subject: "orders.>", kind: "stream", ...nats };
  return encodeJwt("activation", { sub: importer.publicKey, ...given, nats: all }, signer, iat * 1_000);
}

function check(
  jwt: string,
  given: Partial<ImportToCheck> = {},
  rules: Partial<Exporter> = {},
  nowMs = NOW_MS,
): ReturnType<typeof checkActivation> {
  const one: ImportToCheck = {
    kind: "stream",
    subject: "orders.new",
    account: exporter.publicKey,
    token: jwt,
    ...given,
  };
  const signers = [exporter.publicKey, signer.publicKey];
  const all: Exporter = { isSigner: (key) => signers.includes(key), revocations: new Map(), ...rules };
  return checkActivation(one, importer.publicKey, all, nowMs);
}

test("a token of the exporter, or for it by one of its keys, lets in", () => {
  assert.deepEqual(check(token()), { expiresMs: 0 });
  assert.deepEqual(check(token({ exp: NOW + 5 })), { expiresMs: NOW_MS + 5_000 });
  const bySigner = token({ signer, nats: { issuer_account: exporter.publicKey } });
  assert.deepEqual(check(bySigner), { expiresMs: 0 });
  assert.deepEqual(check(token(), { subject: "orders.>" }), { expiresMs: 0 });
});

test("another token does not", () => {
  const refused: Readonly<Record<string, ReturnType<typeof checkActivation>>> = {
    "none at all": check(""),
    nonsense: check("a.b.c"),
    "a user's": check(encodeJwt("user", { sub: keyPair("user", 1).publicKey, nats: {} }, exporter, 0)),
    "by a stranger": check(token({ signer: stranger })),
    "by a stranger in the exporter's name": check(
      token({ signer: stranger, nats: { issuer_account: exporter.publicKey } }),
    ),
    "by the exporter in a stranger's name": check(token({ nats: { issuer_account: stranger.publicKey } })),
    "by a signing key in its own name": check(token({ signer })),
    "for another account": check(token({ sub: stranger.publicKey })),
    "for another subject": check(token(), { subject: "bills.new" }),
    "for less": check(token({ nats: { subject: "orders.*" } }), { subject: "orders.>" }),
    "for a service": check(token({ nats: { kind: "service" } })),
    "for nothing": check(token({ nats: { kind: "" } })),
    "without a subject": check(token({ nats: { subject: "" } })),
    expired: check(token({ exp: NOW - 1 })),
    "expired right now": check(token({ exp: NOW })),
    "not yet valid": check(token({ nbf: NOW + 1 })),
    "revoked by account": check(token(), {}, { revocations: new Map([[importer.publicKey, NOW - 10]]) }),
    "revoked with all": check(token(), {}, { revocations: new Map([["*", NOW]]) }),
    "by a key that no longer signs": check(
      token({ signer, nats: { issuer_account: exporter.publicKey } }),
      {},
      { isSigner: () => false },
    ),
  };
  for (const [name, answer] of Object.entries(refused)) assert.ok(isProblem(answer), name);
});

test("revocations before the token was issued, or of others, leave it alone", () => {
  const revocations = new Map([
    ["*", NOW - 11],
    [importer.publicKey, NOW - 11],
    [stranger.publicKey, NOW],
  ]);
  assert.deepEqual(check(token(), {}, { revocations }), { expiresMs: 0 });
});
