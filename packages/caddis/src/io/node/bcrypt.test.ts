import assert from "node:assert/strict";
import { test } from "node:test";
import { BcryptHasher } from "./bcrypt.ts";

/** `secret` at cost 4, as libraries of four generations mark it. */
const SECRET = "04$ByvpOvaUEQ5UjIUeVn2sROhgyUZieF.UJP7jvhhXiUwcbj/6fIj9u";

for (const version of ["2a", "2b", "2x", "2y"]) {
  test(`hashes marked ${version} are compared`, async () => {
    const hasher = new BcryptHasher();
    await hasher.load();
    assert.equal(await hasher.compare("secret", `$${version}$${SECRET}`), true);
    assert.equal(await hasher.compare("Secret", `$${version}$${SECRET}`), false);
  });
}

test("what is no hash matches nothing", async () => {
  const hasher = new BcryptHasher();
  for (const hash of ["", "secret", "$2b$", `$2b$99${SECRET.slice(2)}`, `$2b$${SECRET}x`, "$2b$04$short"]) {
    assert.equal(await hasher.compare("secret", hash), false, hash);
  }
});
