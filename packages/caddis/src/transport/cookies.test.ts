import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { cookieCredentials } from "./cookies.ts";

const NAMES = { jwt_cookie: "j", user_cookie: "u", pass_cookie: "p", token_cookie: "" };

test("cookies are found by their names, of several the last one", () => {
  assert.deepEqual(cookieCredentials(["a=1; u=ann;p=x y", "j=e.y.J; u=bob"], NAMES), {
    jwt: "e.y.J",
    user: "bob",
    pass: "x y",
    auth_token: "",
  });
});

test("quotes around a value are not part of it, signs of equality are", () => {
  assert.equal(cookieCredentials([`u="ann"`], NAMES).user, "ann");
  assert.equal(cookieCredentials(["u=a=b="], NAMES).user, "a=b=");
});

test("what is no cookie is passed over", () => {
  for (const field of ["u", "u=a\\b", 'u="', "u=\x01", "u=\xe4", "U=ann", "xu=ann", "=ann"]) {
    assert.equal(cookieCredentials([field], NAMES).user, "", field);
  }
});

test("a cookie of no name stands for nothing", () => {
  assert.equal(cookieCredentials(["=secret; ;"], NAMES).auth_token, "");
});

test("no field makes it throw, or finds what is not in it", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary", maxLength: 50, size: "max" })), (fields) => {
      const { user } = cookieCredentials(fields, NAMES);
      assert.ok(user === "" || fields.some((field) => field.includes(user)));
    }),
  );
});
