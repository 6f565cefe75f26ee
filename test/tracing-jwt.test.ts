import assert from "node:assert/strict";
import { test } from "node:test";
import { accountOf } from "../packages/caddis/src/auth/account-claims.ts";
import { isProblem } from "../packages/caddis/src/auth/claims/fields.ts";
import { decodeClaims } from "../packages/caddis/src/auth/jwt.ts";
import { JwtWorld } from "./support/jwt-world.ts";

const world = new JwtWorld();

for (const [trace, expected] of [
  [{ dest: "t" }, { dest: "t", sampling: 100 }],
  [
    { dest: "t", sampling: 5 },
    { dest: "t", sampling: 5 },
  ],
  [undefined, undefined],
] as const) {
  test(`the claims of an account say what of it is traced: ${JSON.stringify(trace ?? null)}`, () => {
    const claims = decodeClaims("account", world.accountJwt({ nats: trace === undefined ? {} : { trace } }));
    if (isProblem(claims)) assert.fail(claims.problem);
    assert.deepEqual(accountOf(claims, false).config.msg_trace, expected);
  });
}
