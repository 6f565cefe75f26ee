import assert from "node:assert/strict";
import { test } from "node:test";
import { keyPair } from "../../../../test/support/jwt-world.ts";
import { isProblem } from "./claims/fields.ts";
import type { OperatorClaims } from "./claims/claims.ts";
import { encodeJwt } from "./jwt.ts";
import { decodeOperator, trustKeys, trustOperators, versionProblem } from "./operator.ts";

const operator = keyPair("operator", 1);
const signer = keyPair("operator", 2);
const stranger = keyPair("operator", 3);

function claims(nats: object): OperatorClaims {
  const jwt = encodeJwt("operator", { sub: operator.publicKey, name: "O", nats }, operator, 0);
  const decoded = decodeOperator(`\n${jwt}\n`);
  return isProblem(decoded) ? assert.fail(decoded.problem) : decoded;
}

test("an operator and its signing keys are trusted", () => {
  const trusted = trustOperators([claims({ signing_keys: [signer.publicKey] })]);
  assert.ok(!isProblem(trusted));
  assert.ok(trusted.isTrusted(operator.publicKey) && trusted.isTrusted(signer.publicKey));
  assert.ok(!trusted.isTrusted(stranger.publicKey) && !trusted.isTrusted(""));
  assert.ok(!trusted.isStrict(signer.publicKey));
  assert.equal(trusted.operators[0].name, "O");
});

test("under strict usage only the signing keys are", () => {
  const trusted = trustOperators([
    claims({ signing_keys: [signer.publicKey], strict_signing_key_usage: true }),
  ]);
  assert.ok(!isProblem(trusted));
  assert.ok(!trusted.isTrusted(operator.publicKey) && trusted.isTrusted(signer.publicKey));
  assert.ok(trusted.isStrict(signer.publicKey) && !trusted.isStrict(operator.publicKey));
});

test("keys may be trusted as they are, if they are an operator's", () => {
  const trusted = trustKeys([signer.publicKey]);
  assert.ok(!isProblem(trusted));
  assert.ok(trusted.isTrusted(signer.publicKey) && !trusted.isTrusted(operator.publicKey));
  for (const bad of ["", keyPair("account", 1).publicKey, `${signer.publicKey} `]) {
    assert.ok(isProblem(trustKeys([signer.publicKey, bad])), bad);
    assert.ok(isProblem(trustOperators([claims({ signing_keys: [bad] })])), bad);
  }
});

test("nobody is trusted where nobody is named", () => {
  const trusted = trustKeys([]);
  assert.ok(!isProblem(trusted) && !trusted.isTrusted("") && !trusted.isTrusted(operator.publicKey));
});

test("an operator may ask for a server that is new enough", () => {
  const of = (version: string): OperatorClaims => claims({ assert_server_version: version });
  for (const version of ["", "2.15.1", "2.15.0", "2.9.99", "1.99.99", "0.0.0"]) {
    assert.equal(versionProblem(of(version), "2.15.1-beta.3"), null, version);
  }
  assert.match(
    versionProblem(of("3.0.0"), "2.15.1") ?? "",
    /expected major version 3 > server major version 2/,
  );
  assert.match(versionProblem(of("2.16.0"), "2.15.1") ?? "", /expected minor version 16/);
  assert.match(versionProblem(of("2.15.2"), "2.15.1") ?? "", /expected update version 2/);
  for (const bad of ["2", "2.15", "a.b.c", "2.15.1.0", "-1.0.0", "v2.1.0"]) {
    assert.match(versionProblem(of(bad), "2.15.1") ?? "", /expects version/, bad);
  }
});
