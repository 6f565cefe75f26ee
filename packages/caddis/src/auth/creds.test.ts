import assert from "node:assert/strict";
import { test } from "node:test";
import { createAccount, createUser } from "@nats-io/nkeys";
import { formatCreds, parseCreds, parseDecoratedJwt, parseDecoratedSeed } from "./creds.ts";

const user = createUser();
const SEED = new TextDecoder().decode(user.getSeed());
const JWT = "eyJh.eyJi.c-_d";

test("a credentials file gives a token and a pair", () => {
  const text = formatCreds(JWT, SEED) ?? assert.fail("made of a user's seed");
  for (const file of [text, text.replaceAll("\n", "\r\n"), `# mine\n\n${text}`, text.trimEnd()]) {
    const creds = parseCreds(file);
    assert.equal(creds?.jwt, JWT);
    assert.equal(creds.keyPair.publicKey, user.getPublicKey());
    assert.equal(parseDecoratedJwt(file), JWT);
    assert.equal(parseDecoratedSeed(file)?.publicKey, user.getPublicKey());
  }
});

test("frames may say anything, and end the file", () => {
  const file = `--- a ---\n${JWT}\n--- b ---\n------\n${SEED}\n--- d ---`;
  assert.equal(parseCreds(file)?.jwt, JWT);
});

test("a frame ends one block and does not begin the next", () => {
  assert.equal(parseCreds(`---a---\n${JWT}\n---b---\n${SEED}\n---c---\n`), null);
});

test("a token may stand alone, and a seed on a line of its own", () => {
  assert.equal(parseDecoratedJwt(` ${JWT}\n`), JWT);
  assert.equal(parseDecoratedSeed(`# seed\n ${SEED}\r\n`)?.publicKey, user.getPublicKey());
  assert.equal(parseCreds(JWT), null);
});

test("what is no user's credentials is refused", () => {
  const account = new TextDecoder().decode(createAccount().getSeed());
  assert.equal(formatCreds(JWT, account), null);
  assert.equal(formatCreds(JWT, SEED.slice(0, -1) + (SEED.endsWith("A") ? "B" : "A")), null);
  const file = formatCreds(JWT, SEED) ?? "";
  assert.equal(parseCreds(file.replace(SEED, account)), null, "an account's seed");
  assert.equal(parseDecoratedSeed(file.replace(SEED, account))?.role, "account");
  assert.equal(parseCreds(file.replace(SEED, user.getPublicKey())), null);
  assert.equal(parseDecoratedSeed(file.replace(SEED, user.getPublicKey())), null);
  assert.equal(parseCreds(file.replaceAll(/-{3,}/g, "--")), null);
  assert.equal(parseCreds(""), null);
  assert.equal(parseDecoratedSeed(""), null);
});

test("a long file without blocks takes no time", () => {
  assert.equal(parseCreds("-".repeat(1_000_000)), null);
  assert.equal(parseCreds("---x---\n".repeat(100_000)), null);
});
